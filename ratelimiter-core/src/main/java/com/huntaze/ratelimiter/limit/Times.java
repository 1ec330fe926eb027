package com.huntaze.ratelimiter.limit;

/**
 * Instants in ascending order, in microseconds; the same instant may stand there more than once.
 *
 * <p>A ring that is mostly added to at its end and dropped from at its start, both in constant
 * time; anything in between costs a binary search and a move. Confined to its bucket's lock.
 */
final class Times {
  private static final int SMALLEST = 4;

  private long[] ring = new long[SMALLEST];
  private int head;
  private int size;

  int size() {
    return size;
  }

  boolean isEmpty() {
    return size == 0;
  }

  /** The instant at a position, 0 for the earliest. */
  long get(int index) {
    return ring[(head + index) & (ring.length - 1)];
  }

  long last() {
    return get(size - 1);
  }

  void add(long time) {
    if (size == ring.length) {
      resize(ring.length * 2);
    }
    int index = size;
    while (index > 0 && get(index - 1) > time) {
      set(index, get(index - 1));
      index--;
    }
    set(index, time);
    size++;
  }

  /** Takes one entry of that instant away. */
  void remove(long time) {
    int index = after(time) - 1;
    if (index < 0 || get(index) != time) {
      return;
    }
    for (int i = index; i < size - 1; i++) {
      set(i, get(i + 1));
    }
    size--;
  }

  void dropUpTo(long time) {
    while (size > 0 && ring[head] <= time) {
      head = (head + 1) & (ring.length - 1);
      size--;
    }
    if (ring.length > SMALLEST && size < ring.length / 8) {
      resize(ring.length / 2);
    }
  }

  /** How many instants are not after the given one; the index of the first that is. */
  int after(long time) {
    if (size == 0 || ring[head] > time) {
      return 0;
    }
    if (last() <= time) {
      return size;
    }
    int low = 1;
    int high = size;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (get(middle) <= time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** How many instants lie strictly between two others. */
  int between(long low, long high) {
    return Math.max(0, after(high - 1) - after(low));
  }

  private void set(int index, long time) {
    ring[(head + index) & (ring.length - 1)] = time;
  }

  private void resize(int length) {
    long[] next = new long[length];
    int untilEnd = Math.min(size, ring.length - head);
    System.arraycopy(ring, head, next, 0, untilEnd);
    System.arraycopy(ring, 0, next, untilEnd, size - untilEnd);
    ring = next;
    head = 0;
  }
}
