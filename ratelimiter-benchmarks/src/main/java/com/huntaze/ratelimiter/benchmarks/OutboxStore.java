package com.huntaze.ratelimiter.benchmarks;

import com.gruelbox.transactionoutbox.Dialect;
import com.gruelbox.transactionoutbox.Instantiator;
import com.gruelbox.transactionoutbox.Persistor;
import com.gruelbox.transactionoutbox.Submitter;
import com.gruelbox.transactionoutbox.ThreadLocalContextTransactionManager;
import com.gruelbox.transactionoutbox.TransactionManager;
import com.gruelbox.transactionoutbox.TransactionOutbox;
import com.gruelbox.transactionoutbox.TransactionOutboxEntry;
import com.gruelbox.transactionoutbox.TransactionOutboxListener;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import javax.sql.DataSource;

/**
 * gruelbox transaction-outbox. Its table holds an index for {@code flush}, and it batches the
 * inserts of one transaction by itself.
 *
 * <p>What is to wait is scheduled by an outbox that submits nothing and whose clock is late, so
 * that it is due at once. What is stored while it is worked off goes the way it is meant to: it is
 * submitted as its transaction commits.
 */
final class OutboxStore implements MeasuredStore {
  static final int WORKERS = 10;
  static final int FLUSHERS = 2;
  static final int FLUSH_BATCH = 1_000;

  private static final Duration LATE = Duration.ofHours(1);
  private static final Duration PAUSE = Duration.ofMillis(50);

  private final TransactionPool pool;
  private final StoredSamples samples;
  private final ThreadLocalContextTransactionManager transactions;
  private final Persistor persistor;
  private final TransactionOutbox keeping;
  private volatile TransactionOutbox scheduling;

  /** What is to be done for a message. */
  interface Task {
    /** Does nothing. */
    void send(String json);
  }

  OutboxStore(MeasuredDatabase database, StoredSamples samples) throws SQLException {
    this.pool = database.newPool(false);
    this.samples = samples;
    this.transactions = TransactionManager.fromDataSource(pool);
    this.persistor =
        Persistor.forDialect(
            switch (database.kind()) {
              case POSTGRES -> Dialect.POSTGRESQL_9;
              case MARIADB -> Dialect.MY_SQL_8;
            });
    this.keeping =
        outbox()
            .clockProvider(() -> Clock.offset(Clock.systemUTC(), LATE.negated()))
            .submitter((entry, processor) -> {})
            .build();
    this.scheduling = keeping;
  }

  private TransactionOutbox.TransactionOutboxBuilder outbox() {
    return TransactionOutbox.builder()
        .transactionManager(transactions)
        .persistor(persistor)
        .instantiator(Instantiator.using(type -> (Task) json -> {}))
        .clockProvider(Clock::systemUTC)
        .serializeMdc(false)
        .flushBatchSize(FLUSH_BATCH);
  }

  @Override
  public void storeOne() {
    transactions.inTransaction(this::schedule);
  }

  @Override
  public void storeTen() {
    transactions.inTransaction(
        () -> {
          for (int i = 0; i < TEN; i++) {
            schedule();
          }
        });
  }

  private void schedule() {
    scheduling.schedule(Task.class).send(samples.json());
  }

  /** Some threads flush, and others process what these found and what was just stored. */
  Running work(CountDownLatch done) {
    ExecutorService executor = Workers.executor("outbox", WORKERS);
    TransactionOutbox working =
        outbox()
            .submitter(Submitter.withExecutor(executor))
            .listener(
                new TransactionOutboxListener() {
                  @Override
                  public void success(TransactionOutboxEntry entry) {
                    done.countDown();
                  }
                })
            .build();
    scheduling = working;
    Workers flushing = Workers.start("flush", FLUSHERS, PAUSE, working::flush);
    return () -> {
      scheduling = keeping;
      flushing.close();
      Workers.end(executor);
    };
  }

  @Override
  public long waiting() throws SQLException {
    return MeasuredDatabase.count(pool, "TXNO_OUTBOX");
  }

  @Override
  public DataSource pool() {
    return pool;
  }

  @Override
  public void close() {
    pool.close();
  }
}
