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
  /** The age of the oldest message in the fallback store that is not replayed yet. */
  FALLBACK_OLDEST_AGE("FallbackOldestAge", Unit.SECONDS),
  /** Calls begun within the last day that have no known outcome. */
  AMBIGUOUS_SENDS("AmbiguousSends", Unit.COUNT),
  /** Openings of the circuit breaker, and one more for each minute that it stays open. */
  CIRCUIT_BREAKER_OPEN("CircuitBreakerOpen", Unit.COUNT),
  /** Closings of a limit whose state was lost. */
  LIMITER_CLOSED("LimiterClosed", Unit.COUNT),
  /** Values that a metrics sink gave up. */
  METRICS_DROPPED("MetricsDropped", Unit.COUNT),

  /** Records the gate forwarded. */
  RATE_LIMIT_ALLOWED("rate_limit_allowed_count", Unit.COUNT),
  /** Records the gate booked for later, or refused. */
  RATE_LIMIT_REJECTED("rate_limit_rejected_count", Unit.COUNT),
  /** Records the gate gave back for a fault's sake. */
  RATE_LIMIT_RETRIED("rate_limit_retried_count", Unit.COUNT),
  /** Records the gate put aside for good. */
  RATE_LIMIT_DEAD_LETTERED("rate_limit_dead_lettered_count", Unit.COUNT),

  /** 100 for a message that was delivered and 0 for one that was not: its average is the rate. */
  SCRAPING_SUCCESS_RATE("scraping_success_rate", Unit.PERCENT),
  /** From the start of a message's last call to its end. */
  SCRAPING_DURATION("scraping_duration_ms", Unit.MILLISECONDS),
  /** Calls the API turned away for its own limit's sake. */
  API_429("onlyfans_429_count", Unit.COUNT),
  /** Calls the API failed at. */
  API_5XX("onlyfans_5xx_count", Unit.COUNT),
  /** Calls the API refused, but for 429. */
  API_4XX("onlyfans_4xx_count", Unit.COUNT),
  /** The same as {@link #API_4XX}, by its other name. */
  CLIENT_ERROR("client_error_count", Unit.COUNT),
  /** Pauses of all work after 429s in a row. */
  CIRCUIT_BREAKER_OPEN_COUNT("circuit_breaker_open_count", Unit.COUNT);

  /** The namespace of all names. */
  public static final String NAMESPACE = "Huntaze/OnlyFans";

  /** The units of metrics. */
  public enum Unit {
    /** A number of things. */
    COUNT,
    /** A time in milliseconds. */
    MILLISECONDS,
    /** A time in seconds. */
    SECONDS,
    /** 0 to 100. */
    PERCENT
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
