package com.huntaze.ratelimiter.limit;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/**
 * The two calendars of one scope: what was granted, and what is promised. Times are microseconds.
 * Confined to its bucket's lock.
 *
 * <p>One calendar for both would be a trap: a promise that is redeemed a little late would count at
 * its old instant, and the next full window would pack against it.
 */
final class ScopeCalendar {
  private record Entry(long time, String id) {}

  private static final Comparator<Entry> ORDER =
      Comparator.comparingLong(Entry::time).thenComparing(Entry::id);

  private final int permits;
  private final long window;
  private final TreeSet<Entry> record = new TreeSet<>(ORDER);
  private final TreeSet<Entry> plan = new TreeSet<>(ORDER);
  private long blockedUntil = Long.MIN_VALUE;

  ScopeCalendar(int permits, long windowMicros) {
    this.permits = permits;
    this.window = windowMicros;
  }

  void trim(long now) {
    while (!record.isEmpty() && record.first().time + window <= now) {
      record.pollFirst();
    }
  }

  boolean isIdle(long now) {
    return record.isEmpty() && plan.isEmpty() && blockedUntil <= now;
  }

  void grant(String id, long at) {
    record.add(new Entry(at, id));
  }

  void promise(String id, long slot) {
    plan.add(new Entry(slot, id));
  }

  void withdraw(String id, long slot) {
    plan.remove(new Entry(slot, id));
  }

  void block(long until) {
    blockedUntil = Math.max(blockedUntil, until);
  }

  long blockedUntil() {
    return blockedUntil;
  }

  int booked() {
    return plan.size();
  }

  /** The first instant at which the record alone has room, wherever its latest entries lie. */
  long recordFreeFrom() {
    if (record.size() < permits) {
      return Long.MIN_VALUE;
    }
    var newestFirst = record.descendingIterator();
    long time = Long.MIN_VALUE;
    for (int i = 0; i < permits; i++) {
      time = newestFirst.next().time;
    }
    return time + window;
  }

  /**
   * The earliest instant from {@code from} on that keeps every window within the limit, looking
   * back and ahead: t is free if no {@code permits} consecutive entries e1…eN that span less than a
   * window have eN - W < t < e1 + W.
   */
  long earliestFree(long from) {
    List<Long> times = times();
    long t = from;
    for (int last = permits - 1; last < times.size(); last++) {
      long newest = times.get(last);
      if (newest - window >= t) {
        break; // this group and all after it lie a window or more ahead
      }
      long oldest = times.get(last - permits + 1);
      if (newest - oldest < window && t < oldest + window) {
        t = oldest + window;
      }
    }
    return t;
  }

  long tokens(long now) {
    long inWindow =
        times().stream().filter(time -> time > now - window && time < now + window).count();
    return blockedUntil > now ? 0 : Math.max(0, permits - inWindow);
  }

  int permits() {
    return permits;
  }

  long window() {
    return window;
  }

  private List<Long> times() {
    List<Long> times = new ArrayList<>(record.size() + plan.size());
    record.forEach(entry -> times.add(entry.time));
    plan.forEach(entry -> times.add(entry.time));
    times.sort(null);
    return times;
  }
}
