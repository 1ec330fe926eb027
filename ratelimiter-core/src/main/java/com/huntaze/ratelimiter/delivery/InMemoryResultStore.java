package com.huntaze.ratelimiter.delivery;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** Keeps the latest results of this process, for status pages and tests. Thread-safe. */
public final class InMemoryResultStore implements ResultStore {
  private final int capacity;
  private final Deque<DeliveryResult> results = new ArrayDeque<>();

  /**
   * A bounded store.
   *
   * @param capacity how many of the latest results are kept, 1 or more
   */
  public InMemoryResultStore(int capacity) {
    if (capacity < 1) {
      throw new IllegalArgumentException("capacity must be 1 or more, was " + capacity);
    }
    this.capacity = capacity;
  }

  @Override
  public synchronized void put(DeliveryResult result) {
    if (results.size() == capacity) {
      results.removeFirst();
    }
    results.addLast(result);
  }

  /** {@return the latest results, oldest first} */
  public synchronized List<DeliveryResult> latest() {
    return List.copyOf(results);
  }
}
