package com.huntaze.ratelimiter.cloudwatch;

import static java.util.Objects.requireNonNull;

import java.time.Duration;

/** Settings that are times. */
final class Durations {
  private static final Duration DAY = Duration.ofDays(1);

  private Durations() {}

  static Duration between(Duration least, Duration value, String name) {
    if (requireNonNull(value, name).compareTo(least) < 0 || value.compareTo(DAY) > 0) {
      throw new IllegalArgumentException(
          name + " must be from " + least + " to " + DAY + ", was " + value);
    }
    return value;
  }
}
