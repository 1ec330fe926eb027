package com.huntaze.ratelimiter.testkit;

import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import org.junit.jupiter.api.Nested;

class InMemoryFallbackStoreTest extends FallbackStoreContract {
  @Override
  protected FallbackStore newStore() {
    return new InMemoryFallbackStore();
  }

  @Nested
  class ByHand extends FallbackAdminContract {
    @Override
    protected FallbackStore newStore() {
      return new InMemoryFallbackStore();
    }
  }
}
