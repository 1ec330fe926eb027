package com.huntaze.ratelimiter.jdbc;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import javax.sql.DataSource;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The pools of one test: after it, each must have its connections back in order, and is closed. */
final class Pools implements AfterEachCallback {
  private final Queue<Watched> pools = new ConcurrentLinkedQueue<>();

  Watched on(DataSource dataSource) {
    Watched pool = new Watched(dataSource);
    pools.add(pool);
    return pool;
  }

  @Override
  public void afterEach(ExtensionContext context) throws Exception {
    for (Watched pool = pools.poll(); pool != null; pool = pools.poll()) {
      pool.close();
      pool.assertAllGivenBackInOrder();
    }
  }
}
