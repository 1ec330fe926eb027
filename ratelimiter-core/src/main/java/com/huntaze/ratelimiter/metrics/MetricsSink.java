package com.huntaze.ratelimiter.metrics;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.queue.Priority;
import java.time.Duration;

/**
 * Hears what happens to messages, as typed events that do nothing by default.
 *
 * <p>Implemented by metrics adapters and by hosts, called on the threads that send and deliver: an
 * implementation returns at once and is thread-safe. Whatever one throws is caught by {@link
 * #guarded}, which the client wraps around every sink: metrics never change a send's outcome. No
 * event carries content, and none an account or recipient.
 */
public interface MetricsSink {
  /** Hears nothing. */
  MetricsSink NOOP = new MetricsSink() {};

  /**
   * A message was put into the queue.
   *
   * @param priority its priority
   * @param latency from the call of {@code send} to the queue's acknowledgement
   */
  default void messageQueued(Priority priority, Duration latency) {}

  /**
   * The external API took a message.
   *
   * @param priority its priority
   * @param apiLatency from the start of the call to the API's answer
   * @param endToEnd from acceptance to the API's answer, by the hosts' wall clocks
   */
  default void messageSent(Priority priority, Duration apiLatency, Duration endToEnd) {}

  /**
   * A message ended without delivery: nothing took it, or the API refused it for good.
   *
   * @param priority its priority
   */
  default void messageFailed(Priority priority) {}

  /**
   * A message was turned away, or has to wait, for the limiter's sake.
   *
   * @param priority its priority
   */
  default void rateLimited(Priority priority) {}

  /**
   * A message went to the fallback store.
   *
   * @param priority its priority
   */
  default void messageStored(Priority priority) {}

  /**
   * A stored message was put into the queue after all.
   *
   * @param priority its priority
   */
  default void messageReplayed(Priority priority) {}

  /** The client's circuit breaker opened. */
  default void circuitBreakerOpened() {}

  /**
   * Both sinks, one after the other; a fault of the first does not keep the second from hearing.
   *
   * @param next who hears after this one
   * @return the two as one
   */
  default MetricsSink andThen(MetricsSink next) {
    return new BothMetrics(guarded(this), guarded(next));
  }

  /**
   * The same sink, whose faults are logged once and reach nobody.
   *
   * @param sink any sink
   * @return the guarded sink
   */
  static MetricsSink guarded(MetricsSink sink) {
    return requireNonNull(sink, "sink") instanceof GuardedMetrics || sink == NOOP
        ? sink
        : new GuardedMetrics(sink);
  }
}
