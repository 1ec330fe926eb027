package com.huntaze.ratelimiter.jdbc;

import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import com.huntaze.ratelimiter.testkit.SentLogContract;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.extension.RegisterExtension;

class JdbcSentLogContractTest {
  @RegisterExtension final Pools pools = new Pools();

  @Nested
  class OnPostgres extends SentLogContract {
    @RegisterExtension static final LocalPostgres postgres = LocalPostgres.shared();

    @Override
    protected SentLog newLog() {
      return onEmpty(TestDatabase.POSTGRESQL);
    }
  }

  @Nested
  class OnMariaDb extends SentLogContract {
    @RegisterExtension static final LocalMariaDb mariaDb = LocalMariaDb.shared();

    @Override
    protected SentLog newLog() {
      return onEmpty(TestDatabase.MARIADB);
    }
  }

  @Nested
  class OnH2 extends SentLogContract {
    @Override
    protected SentLog newLog() {
      return onEmpty(TestDatabase.H2);
    }
  }

  private SentLog onEmpty(TestDatabase database) {
    return JdbcSentLog.builder(pools.on(database.empty().get()).dataSource())
        .createSchema(true)
        .build();
  }
}
