package com.huntaze.ratelimiter.lambda;

import com.huntaze.ratelimiter.RateLimiterConfig;
import org.jspecify.annotations.Nullable;

/** Makes the parts when they are first needed, and again after they were closed. Thread-safe. */
final class LazyParts {
  private final RateLimiterConfig config;
  private volatile @Nullable Parts parts;

  LazyParts(RateLimiterConfig config) {
    this.config = config;
  }

  Parts get() {
    Parts known = parts;
    return known != null ? known : make();
  }

  private synchronized Parts make() {
    Parts known = parts;
    if (known == null) {
      known = Parts.of(config);
      parts = known;
    }
    return known;
  }

  synchronized void close() {
    Parts known = parts;
    parts = null;
    if (known != null) {
      known.close();
    }
  }
}
