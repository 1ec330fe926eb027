package com.huntaze.ratelimiter.benchmarks;

import java.sql.SQLException;
import java.util.concurrent.CountDownLatch;
import javax.sql.DataSource;

/**
 * A store of messages that are worked off later, with a database of its own. Thread-safe, but for
 * closing and for one who works it off at a time.
 */
interface MeasuredStore extends AutoCloseable {
  /** How many messages {@link #storeTen()} stores. */
  int TEN = 10;

  /** Stores a new message in a transaction of its own. */
  void storeOne();

  /** Stores ten new messages in one transaction. */
  void storeTen();

  /** How many messages are stored and not completed. */
  long waiting() throws SQLException;

  /** Where the database is reached, for whoever empties it. */
  DataSource pool();

  @Override
  void close();

  /** How a store is worked off; one store may have several ways. */
  @FunctionalInterface
  interface Work {
    /**
     * Starts to claim and complete what is stored, and what comes.
     *
     * @param done counted down for each message whose completion is committed
     * @return closed once all is done, to stop
     */
    Running start(CountDownLatch done);
  }

  /** Threads that work a store off. */
  @FunctionalInterface
  interface Running extends AutoCloseable {
    @Override
    void close();
  }
}
