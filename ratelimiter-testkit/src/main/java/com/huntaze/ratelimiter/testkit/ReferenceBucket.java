package com.huntaze.ratelimiter.testkit;

import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * What a bucket must answer, by brute force: it keeps everything, tries every instant that could be
 * the earliest, and checks each against every window. Rolling limits only, no guard. Times are
 * microseconds; the caller says what time it is. Confined to one thread.
 */
final class ReferenceBucket {
  /** An answer: what it is, and how far ahead of now its instant lies. */
  record Answer(String kind, long ahead) {}

  /** One scope's two calendars. */
  private static final class Calendar {
    final List<Long> record = new ArrayList<>();
    final Map<String, Long> plan = new LinkedHashMap<>();
    long blockedUntil;
    long promisedInOrder;
    long grantedInOrder;
  }

  private record Booking(long slot, List<Scope> scopes) {}

  private final Map<Scope.Kind, List<RateLimit>> limits;
  private final long grace;
  private final Map<Scope, Calendar> calendars = new HashMap<>();
  private final Map<String, Long> grants = new HashMap<>();
  private final Map<String, Booking> bookings = new LinkedHashMap<>();

  ReferenceBucket(Map<Scope.Kind, List<RateLimit>> limits, Duration grace) {
    this.limits = limits;
    this.grace = micros(grace);
  }

  Answer acquire(PermitRequest request, long now) {
    forgetNoShows(now);
    Long granted = grants.get(request.id());
    if (granted != null && now <= granted + grace) {
      return new Answer("granted", Math.max(0, granted - now));
    }
    Calendar order = calendar(request.orderScope());
    Booking booking = bookings.get(request.id());
    if (booking != null) {
      if (booking.slot - now > grace) {
        return new Answer("booked", booking.slot - now);
      }
      long at = Math.max(now, booking.slot);
      for (Scope scope : booking.scopes) {
        at = Math.max(at, calendar(scope).blockedUntil);
        for (RateLimit limit : limits(scope)) {
          at = Math.max(at, recordFreeFrom(calendar(scope).record, limit));
        }
      }
      if (request.isOrdered()) {
        at = Math.max(at, order.grantedInOrder);
      }
      release(request.id());
      if (at <= booking.slot + 4 * grace) {
        return grant(request, booking.scopes, order, at, now);
      }
    }
    List<Scope> counted =
        request.scopes().stream().filter(scope -> limits.containsKey(scope.kind())).toList();
    long from = request.isOrdered() ? Math.max(now, order.promisedInOrder) : now;
    long slot = earliestFree(counted, from);
    if (slot == now) {
      return grant(request, counted, order, now, now);
    }
    if (slot - now > micros(request.bookingHorizon())) {
      return new Answer("refused", slot - now);
    }
    counted.forEach(scope -> calendar(scope).plan.put(request.id(), slot));
    bookings.put(request.id(), new Booking(slot, counted));
    if (request.isOrdered()) {
      order.promisedInOrder = Math.max(order.promisedInOrder, slot);
    }
    return new Answer("booked", slot - now);
  }

  boolean release(String id) {
    Booking booking = bookings.remove(id);
    if (booking != null) {
      booking.scopes.forEach(scope -> calendar(scope).plan.remove(id));
    }
    return booking != null;
  }

  boolean releaseAt(String id, long now) {
    forgetNoShows(now);
    return release(id);
  }

  void block(Scope scope, long until) {
    calendar(scope).blockedUntil = Math.max(calendar(scope).blockedUntil, until);
  }

  /** Every grant ever made on each scope: what the API saw. */
  Map<Scope, List<Long>> granted() {
    Map<Scope, List<Long>> all = new HashMap<>();
    calendars.forEach((scope, calendar) -> all.put(scope, List.copyOf(calendar.record)));
    return all;
  }

  private Answer grant(
      PermitRequest request, List<Scope> counted, Calendar order, long at, long now) {
    counted.forEach(scope -> calendar(scope).record.add(at));
    grants.put(request.id(), at);
    if (request.isOrdered()) {
      order.grantedInOrder = Math.max(order.grantedInOrder, at);
      order.promisedInOrder = Math.max(order.promisedInOrder, at);
    }
    return new Answer("granted", at - now);
  }

  private long earliestFree(List<Scope> counted, long from) {
    TreeSet<Long> candidates = new TreeSet<>(List.of(from));
    for (Scope scope : counted) {
      Calendar calendar = calendar(scope);
      candidates.add(calendar.blockedUntil);
      for (RateLimit limit : limits(scope)) {
        for (long entry : entries(calendar, from - micros(limit.window()))) {
          candidates.add(entry + micros(limit.window()));
        }
      }
    }
    for (long t : candidates.tailSet(from)) {
      if (counted.stream().allMatch(scope -> isFree(scope, t))) {
        return t;
      }
    }
    throw new AssertionError("one window after the last entry is always free");
  }

  private boolean isFree(Scope scope, long t) {
    Calendar calendar = calendar(scope);
    return t >= calendar.blockedUntil
        && limits(scope).stream()
            .allMatch(limit -> fits(entries(calendar, t - micros(limit.window())), limit, t));
  }

  /** Whether no window with t in it has as many others as the limit allows in all. */
  private static boolean fits(List<Long> entries, RateLimit limit, long t) {
    long window = micros(limit.window());
    for (long start : entries) {
      if (isFull(entries, Math.min(start, t), t, window, limit)) {
        return false;
      }
    }
    return !isFull(entries, t, t, window, limit);
  }

  private static boolean isFull(
      List<Long> entries, long start, long t, long window, RateLimit limit) {
    if (t >= start + window) {
      return false;
    }
    long others = entries.stream().filter(e -> e >= start && e < start + window).count();
    return others >= limit.permits();
  }

  /** Both calendars, without what lies too far back to share a window with anything asked for. */
  private static List<Long> entries(Calendar calendar, long after) {
    return Stream.concat(calendar.record.stream(), calendar.plan.values().stream())
        .filter(entry -> entry > after)
        .toList();
  }

  private static long recordFreeFrom(List<Long> record, RateLimit limit) {
    List<Long> sorted = record.stream().sorted().toList();
    int size = sorted.size();
    return size < limit.permits()
        ? Long.MIN_VALUE
        : sorted.get(size - limit.permits()) + micros(limit.window());
  }

  private void forgetNoShows(long now) {
    for (Iterator<Map.Entry<String, Booking>> all = bookings.entrySet().iterator();
        all.hasNext(); ) {
      Map.Entry<String, Booking> each = all.next();
      if (each.getValue().slot + grace < now) {
        all.remove();
        each.getValue().scopes.forEach(scope -> calendar(scope).plan.remove(each.getKey()));
      }
    }
  }

  private List<RateLimit> limits(Scope scope) {
    return limits.getOrDefault(scope.kind(), List.of());
  }

  private Calendar calendar(Scope scope) {
    return calendars.computeIfAbsent(scope, key -> new Calendar());
  }

  private static long micros(Duration duration) {
    return duration.toNanos() / 1_000;
  }
}
