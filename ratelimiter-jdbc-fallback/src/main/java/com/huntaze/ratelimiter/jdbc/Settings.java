package com.huntaze.ratelimiter.jdbc;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What both parts can be told about their database. Not thread-safe; copied when a part is built.
 */
final class Settings {
  @Nullable Dialect dialect;
  boolean createSchema;
  Duration queryTimeout = Duration.ofSeconds(10);

  void dialect(String name) {
    dialect =
        Dialect.named(requireNonNull(name, "dialect"))
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "dialect must be one of " + Dialect.allowed() + ", was '" + name + "'"));
  }

  void queryTimeout(Duration timeout) {
    if (requireNonNull(timeout, "queryTimeout").isNegative() || timeout.isZero()) {
      throw new IllegalArgumentException("queryTimeout must be more than zero, was " + timeout);
    }
    queryTimeout = timeout;
  }
}
