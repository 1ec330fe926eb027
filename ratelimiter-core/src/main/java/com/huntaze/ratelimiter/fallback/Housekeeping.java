package com.huntaze.ratelimiter.fallback;

import java.time.Duration;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes what was replayed long ago: about once an hour, in small steps. A fault of it is said
 * once and harms nothing. Confined to who holds the replayer's turn.
 */
final class Housekeeping {
  private static final Logger log = LoggerFactory.getLogger(Replayer.class);
  private static final int STEP = 1_000;
  private static final Duration FIRST = Duration.ofMinutes(5);
  private static final Duration EVERY = Duration.ofHours(1);

  private final FallbackStore store;
  private final Duration retention;
  private final RandomGenerator random;
  private long dueAt;
  private boolean failing;

  Housekeeping(FallbackStore store, Duration retention, RandomGenerator random, long now) {
    this.store = store;
    this.retention = retention;
    this.random = random;
    this.dueAt = now + about(FIRST);
  }

  boolean isDue(long now) {
    return now - dueAt >= 0;
  }

  /** One step; due again at once if there is more. */
  void step(long now) {
    try {
      if (store.purge(retention, STEP) < STEP) {
        dueAt = now + about(EVERY);
      }
      failing = false;
    } catch (RuntimeException | Error e) {
      dueAt = now + about(EVERY);
      if (!failing) {
        failing = true;
        log.warn(
            "Messages that were replayed long ago could not be deleted: {}", ReplayLog.describe(e));
      }
    }
  }

  /** Half as long to half as long again, so that the processes of a fleet do not come at once. */
  private long about(Duration time) {
    return time.toNanos() / 2 + random.nextLong(time.toNanos());
  }
}
