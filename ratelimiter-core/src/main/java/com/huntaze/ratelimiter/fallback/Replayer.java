package com.huntaze.ratelimiter.fallback;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSink;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends stored messages again: in the background once started, and on demand.
 *
 * <p>The client owns one while it has a store; any number of processes may run one on the same
 * store. Thread-safe. Replay is paced by a spaced rate of its own, so that a long outage does not
 * end in a flood; it takes no permits, since the queue it feeds is limited further on. A replayed
 * message keeps its id, so that what was in the queue after all is recognised downstream.
 *
 * <p>Order: one creator's messages are sent as they were stored. While one of them is not taken,
 * the later ones wait; where the sink keeps order, no call has two of them.
 *
 * <p>Failures are of two kinds. <b>A message's:</b> it is not taken while the sink takes others; it
 * is left alone for longer each time, holds up nobody but its creator, and is dead after {@link
 * Builder#maxAttempts}, or at once when it is refused. <b>An outage:</b> five calls in a row take
 * nothing; then the sink is probed with one message at a time, at least every 30 s, until it takes
 * one. A message that always fails while nothing else is there to be sent looks like an outage: it
 * waits for ever, and the age of the backlog shows it.
 */
public final class Replayer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Replayer.class);
  private static final Duration LAST_ROUND = Duration.ofSeconds(5);

  /** How long a host's thread leaves the turn to somebody else. */
  private static final Duration BUSY = Duration.ofMillis(50);

  /** Waits, and says whether the replayer was closed meanwhile. */
  @FunctionalInterface
  interface Pause {
    boolean endsIn(long nanos) throws InterruptedException;
  }

  private final Duration lease;
  private final @Nullable ScheduledExecutorService scheduler;
  private final CountDownLatch stop = new CountDownLatch(1);
  private final Pause pause;
  private final ReentrantLock turn = new ReentrantLock(true);
  private final ReplaySteps steps;
  private @Nullable Thread thread;
  private @Nullable Future<?> scheduled;

  private Replayer(Builder builder) {
    this.lease = builder.lease;
    this.scheduler = builder.scheduler;
    this.pause =
        builder.pause == null ? nanos -> stop.await(nanos, TimeUnit.NANOSECONDS) : builder.pause;
    this.steps = new ReplaySteps(builder);
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

  /**
   * Begins to replay in the background: on one daemon thread of its own, or on the {@link
   * Builder#scheduler}. Idempotent.
   */
  public synchronized void start() {
    if (stopped() || thread != null || scheduled != null) {
      return;
    }
    if (scheduler != null) {
      schedule(0);
    } else {
      thread = new Thread(this::replayUntilStopped, "ratelimiter-replayer");
      thread.setDaemon(true);
      thread.start();
    }
  }

  /**
   * Replays up to a number of messages that are due, now and on the caller's thread, at the
   * replayer's pace. The sink is tried at once, even if the background waits because it failed.
   * Stops early when nothing is due, in an outage or when the replayer is closed.
   *
   * @param max the most messages to replay
   * @return how many the sink took
   * @throws FallbackException if the store cannot be used
   */
  public int replay(int max) {
    int replayed = 0;
    try {
      while (replayed < max && !stopped()) {
        int left = max - replayed;
        ReplaySteps.Step step = inTurn(() -> steps.onDemand(left));
        replayed += step.taken();
        boolean waits = replayed < max && step.pauseNanos() > 0;
        if (step.over() || (waits && pause.endsIn(step.pauseNanos()))) {
          break;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (stopped()) {
      giveBack();
    }
    return replayed;
  }

  private ReplaySteps.Step inTurn(Supplier<ReplaySteps.Step> work) {
    turn.lock();
    try {
      return work.get();
    } finally {
      endTurn();
    }
  }

  /** Ends the replay within the default of 5 s, as {@link #close(Duration)} does. */
  @Override
  public void close() {
    close(LAST_ROUND);
  }

  /**
   * Ends the replay for good, and gives back what is claimed and not sent, so that another process
   * may have it at once. What cannot be given back in time comes back as its lease ends. The host's
   * scheduler is left running. Idempotent.
   *
   * @param deadline how long the call under way may take, 5 s at most
   */
  public void close(Duration deadline) {
    stop.countDown();
    Thread last = lastThread();
    if (last == null) {
      return; // what is on demand gives back by itself
    }
    try {
      Duration wait = deadline.compareTo(LAST_ROUND) < 0 ? deadline : LAST_ROUND;
      last.join(Math.max(1, wait.toMillis()));
      if (last.isAlive()) {
        log.warn("The replayer did not end within {}; its claims lapse in {}", wait, lease);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized @Nullable Thread lastThread() {
    if (scheduled == null) {
      return thread;
    }
    scheduled.cancel(false);
    Thread last = new Thread(this::giveBack, "ratelimiter-replayer-close");
    last.setDaemon(true); // a store that hangs does not keep the caller
    last.start();
    return last;
  }

  private void giveBack() {
    turn.lock();
    endTurn();
  }

  /** After the replayer was closed, nobody leaves anything in hand. */
  private void endTurn() {
    try {
      if (stopped()) {
        steps.giveBack();
      }
    } finally {
      turn.unlock();
    }
  }

  private boolean stopped() {
    return stop.getCount() == 0;
  }

  private void replayUntilStopped() {
    while (!stopped()) {
      long wait = inTurn(steps::inBackground).pauseNanos();
      try {
        if (wait > 0) {
          stop.await(wait, TimeUnit.NANOSECONDS);
        }
      } catch (InterruptedException e) {
        log.debug("The replayer was interrupted, and goes on until it is closed");
      }
    }
    giveBack();
  }

  /** A step on one of the host's threads, which is never kept waiting. */
  private void stepAndSchedule() {
    long wait = BUSY.toNanos();
    try {
      if (turn.tryLock()) {
        try {
          wait = steps.inBackground().pauseNanos();
        } finally {
          endTurn();
        }
      }
    } finally {
      schedule(wait);
    }
  }

  private synchronized void schedule(long nanos) {
    if (scheduler != null && !stopped()) {
      try {
        scheduled = scheduler.schedule(this::stepAndSchedule, nanos, TimeUnit.NANOSECONDS);
      } catch (RejectedExecutionException e) {
        log.warn("The replayer ends, since its scheduler was shut down");
      }
    }
  }

  /** Sets up a {@link Replayer}. Not thread-safe. */
  public static final class Builder {
    final FallbackStore store;
    final MessageSink sink;
    MetricsSink metrics = MetricsSink.NOOP;
    RateLimit pace = RateLimit.spaced(100, Duration.ofSeconds(1));
    Duration idle = Duration.ofSeconds(1);
    Duration lease = Duration.ofSeconds(60);
    Duration firstRetry = Duration.ofSeconds(1);
    Duration longestRetry = Duration.ofMinutes(5);
    int maxAttempts = 20;
    Duration retention = Duration.ofDays(14);
    @Nullable ScheduledExecutorService scheduler;
    Ticker ticker = Ticker.system();
    RandomGenerator random = new SplittableRandom();
    @Nullable Pause pause;

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
     * How fast messages are replayed: spread evenly, and never faster after a pause. A call has up
     * to ten at once, and the next one waits for as many turns. Default 100 a second.
     *
     * @param pace the pace
     * @return this builder
     */
    public Builder pace(RateLimit pace) {
      this.pace = requireNonNull(pace, "pace");
      return this;
    }

    /**
     * How often the store is looked at while nothing is due, less often up to 15 s while that is
     * slow; and the first pause when the sink takes nothing, doubling up to 30 s. Default 1 s.
     *
     * @param idle the pause, more than zero
     * @return this builder
     */
    public Builder idle(Duration idle) {
      this.idle = positive("idle", idle);
      return this;
    }

    /**
     * How long a claim is this replayer's. Nothing is sent in its last third, so that must be
     * longer than the sink's slowest call. Default 60 s.
     *
     * @param lease the lease, more than zero, and a day at the most
     * @return this builder
     */
    public Builder lease(Duration lease) {
      if (positive("lease", lease).compareTo(Duration.ofDays(1)) > 0) {
        throw new IllegalArgumentException("lease must be a day at the most, was " + lease);
      }
      this.lease = lease;
      return this;
    }

    /**
     * How long a failed message is left alone: doubling, with jitter. Default 1 s to 5 min.
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
     * How many failed attempts make a message dead. Only what can be the message's own fault is an
     * attempt: the sink did not send it or left it in doubt, while it took others and most of what
     * it was given first in the last 20 calls. So an outage or a brownout makes no message dead,
     * nor does a sink that throttles, is full or refuses us. Default 20.
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
     * How long replayed messages stay in the store. They are deleted about once an hour, while the
     * replay runs in the background. Default 14 days.
     *
     * @param retention the time, more than zero
     * @return this builder
     */
    public Builder retention(Duration retention) {
      this.retention = positive("retention", retention);
      return this;
    }

    /**
     * Replays on the host's threads. A step takes one for a call of the store and one of the sink,
     * and none is held while the replay waits. Default: one daemon thread of its own.
     *
     * @param scheduler the scheduler; not shut down by the replayer
     * @return this builder
     */
    public Builder scheduler(ScheduledExecutorService scheduler) {
      this.scheduler = requireNonNull(scheduler, "scheduler");
      return this;
    }

    /**
     * The monotonic clock of pace, pauses and leases. Default: the JVM's.
     *
     * @param ticker the clock
     * @return this builder
     */
    public Builder ticker(Ticker ticker) {
      this.ticker = requireNonNull(ticker, "ticker");
      return this;
    }

    /** How a replay on demand waits, for tests. */
    Builder pause(Pause pause) {
      this.pause = pause;
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
