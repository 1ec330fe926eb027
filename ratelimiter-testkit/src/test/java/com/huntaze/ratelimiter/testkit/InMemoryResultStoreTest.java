package com.huntaze.ratelimiter.testkit;

import com.huntaze.ratelimiter.delivery.DeliveryResult;
import com.huntaze.ratelimiter.delivery.InMemoryResultStore;
import com.huntaze.ratelimiter.delivery.ResultStore;
import java.util.Optional;

class InMemoryResultStoreTest extends ResultStoreContract {
  @Override
  protected ResultStore newStore() {
    return new InMemoryResultStore(1_000);
  }

  @Override
  protected Optional<String> read(ResultStore store, String path) {
    return ((InMemoryResultStore) store)
        .latest().stream()
            .filter(result -> result.path().equals(path))
            .reduce((earlier, later) -> later)
            .map(DeliveryResult::toJson);
  }
}
