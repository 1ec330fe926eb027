package com.huntaze.ratelimiter.metrics;

/**
 * The names and units under which adapters publish events, in the namespace {@value #NAMESPACE}.
 * Alarms and dashboards read these names: they are part of the public contract.
 */
public enum MetricName {
  /** Messages put into the queue. */
  MESSAGES_QUEUED("MessagesQueued", Unit.COUNT),
  /** Messages the API took. */
  MESSAGES_SENT("MessagesSent", Unit.COUNT),
  /** Messages that ended without delivery. */
  MESSAGES_FAILED("MessagesFailed", Unit.COUNT),
  /** Messages turned away, or made to wait, for the limiter's sake. */
  RATE_LIMITED_MESSAGES("RateLimitedMessages", Unit.COUNT),
  /** Messages that went to the fallback store. */
  MESSAGES_STORED("MessagesStored", Unit.COUNT),
  /** Stored messages put into the queue after all. */
  MESSAGES_REPLAYED("MessagesReplayed", Unit.COUNT),
  /** From {@code send} to the queue's acknowledgement. */
  QUEUE_LATENCY("QueueLatency", Unit.MILLISECONDS),
  /** From the start of a call to the API's answer. */
  API_LATENCY("APILatency", Unit.MILLISECONDS),
  /** From acceptance to the API's answer. */
  END_TO_END_LATENCY("EndToEndLatency", Unit.MILLISECONDS),
  /** Messages waiting: visible, in flight and delayed. */
  QUEUE_DEPTH("QueueDepth", Unit.COUNT),
  /** Messages in the fallback store that are not replayed yet. */
  FALLBACK_DEPTH("FallbackDepth", Unit.COUNT),
  /** Openings of the circuit breaker. */
  CIRCUIT_BREAKER_OPEN("CircuitBreakerOpen", Unit.COUNT);

  /** The namespace of all names. */
  public static final String NAMESPACE = "Huntaze/OnlyFans";

  /** The units of metrics. */
  public enum Unit {
    /** A number of things. */
    COUNT,
    /** A time in milliseconds. */
    MILLISECONDS
  }

  private final String wireName;
  private final Unit unit;

  MetricName(String wireName, Unit unit) {
    this.wireName = wireName;
    this.unit = unit;
  }

  /** {@return the name as published} */
  public String wireName() {
    return wireName;
  }

  /** {@return the unit as published} */
  public Unit unit() {
    return unit;
  }
}
