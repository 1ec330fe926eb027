package com.huntaze.ratelimiter.jdbc;

import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.testkit.FallbackStoreContract;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.extension.RegisterExtension;

class JdbcFallbackStoreContractTest {
  @RegisterExtension final Pools pools = new Pools();

  @Nested
  class OnPostgres extends FallbackStoreContract {
    @RegisterExtension static final LocalPostgres postgres = LocalPostgres.shared();

    @Override
    protected FallbackStore newStore() {
      return onEmpty(TestDatabase.POSTGRESQL);
    }
  }

  @Nested
  class OnMariaDb extends FallbackStoreContract {
    @RegisterExtension static final LocalMariaDb mariaDb = LocalMariaDb.shared();

    @Override
    protected FallbackStore newStore() {
      return onEmpty(TestDatabase.MARIADB);
    }
  }

  @Nested
  class OnH2 extends FallbackStoreContract {
    @Override
    protected FallbackStore newStore() {
      return onEmpty(TestDatabase.H2);
    }
  }

  private FallbackStore onEmpty(TestDatabase database) {
    return JdbcFallbackStore.builder(pools.on(database.empty().get()).dataSource())
        .createSchema(true)
        .build();
  }
}
