package com.huntaze.ratelimiter.delivery;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * Lets a batch of messages through to the workflow queue at the limit's pace: forwards what may go,
 * books an instant for what may not, and puts aside what cannot be read.
 *
 * <p>Called by the Lambda handler for each event. Thread-safe. The gate plans, on a bucket of its
 * own; the limit itself is kept where the API is called. One call of the bucket, one of the sink
 * and one for all visibilities serve the whole batch. A fault loses nothing: its messages are
 * {@link Outcome#RETRY} and stay away for 30 s to 5 min, the longer the more often they were
 * received. Each decision is logged at INFO, with the message's id as the key {@code messageId}.
 *
 * <p>Where the entry queue keeps an order, as {@link ReceivedMessage#group} tells, a message that
 * goes back takes those of its group behind it along.
 */
public final class RateLimitGate {
  private final Builder settings;

  /** What became of a message. */
  public enum Outcome {
    /** The workflow queue has it: it may be deleted from the entry queue. */
    FORWARDED,
    /** It comes back at its booked instant: it must not be deleted. */
    BOOKED,
    /** Something failed: it comes back after a while, and must not be deleted. */
    RETRY,
    /** It can never go and is in the dead letters: it may be deleted. */
    DEAD_LETTERED
  }

  private RateLimitGate(Builder settings) {
    this.settings = settings;
  }

  /**
   * Starts a gate.
   *
   * @param bucket the gate's bucket, not the edge's
   * @param entry the queue the batches come from; its visibility is changed for what has to wait
   * @param workflow the queue granted messages go to
   * @return a builder
   */
  public static Builder builder(TokenBucket bucket, MessageSource entry, MessageSink workflow) {
    return new Builder(bucket, entry, workflow);
  }

  /**
   * Works on a batch, with all the time that takes.
   *
   * @param batch messages received from the entry queue
   * @return item <i>i</i> says what became of message <i>i</i>; never fails as a whole
   */
  public List<Outcome> process(List<ReceivedMessage> batch) {
    return process(batch, () -> Duration.ofDays(1));
  }

  /**
   * Works on a batch until the time is up: no call is begun that may outlast it, and what was not
   * forwarded by then is {@link Outcome#RETRY}.
   *
   * @param batch messages received from the entry queue
   * @param remaining tells how much time is left
   * @return item <i>i</i> says what became of message <i>i</i>; never fails as a whole
   */
  public List<Outcome> process(List<ReceivedMessage> batch, Supplier<Duration> remaining) {
    return new GateRun(settings, batch, remaining).run();
  }

  /** Sets up a {@link RateLimitGate}. Not thread-safe. */
  public static final class Builder {
    final FaultLog faults = new FaultLog();
    final TokenBucket bucket;
    final MessageSource entry;
    final MessageSink workflow;
    Duration longestCall = Duration.ofSeconds(3);
    Ticker ticker = Ticker.system();
    RandomGenerator random = () -> ThreadLocalRandom.current().nextLong();

    private Builder(TokenBucket bucket, MessageSource entry, MessageSink workflow) {
      this.bucket = requireNonNull(bucket, "bucket");
      this.entry = requireNonNull(entry, "entry");
      this.workflow = requireNonNull(workflow, "workflow");
    }

    private Builder(Builder other) {
      this(other.bucket, other.entry, other.workflow);
      this.longestCall = other.longestCall;
      this.ticker = other.ticker;
      this.random = other.random;
    }

    /**
     * How long one call of the bucket, the sink or the source may take, by its own time-outs: a
     * batch that is given a deadline begins none that may outlast it. Default 3 s.
     *
     * @param longestCall the time-out, more than zero
     * @return this builder
     */
    public Builder longestCall(Duration longestCall) {
      if (longestCall.isNegative() || longestCall.isZero()) {
        throw new IllegalArgumentException(
            "longestCall must be more than zero, was " + longestCall);
      }
      this.longestCall = longestCall;
      return this;
    }

    /**
     * What tells how much of a wait for a booking has passed when the message is hidden. Default:
     * this JVM's ticker.
     *
     * @param ticker the ticker
     * @return this builder
     */
    public Builder ticker(Ticker ticker) {
      this.ticker = requireNonNull(ticker, "ticker");
      return this;
    }

    /**
     * What spreads the messages that come back after a fault, so that they do not come all at once.
     *
     * @param random a thread-safe source of random numbers
     * @return this builder
     */
    public Builder random(RandomGenerator random) {
      this.random = requireNonNull(random, "random");
      return this;
    }

    /** {@return the gate} */
    public RateLimitGate build() {
      return new RateLimitGate(new Builder(this));
    }
  }
}
