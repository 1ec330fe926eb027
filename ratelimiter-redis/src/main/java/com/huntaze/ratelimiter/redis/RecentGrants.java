package com.huntaze.ratelimiter.redis;

import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.Scope;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * What this process was granted, for as long as the longest window, so that a Redis that lost its
 * state can be told. Ages, not instants: the other server's clock may show another time. Bounded;
 * what is forgotten early counts as unknown there, which is the safe side. Thread-safe.
 */
final class RecentGrants {
  private static final int MOST = 100_000;

  /** One grant; times are microseconds of the monotonic clock. */
  record Recent(String id, List<Scope> scopes, long at) {}

  private final long keptFor;
  private final Deque<Recent> grants = new ArrayDeque<>();

  RecentGrants(long keptForMicros) {
    this.keptFor = keptForMicros;
  }

  synchronized void add(PermitRequest request, long at, long now) {
    if (keptFor > 0) {
      forget(now);
      grants.addLast(new Recent(request.id(), request.scopes(), at));
    }
  }

  synchronized List<Recent> all(long now) {
    forget(now);
    return new ArrayList<>(grants);
  }

  private void forget(long now) {
    while (!grants.isEmpty() && (grants.peekFirst().at + keptFor < now || grants.size() >= MOST)) {
      grants.removeFirst();
    }
  }
}
