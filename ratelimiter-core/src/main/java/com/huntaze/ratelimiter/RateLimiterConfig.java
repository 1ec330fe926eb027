package com.huntaze.ratelimiter;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.RateLimit;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The settings of a deployment, read from the environment or any other map of names to texts.
 *
 * <p>Immutable and thread-safe. Holds values only: what they configure is built from them by the
 * host or an adapter. Every wrong setting is reported at once, by name, value and what is allowed.
 * Secrets are suppliers, read anew each time, and appear in no message and no {@link #toString}.
 */
public final class RateLimiterConfig {
  private final Map<String, String> settings;
  private final boolean enabled;
  private final int rolloutPercent;
  private final Optional<String> queue;
  private final Optional<String> workflowQueue;
  private final String region;
  private final Optional<URI> awsEndpoint;
  private final Optional<URI> redisUrl;
  private final Optional<DatabaseUrl> database;
  private final Optional<URI> apiUrl;
  private final RateLimit rateLimit;

  private RateLimiterConfig(Map<String, String> settings) {
    this.settings = settings;
    SettingReader read = new SettingReader(settings);
    this.enabled = read.onOff("RATE_LIMITER_ENABLED");
    this.rolloutPercent = read.percent("RATE_LIMITER_ROLLOUT_PERCENT", 100);
    this.queue = read.queue("SQS_RATE_LIMITER_QUEUE");
    this.workflowQueue =
        read.fifoQueue("SQS_WORKFLOW_QUEUE").or(() -> read.fifoQueue("WORKFLOWS_QUEUE_URL"));
    this.region = read.text("AWS_REGION").orElse("us-east-1");
    this.awsEndpoint = read.url("AWS_ENDPOINT_URL", "http", "https");
    this.redisUrl = read.url("REDIS_URL", "redis", "rediss");
    this.database = read.database("DATABASE_URL");
    this.apiUrl = read.url("ONLYFANS_API_URL", "http", "https");
    this.rateLimit = read.rateLimit("RATE_LIMIT", "10/60s");
    read.refuse();
  }

  /**
   * Reads the environment of this process.
   *
   * @return the settings
   * @throws IllegalArgumentException if settings are wrong; the message names each of them
   */
  public static RateLimiterConfig fromEnvironment() {
    return from(System.getenv());
  }

  /**
   * Reads a map with the names of the environment.
   *
   * @param settings names and texts; a blank text counts as unset
   * @return the settings
   * @throws IllegalArgumentException if settings are wrong; the message names each of them
   */
  public static RateLimiterConfig from(Map<String, String> settings) {
    return new RateLimiterConfig(Map.copyOf(requireNonNull(settings, "settings")));
  }

  /** {@return {@code RATE_LIMITER_ENABLED}; unset is off} */
  public boolean enabled() {
    return enabled;
  }

  /**
   * {@return {@code RATE_LIMITER_ROLLOUT_PERCENT}: the share of users it is on for, default 100}
   */
  public int rolloutPercent() {
    return rolloutPercent;
  }

  /** {@return a new switch as these settings say: off, or on for the share of users} */
  public RateLimiterSwitch newSwitch() {
    return RateLimiterSwitch.percent(enabled ? rolloutPercent : 0);
  }

  /** {@return {@code SQS_RATE_LIMITER_QUEUE}: the entry queue's name or URL} */
  public Optional<String> queue() {
    return queue;
  }

  /**
   * {@return {@code SQS_WORKFLOW_QUEUE}, else {@code WORKFLOWS_QUEUE_URL}: the FIFO queue's name or
   * URL}
   */
  public Optional<String> workflowQueue() {
    return workflowQueue;
  }

  /** {@return {@code AWS_REGION}, default us-east-1} */
  public String region() {
    return region;
  }

  /** {@return {@code AWS_ENDPOINT_URL}: where AWS is, if not at its own addresses} */
  public Optional<URI> awsEndpoint() {
    return awsEndpoint;
  }

  /** {@return {@code REDIS_URL}: redis:// or rediss://; may hold credentials, do not log it} */
  public Optional<URI> redisUrl() {
    return redisUrl;
  }

  /** {@return {@code DATABASE_URL} as JDBC takes it} */
  public Optional<DatabaseUrl> database() {
    return database;
  }

  /** {@return {@code ONLYFANS_API_URL}: the external API's base} */
  public Optional<URI> apiUrl() {
    return apiUrl;
  }

  /** {@return {@code ONLYFANS_USER_AGENT}, where it is set} */
  public Optional<String> userAgent() {
    return text("ONLYFANS_USER_AGENT");
  }

  /** {@return {@code RATE_LIMIT}, default 10/60s} */
  public RateLimit rateLimit() {
    return rateLimit;
  }

  /** {@return {@code ENVIRONMENT}: the dimension of metrics, default development} */
  public String environment() {
    return text("ENVIRONMENT").orElse("development");
  }

  /**
   * A secret of these settings, to be handed on as it is: {@code ONLYFANS_API_KEY}, {@code
   * REDIS_AUTH_TOKEN}, {@code AWS_ACCESS_KEY_ID}, {@code AWS_SECRET_ACCESS_KEY}, {@code
   * AWS_SESSION_TOKEN}.
   *
   * @param name the setting's name
   * @return gives the secret when asked, empty while it is unset
   */
  public Supplier<Optional<String>> secret(String name) {
    return () -> text(name);
  }

  /** {@return the settings that are no secrets} */
  @Override
  public String toString() {
    return "RateLimiterConfig[enabled="
        + enabled
        + ", rolloutPercent="
        + rolloutPercent
        + ", queue="
        + queue.orElse("unset")
        + ", workflowQueue="
        + workflowQueue.orElse("unset")
        + ", region="
        + region
        + ", rateLimit="
        + rateLimit
        + ", environment="
        + environment()
        + "]";
  }

  private Optional<String> text(String name) {
    return Optional.ofNullable(settings.get(name)).filter(value -> !value.isBlank());
  }
}
