package com.huntaze.ratelimiter.delivery;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SourceException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes messages from a source when a permit is due, and calls the gateway with them: the consuming
 * side of the embedded topology and of the paced fleet.
 *
 * <p>Any number of dispatchers, in any number of processes, share one limit through one bucket. It
 * looks at what the bucket has left, receives no more than that, and then takes a permit for each
 * call. Thread-safe; it owns its threads and ends them at {@link #close}, and closes nothing it was
 * handed. Every fault it survives is logged once until work succeeds again.
 */
public final class Dispatcher implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Dispatcher.class);
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);
  private static final int MAX_RECEIVE = 10;

  private final DispatcherSettings settings;
  private final StopSignal stop = new StopSignal();
  private final Heartbeat heartbeat;
  private final Hands hands;
  private volatile @Nullable DispatcherThreads threads;

  private Dispatcher(DispatcherSettings settings) {
    this.settings = settings;
    this.heartbeat = new Heartbeat(settings.source, settings.ticker);
    this.hands = new Hands(settings.concurrency, settings.source, heartbeat, settings.faults);
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
      threads.poll(this::poll);
    }
  }

  /** {@return the messages in hand: received, and neither ended nor given back} */
  public int inHand() {
    return hands.count();
  }

  /** Stops within the default of 10 s, as {@link #close(Duration)} does. */
  @Override
  public void close() {
    close(Duration.ofSeconds(10));
  }

  /**
   * Takes no more messages, gives back at once those whose call has not begun, and lets calls that
   * are being made finish; they are kept in hand meanwhile. A receive that is under way is waited
   * for, and what it takes is given back too; one that outlasts the deadline is cut, and what it
   * had taken stays hidden until its visibility passes. What does not finish in time is left begun
   * in the sent-log and comes back from the source by itself. Idempotent.
   *
   * @param deadline how long calls may take to finish
   * @return how many messages were left in hand
   */
  public int close(Duration deadline) {
    DispatcherThreads ending;
    synchronized (this) {
      List<Hand> notBegun = hands.stop();
      stop.stop(); // those that wait stop waiting, and find that they were taken
      ending = threads;
      if (ending != null && !notBegun.isEmpty()) {
        ending.oneBeat(() -> hands.giveBack(notBegun));
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

  private void poll() {
    try {
      warmUp();
      while (!stop.isStopped()) {
        try {
          int room = room();
          if (room > 0) {
            handOut(settings.source.receive(room, settings.pollWait));
          }
        } catch (SourceException e) {
          settings.faults.warn("The source cannot be asked", e);
          stop.await(LOOK_AGAIN);
        } catch (TokenBucketException e) {
          settings.faults.warn("The token bucket cannot be asked; nothing is taken", e);
          stop.await(LOOK_AGAIN);
        } catch (RuntimeException | Error e) {
          settings.faults.warn("A part failed in a way it should not", e);
          stop.await(LOOK_AGAIN);
        }
      }
    } catch (InterruptedException e) {
      log.debug("The dispatcher's poller was told to stop");
    }
  }

  /**
   * What is slow the first time is done before the first permit, which stays fresh for a moment.
   */
  private void warmUp() {
    try {
      settings.gateway.warmUp();
      settings.sentLog.notSent(new SentLog.Claim("warm-up", 0, "warm-up")); // forgets nothing
    } catch (RuntimeException e) {
      log.debug("The dispatcher could not warm up; its first calls may be slow", e);
    }
  }

  /** How many messages could go soon; waits a little and answers none if that is none. */
  private int room() throws InterruptedException {
    if (!hands.awaitFree(LOOK_AGAIN)) {
      return 0;
    }
    int waiting = hands.withoutPermit(); // before the bucket: a permit must not be counted twice
    BucketState state = settings.bucket.state(Scope.global());
    if (!state.nextPermitIn().isZero()) {
      Duration wait = state.nextPermitIn();
      stop.await(wait.compareTo(LOOK_AGAIN) < 0 ? wait : LOOK_AGAIN);
      return 0;
    }
    long free = Math.max(1, state.tokens()) - waiting;
    if (free <= 0) {
      stop.await(Duration.ofMillis(5)); // those in hand are about to take what is left
      return 0;
    }
    return (int) Math.min(Math.min(MAX_RECEIVE, free), hands.free());
  }

  /** One creator's messages stay in order on one thread; creators go side by side. */
  private void handOut(List<ReceivedMessage> received) {
    Map<String, List<Hand>> byCreator = new LinkedHashMap<>();
    for (Hand hand : hands.take(received)) {
      String creator =
          hand.received().message().map(OutboundMessage::creator).orElse(hand.received().handle());
      byCreator.computeIfAbsent(creator, key -> new ArrayList<>()).add(hand);
    }
    for (List<Hand> group : byCreator.values()) {
      requireNonNull(threads).work(() -> work(group));
    }
  }

  /** Those behind one that goes back go back too. */
  private void work(List<Hand> group) {
    boolean goOn = true;
    List<Hand> behind = new ArrayList<>();
    for (Hand hand : group) {
      if (goOn) {
        goOn = work(hand);
      } else if (hand.take()) {
        behind.add(hand);
      }
      hands.leave(hand);
    }
    hands.giveBack(behind);
  }

  private boolean work(Hand hand) {
    try {
      return hand.received().message().isPresent()
          ? new Delivery(settings, stop, hand).run()
          : putAside(hand);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error e) {
      settings.faults.warn("A delivery failed; its message comes back", e);
    }
    return false;
  }

  private boolean putAside(Hand unreadable) {
    unreadable.permitted();
    if (!unreadable.begin()) {
      return false;
    }
    String reason =
        unreadable.received().fault().map(fault -> fault.reason().name()).orElse("UNREADABLE");
    try {
      unreadable.deadLetter(reason);
      log.error("A message that cannot be read was put aside: {}", reason);
      return true;
    } catch (SourceException e) {
      settings.faults.warn("A message that cannot be read could not be put aside", e);
      return false;
    }
  }

  /** Sets up a {@link Dispatcher}. Not thread-safe. */
  public static final class Builder {
    final MessageSource source;
    final TokenBucket bucket;
    final OnlyFansGateway gateway;
    SentLog sentLog = new InMemorySentLog();
    ResultStore results = result -> {};
    MetricsSink metrics = MetricsSink.NOOP;
    InDoubtPolicy inDoubt = InDoubtPolicy.HOLD;
    int concurrency = 10;
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
     * Keeps how messages ended. Default: nowhere.
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
     * How many messages are in hand at most, and how many calls are made side by side. Default 10.
     *
     * @param concurrency 1 to 1,000
     * @return this builder
     */
    public Builder concurrency(int concurrency) {
      if (concurrency < 1 || concurrency > 1_000) {
        throw new IllegalArgumentException("concurrency must be 1 to 1000, was " + concurrency);
      }
      this.concurrency = concurrency;
      return this;
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
     * The longest a call of the gateway can take. Default 30 s. Twice this is how long the sent-log
     * waits for a call's outcome.
     *
     * @param callTimeout the gateway's time-out or more
     * @return this builder
     */
    public Builder callTimeout(Duration callTimeout) {
      this.callTimeout = requireNonNull(callTimeout, "callTimeout");
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
      return new Dispatcher(new DispatcherSettings(this));
    }
  }
}
