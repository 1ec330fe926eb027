package com.huntaze.ratelimiter.jdbc;

import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.testkit.FallbackAdminContract;
import com.huntaze.ratelimiter.testkit.FallbackStoreContract;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.util.Map;
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

  @Nested
  class ByHandOnPostgres extends FallbackAdminContract {
    @Override
    protected FallbackStore newStore() {
      return onEmpty(TestDatabase.POSTGRESQL);
    }
  }

  @Nested
  class ByHandOnMariaDb extends FallbackAdminContract {
    @Override
    protected FallbackStore newStore() {
      return onEmpty(TestDatabase.MARIADB);
    }
  }

  @Nested
  class ByHandOnH2 extends FallbackAdminContract {
    @Override
    protected FallbackStore newStore() {
      return onEmpty(TestDatabase.H2);
    }
  }

  @Nested
  class EncryptedOnPostgres extends FallbackStoreContract {
    @Override
    protected FallbackStore newStore() {
      return JdbcFallbackStore.builder(pools.on(TestDatabase.POSTGRESQL.empty().get()).dataSource())
          .createSchema(true)
          .encryption(EncryptionKeys.of("k1", Map.of("k1", TestDatabase.aesKey())))
          .build();
    }
  }

  private FallbackStore onEmpty(TestDatabase database) {
    return JdbcFallbackStore.builder(pools.on(database.empty().get()).dataSource())
        .createSchema(true)
        .build();
  }
}
