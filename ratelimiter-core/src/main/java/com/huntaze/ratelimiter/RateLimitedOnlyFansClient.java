package com.huntaze.ratelimiter;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.delivery.InMemorySentLog;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.delivery.ResultStore;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.Replayer;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;

/**
 * Takes messages for fans and sees to it that they are delivered: none lost, none twice, never more
 * than the external API allows.
 *
 * <p>A host builds one and keeps it for its lifetime. Thread-safe. The outcome of a message is a
 * {@link SendResult}, never an exception; misuse is: {@link NullPointerException} for a null,
 * {@link IllegalStateException} after {@link #close}.
 */
public interface RateLimitedOnlyFansClient extends AutoCloseable {
  /**
   * Sends one message. Blocks until a queue, the fallback store or the API has it, or none would
   * take it; for 5 s of retries at most, and the parts' own time-outs.
   *
   * @param message the message
   * @return what became of it
   */
  SendResult send(OnlyFansMessage message);

  /**
   * Has one action done that is no message to a fan. It goes the way of {@link #send} in every
   * respect: validation, switch, queue, retries, fallback store and limit. What the API answers is
   * found in the result store of whoever works on the queue; where that is this process, in the
   * builder's {@code results}.
   *
   * @param action the action
   * @return what became of it; {@link SendStatus#SENT}, where the switch is off, says that the API
   *     did it
   * @throws IllegalStateException if the client is embedded and has no {@code results}
   */
  SendResult submit(OnlyFansAction action);

  /**
   * Sends one message on the client's own threads, together with others that are sent meanwhile.
   * The future completes when something has the message, or none would take it; never
   * exceptionally. While the buffer is full this call waits for room, as long as a send may be
   * retried (5 s); a buffer that stays full is an outcome, {@link SendStatus#RATE_LIMITED}.
   *
   * <p>What a caller hangs on the future runs on the client's threads and must not block. Where the
   * queue keeps order, asynchronous sends of one creator keep it too.
   *
   * @param message the message
   * @return what became of it, in time
   */
  CompletableFuture<SendResult> sendAsync(OnlyFansMessage message);

  /**
   * Sends any number of messages, ten at a time. A message that is in the list twice is sent once;
   * another message under an id of the list is {@link SendStatus#INVALID}.
   *
   * @param messages the messages
   * @return item <i>i</i> says what became of message <i>i</i>
   */
  List<SendResult> sendBatch(List<OnlyFansMessage> messages);

  /**
   * Accepts one message into a transaction of the caller's: it is sent if and only if that commits.
   * The message is validated and gets its id; then {@code transaction} is called with it, on this
   * thread, to store it with the caller's own data. From the commit on a replayer of the store
   * sends it, within about a second.
   *
   * <pre>{@code
   * try (Connection connection = dataSource.getConnection()) {
   *   connection.setAutoCommit(false);
   *   SendResult result =
   *       client.outbox(message, accepted -> store.store(connection, accepted));
   *   if (result.accepted()) {
   *     insertOrder(connection, order, result.messageId());
   *     connection.commit(); // an exception before this rolls back both
   *   }
   * }
   * }</pre>
   *
   * <p>An exception of {@code transaction} is passed on as it is, so that the caller's transaction
   * rolls back. Nothing is counted as stored in the metrics: the queue did not fail, and whether
   * the caller commits is not known here.
   *
   * @param message the message
   * @param transaction stores the accepted message where a replayer finds it; not called unless the
   *     message is accepted
   * @return {@link SendStatus#STORED}, which holds once the caller commits; {@link
   *     SendStatus#INVALID} if it breaks a rule; {@link SendStatus#DISABLED} if the switch is off
   *     for its user
   */
  SendResult outbox(OnlyFansMessage message, Consumer<OutboundMessage> transaction);

  /**
   * Looks at queue, fallback store, breaker and bucket. Takes a round trip to each, once a second
   * at most; a part that does not answer is named, and does not keep the others from answering.
   *
   * @return how the pipeline stands
   */
  QueueStatus queueStatus();

  /**
   * Asks queue, bucket and fallback store whether they can be reached and are fit for use, all at
   * once and for 10 s at most. {@link Builder#startUpCheck} does so when the client is built.
   *
   * @return what each of them answered
   */
  CheckReport check();

  /**
   * Replays stored messages that are due, now and at the replayer's pace.
   *
   * @param max the most to replay
   * @return how many the queue took; 0 without a store
   */
  int replayFailed(int max);

  /** Closes within the default of 10 s, as {@link #close(Duration)} does. */
  @Override
  void close();

  /**
   * Refuses new messages, finishes those that are being sent, and ends the client's own threads.
   * What cannot be finished in time goes to the fallback store; without one it is reported as lost.
   * Every future has completed then. Closes what the client made, and nothing it was handed.
   * Idempotent.
   *
   * @param deadline how long finishing may take; storing what is left comes on top, until the store
   *     takes more than 10 s for ten messages
   * @return what was left
   */
  CloseReport close(Duration deadline);

  /**
   * What a client could not finish when it closed.
   *
   * @param stored messages that were put into the fallback store, to be replayed
   * @param held messages whose call has no known outcome, put into the store for an operator
   * @param lost messages that nothing would take; each was logged by its id
   */
  record CloseReport(int stored, int held, int lost) {}

  /** {@return a builder; a sink, or an embedded queue, is required} */
  static Builder builder() {
    return new Builder();
  }

  /**
   * A builder set up as a deployment's settings say: their switch, and a check of all parts when
   * the client is built. What it is told after this goes before the settings.
   *
   * @param config the settings
   * @return a builder; a sink, or an embedded queue, is required
   */
  static Builder builder(RateLimiterConfig config) {
    return new Builder().rateLimiterSwitch(config.newSwitch()).startUpCheck(StartUpCheck.REPORT);
  }

  /**
   * The whole pipeline in this process, without any service: an in-memory queue, a strict limit,
   * and a dispatcher that calls the gateway. What waits in memory is gone if the process dies.
   *
   * @param gateway what calls the external API
   * @param limit what the API allows
   * @return the client, running
   */
  static RateLimitedOnlyFansClient embedded(OnlyFansGateway gateway, RateLimit limit) {
    return builder().embedded(gateway, limit).build();
  }

  /**
   * Sets up a {@link RateLimitedOnlyFansClient}. Not thread-safe; the last call of a method wins.
   */
  final class Builder {
    private static final Duration LONGEST = Duration.ofDays(365);

    @Nullable MessageSink sink;
    @Nullable TokenBucket bucket;
    @Nullable FallbackStore store;
    @Nullable OnlyFansGateway directGateway;
    @Nullable OnlyFansGateway embeddedGateway;
    @Nullable RateLimit embeddedLimit;
    int queueCapacity = 10_000;
    StartUpCheck startUpCheck = StartUpCheck.OFF;
    SentLog sentLog = new InMemorySentLog();
    @Nullable ResultStore results;
    MetricsSink metrics = MetricsSink.NOOP;
    @Nullable RateLimiterSwitch rateLimiterSwitch;
    MessageLimits limits = MessageLimits.DEFAULT;
    int maxRetries = 3;
    Duration retryBase = Duration.ofMillis(100);
    Duration sendDeadline = Duration.ofSeconds(5);
    int breakerThreshold = 5;
    Duration breakerDelay = Duration.ofSeconds(60);
    RateLimit replayPace = RateLimit.rolling(100, Duration.ofSeconds(1));
    Consumer<Replayer.Builder> replayerSettings = settings -> {};
    InstantSource clock = InstantSource.system();
    Ticker ticker = Ticker.system();
    RandomGenerator random = RandomGeneratorFactory.getDefault().create();

    private Builder() {}

    /**
     * Sets the queue messages go to. Required, unless {@link #embedded} is used.
     *
     * @param sink the queue; not closed by the client
     * @return this builder
     */
    public Builder sink(MessageSink sink) {
      this.sink = requireNonNull(sink, "sink");
      return this;
    }

    /**
     * Sets the limit: asked before each direct call, and for status and estimates. Default: none.
     *
     * @param tokenBucket the edge's bucket; not closed by the client
     * @return this builder
     */
    public Builder tokenBucket(TokenBucket tokenBucket) {
      this.bucket = requireNonNull(tokenBucket, "tokenBucket");
      return this;
    }

    /**
     * Keeps what the queue would not take; a replayer of the client's own sends it again. Default:
     * none, and such messages are {@link SendStatus#FAILED}.
     *
     * @param fallbackStore the store; not closed by the client
     * @return this builder
     */
    public Builder fallbackStore(FallbackStore fallbackStore) {
      this.store = requireNonNull(fallbackStore, "fallbackStore");
      return this;
    }

    /**
     * Hears what happens. Default: nobody.
     *
     * @param metrics who hears; its faults change no outcome
     * @return this builder
     */
    public Builder metrics(MetricsSink metrics) {
      this.metrics = requireNonNull(metrics, "metrics");
      return this;
    }

    /**
     * Sends directly, still under the limit, for users the switch is off for. Needs a {@link
     * #tokenBucket}. Default: none, and their messages are {@link SendStatus#DISABLED}.
     *
     * @param gateway what calls the external API; not closed by the client
     * @return this builder
     */
    public Builder directGateway(OnlyFansGateway gateway) {
      this.directGateway = requireNonNull(gateway, "gateway");
      return this;
    }

    /**
     * Remembers what was sent directly or by the embedded dispatcher. Default: in memory.
     *
     * @param sentLog the log; shared by all processes that deliver
     * @return this builder
     */
    public Builder sentLog(SentLog sentLog) {
      this.sentLog = requireNonNull(sentLog, "sentLog");
      return this;
    }

    /**
     * Keeps how messages ended that this process delivers: in the embedded topology and by a {@link
     * #directGateway}. Default: nowhere, and then such a client refuses actions that read.
     *
     * @param results where results go
     * @return this builder
     */
    public Builder results(ResultStore results) {
      this.results = requireNonNull(results, "results");
      return this;
    }

    /**
     * Runs queue, limit and dispatcher in this process instead of a {@link #sink}. A {@link
     * #tokenBucket} set beside it is used in place of an in-memory one.
     *
     * @param gateway what calls the external API; not closed by the client
     * @param limit what the API allows
     * @return this builder
     */
    public Builder embedded(OnlyFansGateway gateway, RateLimit limit) {
      this.embeddedGateway = requireNonNull(gateway, "gateway");
      this.embeddedLimit = requireNonNull(limit, "limit");
      return this;
    }

    /**
     * Bounds what may wait in memory: in the embedded queue, and for {@code sendAsync}, where 16 Mi
     * characters bound it too. Default 10,000 messages each.
     *
     * @param queueCapacity the bound, 1 or more
     * @return this builder
     */
    public Builder queueCapacity(int queueCapacity) {
      this.queueCapacity = atLeast("queueCapacity", queueCapacity, 1);
      return this;
    }

    /**
     * What is done about the parts when the client is built. Default {@link StartUpCheck#OFF}, and
     * {@link StartUpCheck#REPORT} for a builder set up by {@link RateLimiterConfig}.
     *
     * @param startUpCheck whether they are asked, and whether a fault keeps the client from
     *     starting
     * @return this builder
     */
    public Builder startUpCheck(StartUpCheck startUpCheck) {
      this.startUpCheck = requireNonNull(startUpCheck, "startUpCheck");
      return this;
    }

    /**
     * Says for whom messages go through the queue. Default: on for everybody.
     *
     * @param rateLimiterSwitch the switch, which may be changed at any time
     * @return this builder
     */
    public Builder rateLimiterSwitch(RateLimiterSwitch rateLimiterSwitch) {
      this.rateLimiterSwitch = requireNonNull(rateLimiterSwitch, "rateLimiterSwitch");
      return this;
    }

    /**
     * Bounds messages. Default {@link MessageLimits#DEFAULT}.
     *
     * @param limits the bounds
     * @return this builder
     */
    public Builder messageLimits(MessageLimits limits) {
      this.limits = requireNonNull(limits, "limits");
      return this;
    }

    /**
     * How often a send is tried again, where that can help. Default 3 retries, so 4 calls at most.
     *
     * @param maxRetries 0 or more
     * @return this builder
     */
    public Builder maxRetries(int maxRetries) {
      this.maxRetries = atLeast("maxRetries", maxRetries, 0);
      return this;
    }

    /**
     * How long retries wait: a random time up to this, doubled each time, and five times that when
     * the queue throttles. Default 100 ms.
     *
     * @param retryBase the base, more than zero
     * @return this builder
     */
    public Builder retryBase(Duration retryBase) {
      this.retryBase = positive("retryBase", retryBase);
      return this;
    }

    /**
     * After how long a send is not retried any more. Default 5 s.
     *
     * @param sendDeadline the time, more than zero
     * @return this builder
     */
    public Builder sendDeadline(Duration sendDeadline) {
      this.sendDeadline = positive("sendDeadline", sendDeadline);
      return this;
    }

    /**
     * When the circuit breaker opens, and for how long. Default: after 5 consecutive faults, for 60
     * s; then one trial decides.
     *
     * @param threshold consecutive faults, 1 or more
     * @param delay how long it stays open, more than zero
     * @return this builder
     */
    public Builder breaker(int threshold, Duration delay) {
      this.breakerThreshold = atLeast("threshold", threshold, 1);
      this.breakerDelay = positive("delay", delay);
      return this;
    }

    /**
     * How fast stored messages are replayed. Default 100 a second.
     *
     * @param replayPace the pace
     * @return this builder
     */
    public Builder replayPace(RateLimit replayPace) {
      this.replayPace = requireNonNull(replayPace, "replayPace");
      return this;
    }

    /**
     * Sets up the replayer beyond its {@link #replayPace}: retention, back-off, a scheduler of the
     * host's. Default: as {@link Replayer} says.
     *
     * @param settings is given the replayer's builder when the client is built
     * @return this builder
     */
    public Builder replayer(Consumer<Replayer.Builder> settings) {
      this.replayerSettings = requireNonNull(settings, "settings");
      return this;
    }

    /**
     * The wall clock of timestamps and estimates. Default: the system's.
     *
     * @param clock the clock
     * @return this builder
     */
    public Builder clock(InstantSource clock) {
      this.clock = requireNonNull(clock, "clock");
      return this;
    }

    /**
     * The monotonic clock of durations. Default: the JVM's.
     *
     * @param ticker the clock
     * @return this builder
     */
    public Builder ticker(Ticker ticker) {
      this.ticker = requireNonNull(ticker, "ticker");
      return this;
    }

    /**
     * Where the jitter of retries comes from. Default: a generator of its own.
     *
     * @param random the generator; calls of it are serialised
     * @return this builder
     */
    public Builder random(RandomGenerator random) {
      this.random = requireNonNull(random, "random");
      return this;
    }

    /**
     * Builds the client and starts its replayer and dispatcher, if it has them.
     *
     * @return the client, running
     * @throws IllegalStateException if a part is missing or two exclude each other, or the start-up
     *     check is required and failed
     */
    public RateLimitedOnlyFansClient build() {
      if ((sink == null) == (embeddedGateway == null)) {
        throw new IllegalStateException("sink or embedded must be set, and not both");
      }
      if (directGateway != null && bucket == null && embeddedGateway == null) {
        throw new IllegalStateException(
            "directGateway needs a tokenBucket: no call without a limit");
      }
      return DefaultClient.start(this);
    }

    Batcher.Limits batcherLimits(MessageSink sink) {
      return new Batcher.Limits(
          queueCapacity, 16L << 20, Duration.ofMillis(5), sendDeadline, sink.keepsOrder());
    }

    private static int atLeast(String name, int value, int least) {
      if (value < least) {
        throw new IllegalArgumentException(name + " must be " + least + " or more, was " + value);
      }
      return value;
    }

    private static Duration positive(String name, Duration value) {
      if (requireNonNull(value, name).isNegative()
          || value.isZero()
          || value.compareTo(LONGEST) > 0) {
        throw new IllegalArgumentException(
            name + " must be more than zero and at most " + LONGEST + ", was " + value);
      }
      return value;
    }
  }
}
