package com.huntaze.ratelimiter.examples.fallback;

import com.huntaze.ratelimiter.RateLimiterConfig;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Where the settings of the store and the queue are read. */
interface Settings {
  /**
   * Reads the settings that every part of the SDK shares.
   *
   * @throws IllegalArgumentException if some are wrong; the message names them and shows no secret
   */
  RateLimiterConfig config(@Nullable Path properties);

  /** A setting of the command line's own; empty if it is unset or blank. */
  Optional<String> variable(String name);

  static Settings ofEnvironment() {
    return new Settings() {
      @Override
      public RateLimiterConfig config(@Nullable Path properties) {
        return properties == null
            ? RateLimiterConfig.fromEnvironment()
            : RateLimiterConfig.fromEnvironment(properties);
      }

      @Override
      public Optional<String> variable(String name) {
        return Optional.ofNullable(System.getenv(name))
            .map(String::strip)
            .filter(s -> !s.isEmpty());
      }
    };
  }
}
