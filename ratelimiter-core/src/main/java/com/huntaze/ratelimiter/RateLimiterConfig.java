package com.huntaze.ratelimiter;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.RateLimit;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The settings of a deployment, read from the environment, a properties file, or any other map of
 * names to texts.
 *
 * <p>What a builder is told goes before the environment, the environment before the file, the file
 * before the defaults. Immutable and thread-safe. Holds values only: what they configure is built
 * from them by the host or an adapter. Every wrong setting is reported at once, by name, value and
 * what is allowed. Secrets are suppliers, read anew each time, and appear in no message and no
 * {@link #toString}.
 */
public final class RateLimiterConfig {
  private static final Logger log = LoggerFactory.getLogger(RateLimiterConfig.class);
  static final String ENABLED = "RATE_LIMITER_ENABLED";
  private static final String ROLLOUT_PERCENT = "RATE_LIMITER_ROLLOUT_PERCENT";
  private static final Set<String> SECRETS =
      Set.of(
          "ONLYFANS_API_KEY",
          "REDIS_AUTH_TOKEN",
          "AWS_ACCESS_KEY_ID",
          "AWS_SECRET_ACCESS_KEY",
          "AWS_SESSION_TOKEN");

  private final Map<String, String> settings;
  private final Optional<Path> switchFile;
  private final Function<String, Optional<String>> secrets;
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

  private RateLimiterConfig(
      Map<String, String> settings,
      Optional<Path> switchFile,
      Function<String, Optional<String>> secrets) {
    this.settings = settings;
    this.switchFile = switchFile;
    this.secrets = secrets;
    SettingReader read = new SettingReader(settings);
    this.enabled = read.onOff(ENABLED);
    this.rolloutPercent = read.percent(ROLLOUT_PERCENT, 100);
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
   * Reads the environment of this process, and a properties file for what it leaves unset.
   *
   * @param properties a file in UTF-8 with the names of the environment; a switch it sets, and the
   *     environment does not, follows the file while the client runs
   * @return the settings
   * @throws IllegalArgumentException if the file cannot be read or settings are wrong; the message
   *     names each of them
   */
  public static RateLimiterConfig fromEnvironment(Path properties) {
    return from(System.getenv(), properties);
  }

  static RateLimiterConfig from(Map<String, String> environment, Path properties) {
    Map<String, String> settings = new HashMap<>();
    try {
      settings.putAll(PropertiesFile.read(requireNonNull(properties, "properties")));
    } catch (IOException | IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "the file " + properties + " cannot be read: " + e.getClass().getSimpleName());
    }
    boolean fixed = isSet(environment, ENABLED) || isSet(environment, ROLLOUT_PERCENT);
    boolean follows = !fixed && isSet(settings, ENABLED);
    environment.forEach(
        (name, value) -> {
          if (isSet(environment, name)) {
            settings.put(name, value);
          }
        });
    return new RateLimiterConfig(
        Map.copyOf(settings),
        follows ? Optional.of(properties) : Optional.empty(),
        name -> Optional.empty());
  }

  /**
   * Reads a map with the names of the environment.
   *
   * @param settings names and texts; a blank text counts as unset
   * @return the settings
   * @throws IllegalArgumentException if settings are wrong; the message names each of them
   */
  public static RateLimiterConfig from(Map<String, String> settings) {
    return new RateLimiterConfig(
        Map.copyOf(requireNonNull(settings, "settings")),
        Optional.empty(),
        name -> Optional.empty());
  }

  /**
   * The same settings with secrets from elsewhere, such as Secrets Manager.
   *
   * @param secrets gives the present secret of a name, or empty to leave it to the settings; asked
   *     each time a secret is needed, so that a rotated one is taken over without a restart
   * @return the settings
   */
  public RateLimiterConfig withSecrets(Function<String, Optional<String>> secrets) {
    return new RateLimiterConfig(settings, switchFile, requireNonNull(secrets, "secrets"));
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

  /**
   * {@return a new switch as these settings say: off, or on for the share of users; it follows the
   * properties file if that is where it is set}
   */
  public RateLimiterSwitch newSwitch() {
    if (!isSet(settings, ENABLED)) {
      log.info("{} is unset: rate limiting is off", ENABLED);
    }
    return switchFile.isPresent()
        ? RateLimiterSwitch.watching(switchFile.get())
        : RateLimiterSwitch.percent(switchPercent());
  }

  /** The share of users that rate limiting is on for, 0 if it is off. */
  int switchPercent() {
    return enabled ? rolloutPercent : 0;
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
   * REDIS_AUTH_TOKEN}, {@code AWS_ACCESS_KEY_ID}, {@code AWS_SECRET_ACCESS_KEY} or {@code
   * AWS_SESSION_TOKEN}.
   *
   * @param name the setting's name
   * @return gives the secret when asked, empty while it is unset
   * @throws IllegalArgumentException if it is none of these
   */
  public Supplier<Optional<String>> secret(String name) {
    if (!SECRETS.contains(name)) {
      throw new IllegalArgumentException(name + " is no secret; the secrets are " + SECRETS);
    }
    return () -> secrets.apply(name).or(() -> text(name));
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
    return Optional.ofNullable(settings.get(name)).map(String::strip).filter(s -> !s.isEmpty());
  }

  private static boolean isSet(Map<String, String> settings, String name) {
    String value = settings.get(name);
    return value != null && !value.isBlank();
  }
}
