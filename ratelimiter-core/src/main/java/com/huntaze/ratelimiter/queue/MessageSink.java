package com.huntaze.ratelimiter.queue;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Where the client and the replayer put accepted messages: a queue, or something that sends them
 * directly.
 *
 * <p>Implemented by {@link InMemoryQueue} and by adapters such as SQS; a new implementation runs
 * the testkit's {@code MessageSinkContract}. Thread-safe. Returning means that the sink has the
 * message as durably as it promises to; everything else is a {@link SinkException} that says what
 * is known.
 */
@FunctionalInterface
public interface MessageSink {
  /**
   * A message that a limiter has let through, and what it said about it.
   *
   * @param message the message
   * @param grantedAt when it may go, by the limiter's clock
   * @param tokensRemaining the permits that were left then, 0 or more
   */
  record Granted(OutboundMessage message, Instant grantedAt, long tokensRemaining) {
    /** Checks that both are there. */
    public Granted {
      requireNonNull(message, "message");
      requireNonNull(grantedAt, "grantedAt");
    }
  }

  /**
   * Puts one message. Blocks for at most one round trip, bounded by the sink's own time-outs; does
   * not retry.
   *
   * @param message what to put
   * @return that it was taken, with the sink's own id for it if it gives one
   * @throws SinkException if the sink did not acknowledge it
   */
  SinkResult.Taken send(OutboundMessage message);

  /**
   * Puts any number of messages, in order. Faults are answers here: one message that is not taken
   * says nothing about its neighbours.
   *
   * @param messages what to put
   * @return item <i>i</i> says what became of message <i>i</i>
   */
  default List<SinkResult> sendAll(List<OutboundMessage> messages) {
    List<SinkResult> results = new ArrayList<>(messages.size());
    for (OutboundMessage message : messages) {
      try {
        results.add(send(message));
      } catch (SinkException e) {
        results.add(new SinkResult.NotTaken(e));
      }
    }
    return results;
  }

  /**
   * Puts any number of messages that a limiter has let through, in order, as {@link #sendAll} does.
   * A sink that can tells those behind it what the limiter said; by default it is not passed on.
   *
   * @param granted what to put
   * @return item <i>i</i> says what became of message <i>i</i>
   */
  default List<SinkResult> forwardAll(List<Granted> granted) {
    return sendAll(granted.stream().map(Granted::message).toList());
  }

  /**
   * Counts what waits behind this sink, for status pages. May take a round trip.
   *
   * @return the counts, {@link QueueDepth#UNKNOWN} where there is nothing to count
   * @throws SinkException if it could not be asked
   */
  default QueueDepth depth() {
    return QueueDepth.UNKNOWN;
  }

  /**
   * Asks whether what is behind this sink is fit for use, for the check at start. May take some
   * round trips. By default that is whether it can be counted.
   *
   * @return what an operator should mend although it works, in words; empty if there is nothing
   * @throws SinkException if it could not be asked, or must not be used as it is
   */
  default List<String> check() {
    depth();
    return List.of();
  }

  /**
   * Whether one creator's messages leave this sink in the order in which they were put. If so, the
   * client does not let asynchronous sends overtake each other.
   *
   * @return whether it does; false by default
   */
  default boolean keepsOrder() {
    return false;
  }
}
