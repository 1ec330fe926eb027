package com.huntaze.ratelimiter.fallback;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * What a store holds.
 *
 * @param byStatus how many messages stand where; a status without messages may be missing
 * @param oldestWaiting how long the oldest message that waits to be replayed has waited
 */
public record FallbackBacklog(Map<StoredStatus, Long> byStatus, Optional<Duration> oldestWaiting) {
  /** Copies the map. */
  public FallbackBacklog {
    byStatus = Map.copyOf(byStatus);
  }

  /**
   * How many messages stand at a status.
   *
   * @param status the status
   * @return the count
   */
  public long count(StoredStatus status) {
    return byStatus.getOrDefault(status, 0L);
  }

  /** {@return the messages that wait to be replayed} */
  public long waiting() {
    return count(StoredStatus.FAILED) + count(StoredStatus.RATE_LIMITED);
  }
}
