package com.huntaze.ratelimiter.micrometer;

import com.huntaze.ratelimiter.metrics.MetricName;
import io.micrometer.core.instrument.Tags;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which meter a metric is, by the names of Micrometer's ecosystem: what CloudWatch tells apart by
 * names is here one meter with a tag.
 *
 * @param kind what it is kept as
 * @param name the meter's name
 * @param description what it counts or measures
 * @param tags what it always carries
 * @param byPriority whether it carries the tag {@code priority}
 */
record MeterSpec(Kind kind, String name, String description, Tags tags, boolean byPriority) {

  /** What a metric is kept as. */
  enum Kind {
    /** Grows by each value. */
    COUNTER,
    /** Keeps times, told in milliseconds. */
    TIMER,
    /** Is the last value. */
    GAUGE,
    /** Is the last value, in seconds. */
    SECONDS,
    /** Counts values by the tag {@code outcome}: 0 is {@code failed}, others {@code delivered}. */
    OUTCOME
  }

  private static MeterSpec of(Kind kind, String name, String description) {
    return new MeterSpec(kind, "ratelimiter." + name, description, Tags.empty(), false);
  }

  private MeterSpec tagged(String key, String value) {
    return new MeterSpec(kind, name, description, tags.and(key, value), byPriority);
  }

  private MeterSpec prioritized() {
    return new MeterSpec(kind, name, description, tags, true);
  }

  private static final Map<MetricName, MeterSpec> ALL = new EnumMap<>(MetricName.class);

  static {
    for (MetricName metric : MetricName.values()) {
      MeterSpec spec = describe(metric);
      if (spec != null) {
        ALL.put(metric, spec);
      }
    }
  }

  /** The meter of a metric; null if it is left out. */
  static @Nullable MeterSpec of(MetricName metric) {
    return ALL.get(metric);
  }

  /** Without a default, so that a new metric does not compile before it has its place here. */
  private static @Nullable MeterSpec describe(MetricName metric) {
    return switch (metric) {
      case MESSAGES_QUEUED ->
          of(Kind.COUNTER, "messages.queued", "Messages put into the queue").prioritized();
      case MESSAGES_SENT ->
          of(Kind.COUNTER, "messages.sent", "Messages the API took").prioritized();
      case MESSAGES_FAILED ->
          of(Kind.COUNTER, "messages.failed", "Messages that ended without delivery").prioritized();
      case RATE_LIMITED_MESSAGES ->
          of(Kind.COUNTER, "messages.limited", "Messages the limit turned away or made to wait")
              .prioritized();
      case MESSAGES_STORED ->
          of(Kind.COUNTER, "messages.stored", "Messages that went to the fallback store")
              .prioritized();
      case MESSAGES_REPLAYED ->
          of(Kind.COUNTER, "messages.replayed", "Stored messages put into the queue after all")
              .prioritized();
      case QUEUE_LATENCY ->
          of(Kind.TIMER, "queue.latency", "From send to the queue's acknowledgement").prioritized();
      case API_LATENCY ->
          of(Kind.TIMER, "api.latency", "From the start of a call to the API's answer")
              .prioritized();
      case END_TO_END_LATENCY ->
          of(Kind.TIMER, "end.to.end.latency", "From acceptance to the API's answer").prioritized();
      case QUEUE_DEPTH ->
          of(Kind.GAUGE, "queue.depth", "Messages waiting: visible, in flight and delayed");
      case FALLBACK_DEPTH ->
          of(Kind.GAUGE, "fallback.depth", "Messages in the fallback store, not replayed yet");
      case FALLBACK_OLDEST_AGE ->
          of(Kind.SECONDS, "fallback.oldest.age", "The age of the oldest of them");
      case AMBIGUOUS_SENDS ->
          of(Kind.GAUGE, "ambiguous.sends", "Messages of which nobody knows if the API has them");
      case CIRCUIT_BREAKER_OPEN ->
          of(Kind.COUNTER, "circuit.breaker.openings", "Openings of the circuit breaker");
      case LIMITER_CLOSED ->
          of(Kind.COUNTER, "limiter.closings", "Closings of a limit whose state was lost");
      case METRICS_DROPPED ->
          of(Kind.COUNTER, "metrics.dropped", "Values that a metrics sink gave up");
      case RATE_LIMIT_ALLOWED -> gate("allowed");
      case RATE_LIMIT_REJECTED -> gate("rejected");
      case RATE_LIMIT_RETRIED -> gate("retried");
      case RATE_LIMIT_DEAD_LETTERED -> gate("dead_lettered");
      case SCRAPING_SUCCESS_RATE ->
          of(Kind.OUTCOME, "deliveries", "Messages a worker is done with");
      case SCRAPING_DURATION ->
          of(Kind.TIMER, "delivery.duration", "From the start of a message's last call to its end");
      case API_429 -> errors("429");
      case API_5XX -> errors("5xx");
      case API_4XX -> errors("4xx");
      case CLIENT_ERROR -> null; // the same as API_4XX
      case CIRCUIT_BREAKER_OPEN_COUNT ->
          of(Kind.COUNTER, "delivery.pauses", "Pauses of all work after 429s in a row");
    };
  }

  private static MeterSpec gate(String outcome) {
    return of(Kind.COUNTER, "gate.records", "Records the gate decided on")
        .tagged("outcome", outcome);
  }

  private static MeterSpec errors(String status) {
    return of(Kind.COUNTER, "api.errors", "Calls the API did not take").tagged("status", status);
  }
}
