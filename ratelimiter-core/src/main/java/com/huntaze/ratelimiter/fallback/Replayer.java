package com.huntaze.ratelimiter.fallback;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends stored messages again: in the background once started, and on demand.
 *
 * <p>The client owns one while it has a store; any number of processes may run one on the same
 * store. Thread-safe. Replay is paced by a spaced limit of its own, so that a long outage does not
 * end in a flood; it takes no permits, since the queue it feeds is limited further on. A replayed
 * message keeps its id, so that what was in the queue after all is recognised downstream.
 */
public final class Replayer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Replayer.class);
  private static final int BATCH = 10;
  private static final Duration LAST_ROUND = Duration.ofSeconds(5);

  private final FallbackStore store;
  private final MessageSink sink;
  private final MetricsSink metrics;
  private final Duration spacing;
  private final Duration idle;
  private final Duration lease;
  private final Duration firstRetry;
  private final Duration longestRetry;
  private final int maxAttempts;
  private final RandomGenerator random;
  private final CountDownLatch stop = new CountDownLatch(1);
  private @Nullable Thread thread;
  private final Object turn = new Object();
  private boolean failing;

  private Replayer(Builder builder) {
    this.store = builder.store;
    this.sink = builder.sink;
    this.metrics = MetricsSink.guarded(builder.metrics);
    this.spacing = builder.pace.window().dividedBy(builder.pace.permits());
    this.idle = builder.idle;
    this.lease = builder.lease;
    this.firstRetry = builder.firstRetry;
    this.longestRetry = builder.longestRetry;
    this.maxAttempts = builder.maxAttempts;
    this.random = builder.random;
  }

  /**
   * Starts a replayer.
   *
   * @param store where messages come from
   * @param sink where they go
   * @return a builder with the defaults of the specification
   */
  public static Builder builder(FallbackStore store, MessageSink sink) {
    return new Builder(store, sink);
  }

  /** Begins to replay in the background, on one daemon thread of its own. Idempotent. */
  public synchronized void start() {
    if (thread == null && !stopped()) {
      thread = new Thread(this::replayUntilStopped, "ratelimiter-replayer");
      thread.setDaemon(true);
      thread.start();
    }
  }

  /**
   * Replays up to a number of messages that are due, now and on the caller's thread, at the
   * replayer's pace. Stops early when nothing is due or the sink fails.
   *
   * @param max the most messages to replay
   * @return how many the sink took
   * @throws FallbackException if the store cannot be used
   */
  public int replay(int max) {
    int replayed = 0;
    for (int left = max; left > 0; left = max - replayed) {
      Round round = round(Math.min(left, BATCH));
      replayed += round.taken;
      if (round.taken < Math.min(left, BATCH)) {
        break;
      }
      try {
        if (stop.await(spacing.multipliedBy(round.taken).toNanos(), TimeUnit.NANOSECONDS)) {
          break;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        break;
      }
    }
    return replayed;
  }

  /** Ends the background thread within the default of 5 s, as {@link #close(Duration)} does. */
  @Override
  public void close() {
    close(LAST_ROUND);
  }

  /**
   * Ends the background thread for good. A claim that is not settled in time lapses by itself.
   *
   * @param deadline how long the round under way may take, 5 s at most
   */
  public void close(Duration deadline) {
    stop.countDown();
    Thread ending;
    synchronized (this) {
      ending = thread;
    }
    if (ending != null) {
      try {
        Duration wait = deadline.compareTo(LAST_ROUND) < 0 ? deadline : LAST_ROUND;
        ending.join(Math.max(1, wait.toMillis()));
        if (ending.isAlive()) {
          log.warn("The replayer did not end within {}; its claims lapse in {}", wait, lease);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private record Round(int claimed, int taken) {}

  private boolean stopped() {
    return stop.getCount() == 0;
  }

  private void replayUntilStopped() {
    try {
      boolean told = false;
      while (!told) {
        Duration pause = idle;
        try {
          Round round = round(BATCH);
          if (round.taken > 0 && round.taken == round.claimed) {
            pause = spacing.multipliedBy(round.taken);
          }
        } catch (RuntimeException e) {
          sayOnce(e);
        }
        told = stop.await(pause.toNanos(), TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException e) {
      log.debug("The replayer was interrupted and ends");
    }
  }

  /** One batch; background and on-demand rounds take turns. */
  private Round round(int max) {
    synchronized (turn) {
      return claimAndSend(max);
    }
  }

  private Round claimAndSend(int max) {
    List<StoredMessage> claimed = store.claim(max, lease);
    if (claimed.isEmpty()) {
      return new Round(0, 0);
    }
    List<SinkResult> results = sink.sendAll(claimed.stream().map(StoredMessage::message).toList());
    List<StoredMessage> taken = new ArrayList<>();
    for (int i = 0; i < claimed.size(); i++) {
      if (results.get(i) instanceof SinkResult.Taken) {
        taken.add(claimed.get(i));
      }
    }
    if (!taken.isEmpty()) {
      store.replayed(taken); // before anything else can fail: the queue has them
      taken.forEach(stored -> metrics.messageReplayed(stored.message().priority()));
      log.info("Replayed {} of {} stored messages", taken.size(), claimed.size());
      failing = false;
    }
    for (int i = 0; i < claimed.size(); i++) {
      if (results.get(i) instanceof SinkResult.NotTaken notTaken) {
        putBack(claimed.get(i), notTaken.reason());
      }
    }
    return new Round(claimed.size(), taken.size());
  }

  private void putBack(StoredMessage claimed, SinkException reason) {
    String error = reason.kind() + ": " + reason.getMessage();
    int attempts = claimed.attempts() + 1;
    boolean tooOften = // what is missing here is no fault of the message, however long it is
        reason.kind() != SinkException.Kind.BACK_PRESSURE
            && reason.kind() != SinkException.Kind.NO_CREDENTIALS
            && attempts >= maxAttempts;
    if (reason.kind() == SinkException.Kind.MESSAGE_REFUSED || tooOften) {
      store.dead(claimed, error);
      metrics.messageFailed(claimed.message().priority());
      log.error(
          "Stored message {} is dead after {} attempts: {}",
          claimed.message().messageId(),
          attempts,
          reason.kind());
    } else {
      store.failed(claimed, error, backoff(attempts));
      sayOnce(reason);
    }
  }

  private Duration backoff(int attempts) {
    long ceiling =
        Math.min(longestRetry.toMillis(), firstRetry.toMillis() << Math.min(attempts - 1, 20));
    return Duration.ofMillis(firstRetry.toMillis() / 2 + random.nextLong(Math.max(1, ceiling)));
  }

  private void sayOnce(RuntimeException e) {
    if (!failing) {
      failing = true;
      boolean ours = e instanceof FallbackException || e instanceof SinkException;
      log.warn(
          "Replay fails and goes on trying: {}", // a foreign exception may quote a message
          ours ? e.toString() : e.getClass().getName());
    }
  }

  /** Sets up a {@link Replayer}. Not thread-safe. */
  public static final class Builder {
    private final FallbackStore store;
    private final MessageSink sink;
    private MetricsSink metrics = MetricsSink.NOOP;
    private RateLimit pace = RateLimit.rolling(100, Duration.ofSeconds(1));
    private Duration idle = Duration.ofSeconds(1);
    private Duration lease = Duration.ofSeconds(60);
    private Duration firstRetry = Duration.ofSeconds(1);
    private Duration longestRetry = Duration.ofMinutes(5);
    private int maxAttempts = 20;
    private RandomGenerator random = new SplittableRandom();

    private Builder(FallbackStore store, MessageSink sink) {
      this.store = requireNonNull(store, "store");
      this.sink = requireNonNull(sink, "sink");
    }

    /**
     * Hears of replayed and dead messages. Default: nobody.
     *
     * @param metrics who hears
     * @return this builder
     */
    public Builder metrics(MetricsSink metrics) {
      this.metrics = requireNonNull(metrics, "metrics");
      return this;
    }

    /**
     * How fast messages are replayed, spread evenly. Default 100 a second.
     *
     * @param pace the pace
     * @return this builder
     */
    public Builder pace(RateLimit pace) {
      this.pace = requireNonNull(pace, "pace");
      return this;
    }

    /**
     * How often the store is looked at while nothing is due or the sink fails. Default 1 s.
     *
     * @param idle the pause, more than zero
     * @return this builder
     */
    public Builder idle(Duration idle) {
      this.idle = positive("idle", idle);
      return this;
    }

    /**
     * How long a claim is this replayer's. Default 60 s; longer than the sink's slowest batch.
     *
     * @param lease the lease, more than zero
     * @return this builder
     */
    public Builder lease(Duration lease) {
      this.lease = positive("lease", lease);
      return this;
    }

    /**
     * How long a message is left alone after a failure: doubling, with jitter. Default 1 s to 5
     * min.
     *
     * @param first after the first failure
     * @param longest at the most
     * @return this builder
     */
    public Builder backoff(Duration first, Duration longest) {
      this.firstRetry = positive("first", first);
      this.longestRetry = positive("longest", longest);
      return this;
    }

    /**
     * How many failed attempts make a message dead. Default 20.
     *
     * @param maxAttempts the attempts, 1 or more
     * @return this builder
     */
    public Builder maxAttempts(int maxAttempts) {
      if (maxAttempts < 1) {
        throw new IllegalArgumentException("maxAttempts must be 1 or more, was " + maxAttempts);
      }
      this.maxAttempts = maxAttempts;
      return this;
    }

    /**
     * Where jitter comes from. Default: a generator of its own.
     *
     * @param random the generator; used by one thread at a time
     * @return this builder
     */
    public Builder random(RandomGenerator random) {
      this.random = requireNonNull(random, "random");
      return this;
    }

    /** {@return the replayer, not yet started} */
    public Replayer build() {
      return new Replayer(this);
    }

    private static Duration positive(String name, Duration value) {
      if (requireNonNull(value, name).isNegative() || value.isZero()) {
        throw new IllegalArgumentException(name + " must be more than zero, was " + value);
      }
      return value;
    }
  }
}
