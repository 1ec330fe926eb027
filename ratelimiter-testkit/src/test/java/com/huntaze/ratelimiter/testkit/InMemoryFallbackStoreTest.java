package com.huntaze.ratelimiter.testkit;

import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;

class InMemoryFallbackStoreTest extends FallbackStoreContract {
  @Override
  protected FallbackStore newStore() {
    return new InMemoryFallbackStore();
  }
}
