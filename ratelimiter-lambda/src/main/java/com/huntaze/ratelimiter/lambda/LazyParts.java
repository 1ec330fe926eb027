package com.huntaze.ratelimiter.lambda;

import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.limit.Ticker;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes the parts when they are first needed, and again after they were closed. Thread-safe. */
final class LazyParts {
  private final RateLimiterConfig config;
  private final Map<String, String> secretIds;
  private final Ticker ticker;
  private volatile @Nullable Parts parts;

  LazyParts(RateLimiterConfig config, Map<String, String> secretIds, Ticker ticker) {
    this.config = config;
    this.secretIds = secretIds;
    this.ticker = ticker;
  }

  Parts get() {
    Parts known = parts;
    return known != null ? known : make();
  }

  private synchronized Parts make() {
    Parts known = parts;
    if (known == null) {
      known = Parts.of(config, secretIds, ticker);
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
