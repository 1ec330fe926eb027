package com.huntaze.ratelimiter.benchmarks;

import com.huntaze.ratelimiter.fallback.NotQueued;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.jdbc.JdbcFallbackStore;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import javax.sql.DataSource;

/** {@link JdbcFallbackStore}, with as many claimers and as large claims as are asked for. */
final class OurStore implements MeasuredStore {
  private static final String ERROR = "the queue is down";
  private static final Duration LEASE = Duration.ofMinutes(1);

  /** After a claim that found less than half of what it asked for. */
  private static final Duration PAUSE = Duration.ofMillis(10);

  private final TransactionPool pool;
  private final StoredSamples samples;
  private final JdbcFallbackStore store;

  OurStore(MeasuredDatabase database, StoredSamples samples) throws SQLException {
    this.pool = database.newPool(true);
    this.samples = samples;
    this.store = JdbcFallbackStore.builder(pool).build();
    store.createSchema();
  }

  @Override
  public void storeOne() {
    store.store(samples.ours(), ERROR);
  }

  @Override
  public void storeTen() {
    storeTogether(Stream.generate(samples::ours).limit(TEN).toList());
  }

  private void storeTogether(List<OutboundMessage> messages) {
    store.storeAll(messages.stream().map(each -> new NotQueued(each, ERROR)).toList());
  }

  Work claiming(int max, int claimers) {
    return done -> Workers.start("claimer", claimers, PAUSE, () -> claim(max, done));
  }

  /** Whether there is likely more to claim. */
  private boolean claim(int max, CountDownLatch done) {
    List<StoredMessage> claimed = store.claim(max, LEASE);
    int settled = claimed.isEmpty() ? 0 : store.replayed(claimed);
    for (int i = 0; i < settled; i++) {
      done.countDown();
    }
    return claimed.size() >= max / 2;
  }

  @Override
  public long waiting() {
    return store.backlog().waiting();
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
