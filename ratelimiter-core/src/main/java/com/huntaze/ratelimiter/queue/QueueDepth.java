package com.huntaze.ratelimiter.queue;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How much a queue holds. Approximate where the queue counts approximately, as SQS does.
 *
 * @param visible messages that could be received now
 * @param inFlight messages received and not yet deleted or given back
 * @param delayed messages that become visible later
 * @param deadLettered messages put aside, where known
 * @param oldestAge how long the oldest one has waited, where known
 */
public record QueueDepth(
    long visible,
    long inFlight,
    long delayed,
    OptionalLong deadLettered,
    Optional<Duration> oldestAge) {
  /** For a sink that holds nothing or cannot count. */
  public static final QueueDepth UNKNOWN =
      new QueueDepth(0, 0, 0, OptionalLong.empty(), Optional.empty());

  /**
   * {@return everything that was accepted and not yet delivered: visible, in flight and delayed}
   */
  public long waiting() {
    return visible + inFlight + delayed;
  }
}
