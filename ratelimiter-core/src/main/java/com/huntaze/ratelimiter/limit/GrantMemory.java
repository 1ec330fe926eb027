package com.huntaze.ratelimiter.limit;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * When each id was granted, for as long as the grant may be told again. Times are microseconds.
 * Confined to its bucket's lock.
 *
 * <p>Two generations, so that forgetting costs a grant nothing: when the older one is stale as a
 * whole it is dropped, and the younger takes its place.
 */
final class GrantMemory {
  private final long freshFor;
  private Map<String, Long> young = new HashMap<>();
  private Map<String, Long> old = new HashMap<>();
  private long latestInYoung = Long.MIN_VALUE / 2;
  private long latestInOld = Long.MIN_VALUE / 2;

  GrantMemory(long freshFor) {
    this.freshFor = freshFor;
  }

  /** Constant time, but for the dropping. */
  void forgetStale(long now) {
    if (latestInOld + freshFor < now && !young.isEmpty()) {
      Map<String, Long> dropped = old;
      old = young;
      latestInOld = latestInYoung;
      // A table that has its size is used again, unless it was made for much more than this.
      young = dropped.size() / 8 <= old.size() ? dropped : new HashMap<>();
      young.clear();
    }
  }

  /** The instant of an id's grant, or null if there is none or it is stale. */
  @Nullable Long fresh(String id, long now) {
    Long at = young.get(id);
    if (at == null && !old.isEmpty()) {
      at = old.get(id);
    }
    return at != null && now <= at + freshFor ? at : null;
  }

  void add(String id, long at) {
    young.put(id, at);
    latestInYoung = Math.max(latestInYoung, at);
  }
}
