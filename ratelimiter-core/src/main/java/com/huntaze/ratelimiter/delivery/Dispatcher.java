package com.huntaze.ratelimiter.delivery;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.fallback.FallbackAdmin;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.MessageSource;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes messages from a source when a permit is due, and calls the gateway with them: the consuming
 * side of the embedded topology and of the paced fleet.
 *
 * <p>Any number of dispatchers, in any number of processes, share one limit through one bucket. It
 * looks at what the bucket has left, receives no more than can go soon, and then takes a permit for
 * each call. Of what is at hand, priorities take turns by weight, and within one the creators, so
 * that nobody waits behind another's burst; from a source that keeps order, one creator's messages
 * go one after the other. Five 429s in a row stop all work for a minute. Thread-safe; it owns its
 * threads and ends them at {@link #close}, and closes nothing it was handed. Every fault it
 * survives is logged once until work succeeds again.
 */
public final class Dispatcher implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Dispatcher.class);

  private static final Duration LOOK_EVERY = Duration.ofMinutes(1);

  private final DispatcherSettings settings;
  private final StopSignal stop = new StopSignal();
  private final Heartbeat heartbeat;
  private final Hands hands;
  private final DispatchLoop loop;
  private volatile @Nullable DispatcherThreads threads;

  private Dispatcher(DispatcherSettings settings) {
    this.settings = settings;
    this.heartbeat = new Heartbeat(settings.source, settings.ticker);
    this.hands = new Hands(settings.mostInHand, settings.source, heartbeat, settings.faults);
    this.loop = new DispatchLoop(settings, stop, hands);
  }

  /**
   * Starts a dispatcher.
   *
   * @param source where messages come from
   * @param bucket the edge's bucket
   * @param gateway what calls the API
   * @return a builder; where several processes deliver, it must be told a shared {@link SentLog}
   */
  public static Builder builder(MessageSource source, TokenBucket bucket, OnlyFansGateway gateway) {
    return new Builder(source, bucket, gateway);
  }

  /** Begins to deliver, on threads of its own. Idempotent; a closed dispatcher stays closed. */
  public synchronized void start() {
    if (threads == null && !stop.isStopped()) {
      threads = new DispatcherThreads(settings.concurrency);
      threads.beat(heartbeat::beat, heartbeat.interval());
      if (settings.metrics != MetricsSink.NOOP) {
        threads.look(settings::tellInDoubt, LOOK_EVERY);
      }
      threads.poll(loop::poll);
      threads.work(loop::work);
    }
  }

  /** {@return the messages in hand: received, and neither ended nor given back} */
  public int inHand() {
    return hands.count();
  }

  /** {@return whether it does its work, for a health check} */
  public DispatcherHealth health() {
    return new DispatcherHealth(
        threads != null && !stop.isStopped(),
        loop.sinceLook(),
        settings.isStuck(),
        inHand(),
        settings.brake.pausing(),
        loop.fault());
  }

  /** Stops within the default of 10 s, as {@link #close(Duration)} does. */
  @Override
  public void close() {
    close(Duration.ofSeconds(10));
  }

  /**
   * Takes no more messages, gives back those whose call has not begun, and lets calls that are
   * being made finish; they are kept in hand meanwhile. A receive that is under way is waited for
   * first, so that it cannot take again what is given back; one that outlasts the deadline is cut,
   * and what was to be given back stays hidden until its visibility passes. What does not finish in
   * time is left begun in the sent-log and comes back from the source by itself. Idempotent.
   *
   * @param deadline how long calls may take to finish
   * @return how many messages were left in hand
   */
  public int close(Duration deadline) {
    DispatcherThreads ending;
    synchronized (this) {
      List<Hand> notBegun = hands.stop();
      stop.stop(); // those that wait stop waiting, and find that they were taken
      loop.close();
      ending = threads;
      if (ending != null && !notBegun.isEmpty()) {
        ending.poll(() -> hands.giveBack(notBegun)); // after the receive that is under way
      }
    }
    try {
      if (ending != null && !ending.end(deadline, settings.ticker)) {
        log.warn("{} messages were still in hand when the dispatcher closed", inHand());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return inHand();
  }

  /** Sets up a {@link Dispatcher}. Not thread-safe. */
  public static final class Builder {
    final MessageSource source;
    final TokenBucket bucket;
    final OnlyFansGateway gateway;
    @Nullable SentLog sentLog;
    @Nullable ResultStore results;
    MetricsSink metrics = MetricsSink.NOOP;
    InDoubtPolicy inDoubt = InDoubtPolicy.HOLD;
    @Nullable FallbackStore heldIn;
    int concurrency = 10;
    int mostInHand;
    int mostReceives = Integer.MAX_VALUE;
    Duration pollWait = Duration.ofSeconds(2);
    Duration callTimeout = Duration.ofSeconds(30);
    Duration freshness = Duration.ofMillis(250);
    Duration bookingHorizon = Duration.ofMinutes(5);
    Duration firstRetry = Duration.ofSeconds(1);
    InstantSource clock = InstantSource.system();
    Ticker ticker = Ticker.system();

    private Builder(MessageSource source, TokenBucket bucket, OnlyFansGateway gateway) {
      this.source = requireNonNull(source, "source");
      this.bucket = requireNonNull(bucket, "bucket");
      this.gateway = requireNonNull(gateway, "gateway");
    }

    /**
     * Remembers what was sent. Default: in memory, which is right for one process only.
     *
     * @param sentLog the log; one for all processes that deliver
     * @return this builder
     */
    public Builder sentLog(SentLog sentLog) {
      this.sentLog = requireNonNull(sentLog, "sentLog");
      return this;
    }

    /**
     * Keeps how messages ended. Default: nowhere, and then messages that read are put aside.
     *
     * @param results where results go
     * @return this builder
     */
    public Builder results(ResultStore results) {
      this.results = requireNonNull(results, "results");
      return this;
    }

    /**
     * Hears of deliveries. Default: nobody.
     *
     * @param metrics who hears
     * @return this builder
     */
    public Builder metrics(MetricsSink metrics) {
      this.metrics = requireNonNull(metrics, "metrics");
      return this;
    }

    /**
     * What becomes of a message whose call has an unknown outcome. Default {@link
     * InDoubtPolicy#HOLD}.
     *
     * @param inDoubt the policy
     * @return this builder
     */
    public Builder inDoubt(InDoubtPolicy inDoubt) {
      this.inDoubt = requireNonNull(inDoubt, "inDoubt");
      return this;
    }

    /**
     * Where messages in doubt are held. Default: in the source's dead letters. In a store an
     * operator can list them and {@linkplain FallbackAdmin#revive revive} those that may be sent
     * again; a message that is only moved back from the dead letters is held again.
     *
     * @param store the store, which is shared with those who replay from it
     * @return this builder
     */
    public Builder heldIn(FallbackStore store) {
      this.heldIn = requireNonNull(store, "store");
      return this;
    }

    /**
     * How many senders there are: calls made side by side, and messages that wait for their permit
     * at a time. Default 10.
     *
     * @param concurrency 1 to 1,000
     * @return this builder
     */
    public Builder concurrency(int concurrency) {
      this.concurrency = within("concurrency", concurrency, 1_000);
      return this;
    }

    /**
     * How many messages are in hand at most, those that wait for a sender included. Default ten for
     * each sender, and one where the source keeps order: a FIFO queue counts its receives, and a
     * stop costs each message in hand one. More is taken than there are senders only while permits
     * are free and those in hand are of few creators, so that others do not wait behind their
     * bursts.
     *
     * @param mostInHand 1 to 10,000
     * @return this builder
     */
    public Builder mostInHand(int mostInHand) {
      this.mostInHand = within("mostInHand", mostInHand, 10_000);
      return this;
    }

    /**
     * With which receive a message that fails in all its retries is put aside, instead of given
     * back. Default: none; for a {@link WorkflowWorker} the third, which is as many as the FIFO
     * queue allows.
     *
     * @param mostReceives 1 or more
     * @return this builder
     */
    public Builder mostReceives(int mostReceives) {
      this.mostReceives = within("mostReceives", mostReceives, Integer.MAX_VALUE);
      return this;
    }

    private static int within(String name, int value, int most) {
      if (value < 1 || value > most) {
        throw new IllegalArgumentException(name + " must be 1 to " + most + ", was " + value);
      }
      return value;
    }

    /**
     * How long one receive waits for a first message. Default 2 s. A stop waits for it to return,
     * since messages a cut receive had taken would stay hidden; and what it takes is as much as the
     * bucket had left when it began. A longer wait saves only calls while nothing comes.
     *
     * @param pollWait the wait, zero or more, and less than the deadline of a stop; a source may
     *     cap it
     * @return this builder
     */
    public Builder pollWait(Duration pollWait) {
      this.pollWait = requireNonNull(pollWait, "pollWait");
      return this;
    }

    /**
     * How long the API may take to answer. Default 30 s; twice that after one failure of a message,
     * four times after more, those of earlier receives included. The sent-log waits twice as long
     * for a call's outcome.
     *
     * @param callTimeout the time-out of a first call, more than zero and at most a day
     * @return this builder
     */
    public Builder callTimeout(Duration callTimeout) {
      if (requireNonNull(callTimeout, "callTimeout").isNegative()
          || callTimeout.isZero()
          || callTimeout.compareTo(Duration.ofDays(1)) > 0) {
        throw new IllegalArgumentException(
            "callTimeout must be more than zero and at most PT24H, was " + callTimeout);
      }
      this.callTimeout = callTimeout;
      return this;
    }

    /**
     * How old a permit may be when the call is made; older ones are asked anew. Default 250 ms; the
     * guard of the bucket.
     *
     * @param freshness the age
     * @return this builder
     */
    public Builder freshness(Duration freshness) {
      this.freshness = requireNonNull(freshness, "freshness");
      return this;
    }

    /**
     * How far ahead a message in hand may book its instant. Default 5 minutes.
     *
     * @param bookingHorizon the horizon; zero asks again and again instead of booking
     * @return this builder
     */
    public Builder bookingHorizon(Duration bookingHorizon) {
      this.bookingHorizon = requireNonNull(bookingHorizon, "bookingHorizon");
      return this;
    }

    /**
     * How long after a server error the first of three retries is made; each next wait is twice as
     * long. Default 1 s. Each retry takes a permit of its own.
     *
     * @param firstRetry the wait before the first retry
     * @return this builder
     */
    public Builder firstRetry(Duration firstRetry) {
      this.firstRetry = requireNonNull(firstRetry, "firstRetry");
      return this;
    }

    /**
     * The wall clock of results and latencies. Default: the system's.
     *
     * @param clock the clock
     * @return this builder
     */
    public Builder clock(InstantSource clock) {
      this.clock = requireNonNull(clock, "clock");
      return this;
    }

    /**
     * The monotonic clock of freshness and durations. Default: the JVM's.
     *
     * @param ticker the clock
     * @return this builder
     */
    public Builder ticker(Ticker ticker) {
      this.ticker = requireNonNull(ticker, "ticker");
      return this;
    }

    /** {@return the dispatcher, not yet started} */
    public Dispatcher build() {
      if (sentLog == null && !(source instanceof InMemoryQueue)) {
        log.warn("No sentLog is set: what was sent is remembered in memory, by this process alone");
      }
      return new Dispatcher(new DispatcherSettings(this));
    }
  }
}
