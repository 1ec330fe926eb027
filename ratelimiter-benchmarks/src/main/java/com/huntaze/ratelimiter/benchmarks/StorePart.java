package com.huntaze.ratelimiter.benchmarks;

import java.util.List;

/**
 * What the fallback store does a second, beside outboxes that store and work off in the same
 * database: gruelbox transaction-outbox and db-scheduler.
 *
 * <p>{@code -Dbenchmarks.store=postgres,mariadb} chooses the databases.
 */
final class StorePart {
  private static final String ALL = "postgres,mariadb";

  private final double seconds;

  StorePart(double seconds) {
    this.seconds = seconds;
  }

  void run() throws Exception {
    for (String name : List.of(System.getProperty("benchmarks.store", ALL).split(","))) {
      try (MeasuredDatabase database = MeasuredDatabase.start(name.strip())) {
        new StoreContest(database, seconds).run();
      }
    }
  }
}
