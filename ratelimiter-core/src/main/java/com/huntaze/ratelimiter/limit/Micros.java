package com.huntaze.ratelimiter.limit;

import java.time.Duration;
import java.time.Instant;

/** Microseconds, the unit the calendars are kept in: exact in a Lua number, too. */
final class Micros {
  private static final long PER_SECOND = 1_000_000;

  private Micros() {}

  /** Longer is as good as for ever; and twice as long still is a whole number to a Lua script. */
  private static final Duration FOREVER = Duration.ofDays(36_500);

  /** Rounded up, so that nothing that must pass is ever a part of a microsecond short. */
  static long up(Duration duration) {
    Duration bounded = duration.compareTo(FOREVER) > 0 ? FOREVER : duration;
    return Math.floorDiv(bounded.getNano() + 999, 1_000) + bounded.getSeconds() * PER_SECOND;
  }

  static Duration duration(long micros) {
    return micros <= 0 ? Duration.ZERO : Duration.ofNanos(micros * 1_000);
  }

  static long of(Instant instant) {
    return Math.addExact(
        Math.multiplyExact(instant.getEpochSecond(), PER_SECOND), instant.getNano() / 1_000);
  }

  static Instant instant(long micros) {
    return Instant.ofEpochSecond(
        Math.floorDiv(micros, PER_SECOND), Math.floorMod(micros, PER_SECOND) * 1_000);
  }
}
