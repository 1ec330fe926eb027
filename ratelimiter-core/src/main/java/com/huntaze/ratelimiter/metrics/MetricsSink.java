package com.huntaze.ratelimiter.metrics;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.queue.Priority;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Hears what happens to messages, as typed events. By default each is told to {@link #record} as
 * the values it is published as, and {@code record} does nothing: an adapter implements that one
 * method, a host that listens for an event the event's own.
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
   * What an event comes down to: a value under a published name.
   *
   * @param name the metric
   * @param priority the message's priority, where the metric is of one message; null otherwise
   * @param value the value, in the metric's unit
   */
  default void record(MetricName name, @Nullable Priority priority, double value) {}

  /**
   * A message was put into the queue.
   *
   * @param priority its priority
   * @param latency from the call of {@code send} to the queue's acknowledgement
   */
  default void messageQueued(Priority priority, Duration latency) {
    record(MetricName.MESSAGES_QUEUED, priority, 1);
    record(MetricName.QUEUE_LATENCY, priority, millis(latency));
  }

  /**
   * The external API took a message.
   *
   * @param priority its priority
   * @param apiLatency from the start of the call to the API's answer
   * @param endToEnd from acceptance to the API's answer, by the hosts' wall clocks
   */
  default void messageSent(Priority priority, Duration apiLatency, Duration endToEnd) {
    record(MetricName.MESSAGES_SENT, priority, 1);
    record(MetricName.API_LATENCY, priority, millis(apiLatency));
    record(MetricName.END_TO_END_LATENCY, priority, millis(endToEnd));
  }

  /**
   * A message ended without delivery: nothing took it, or the API refused it for good.
   *
   * @param priority its priority
   */
  default void messageFailed(Priority priority) {
    record(MetricName.MESSAGES_FAILED, priority, 1);
  }

  /**
   * A message was turned away, or has to wait, for the limiter's sake.
   *
   * @param priority its priority
   */
  default void rateLimited(Priority priority) {
    record(MetricName.RATE_LIMITED_MESSAGES, priority, 1);
  }

  /**
   * A message went to the fallback store.
   *
   * @param priority its priority
   */
  default void messageStored(Priority priority) {
    record(MetricName.MESSAGES_STORED, priority, 1);
  }

  /**
   * A stored message was put into the queue after all.
   *
   * @param priority its priority
   */
  default void messageReplayed(Priority priority) {
    record(MetricName.MESSAGES_REPLAYED, priority, 1);
  }

  /** The client's circuit breaker opened, or is open still: told every minute until it closes. */
  default void circuitBreakerOpened() {
    record(MetricName.CIRCUIT_BREAKER_OPEN, null, 1);
  }

  /**
   * A dispatcher or worker called the API and was answered.
   *
   * @param statusCode the HTTP status
   */
  default void apiAnswered(int statusCode) {
    if (statusCode == 429) {
      record(MetricName.API_429, null, 1);
    } else if (statusCode >= 500) {
      record(MetricName.API_5XX, null, 1);
    } else if (statusCode >= 400) {
      record(MetricName.API_4XX, null, 1);
      record(MetricName.CLIENT_ERROR, null, 1);
    }
  }

  /**
   * A dispatcher or worker is done with a message, or gives it back after its last retry.
   *
   * @param delivered whether the API took it
   * @param duration from the start of its last call to the end
   */
  default void deliveryEnded(boolean delivered, Duration duration) {
    record(MetricName.SCRAPING_SUCCESS_RATE, null, delivered ? 100 : 0);
    record(MetricName.SCRAPING_DURATION, null, millis(duration));
  }

  /** A dispatcher or worker pauses all its work, after 429s in a row. */
  default void deliveryPaused() {
    record(MetricName.CIRCUIT_BREAKER_OPEN_COUNT, null, 1);
  }

  /** A limit's state was lost, and the limit is closed for a window. */
  default void limiterClosed() {
    record(MetricName.LIMITER_CLOSED, null, 1);
  }

  /**
   * What waits in the queue, looked at every so often.
   *
   * @param waiting messages visible, in flight and delayed
   */
  default void queueDepth(long waiting) {
    record(MetricName.QUEUE_DEPTH, null, (double) waiting);
  }

  /**
   * What waits in the fallback store, looked at every so often.
   *
   * @param waiting messages that are not replayed yet
   * @param oldest how long the oldest of them has waited; zero if none waits
   */
  default void fallbackDepth(long waiting, Duration oldest) {
    record(MetricName.FALLBACK_DEPTH, null, (double) waiting);
    record(MetricName.FALLBACK_OLDEST_AGE, null, (double) oldest.toSeconds());
  }

  /**
   * The messages of which nobody knows whether the API has them, looked at every so often.
   *
   * @param messages those begun and never ended, by the sent-log
   */
  default void ambiguousSends(long messages) {
    record(MetricName.AMBIGUOUS_SENDS, null, (double) messages);
  }

  private static double millis(Duration time) {
    return time.toNanos() / 1e6;
  }

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
