package com.huntaze.ratelimiter.examples.worker;

import com.huntaze.ratelimiter.DatabaseUrl;
import com.huntaze.ratelimiter.RateLimiterConfig;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a worker needs to know: the SDK's settings, and some of its own.
 *
 * @param sdk the SDK's settings
 * @param queue {@code SQS_WORKFLOW_QUEUE}
 * @param redis {@code REDIS_URL}
 * @param database {@code DATABASE_URL}
 * @param api {@code ONLYFANS_API_URL}
 * @param stopTimeout {@code WORKER_STOP_SECONDS}, default 110: how long a stop may take. Fargate
 *     kills after 120 s at most
 * @param healthPort {@code WORKER_HEALTH_PORT}, default 8080; 0 for any
 * @param bucket {@code WORKER_RESULTS_BUCKET}: where results are kept on S3
 * @param results {@code WORKER_RESULTS_DIRECTORY}: where they are kept as files, if on no bucket;
 *     by default they are only logged
 * @param publishing {@code WORKER_METRICS}: {@code cloudwatch} where metrics are published there;
 *     by default nowhere
 */
record WorkerSettings(
    RateLimiterConfig sdk,
    String queue,
    URI redis,
    DatabaseUrl database,
    URI api,
    Duration stopTimeout,
    int healthPort,
    Optional<String> bucket,
    Optional<Path> results,
    boolean publishing) {

  private static final Map<String, String> SECRETS =
      Map.of(
          "ONLYFANS_API_KEY_SECRET", "ONLYFANS_API_KEY",
          "REDIS_AUTH_TOKEN_SECRET", "REDIS_AUTH_TOKEN",
          "DATABASE_URL_SECRET", "DATABASE_URL");

  /** The names of secrets in Secrets Manager, by the setting that each is the value of. */
  static Map<String, String> secretIds(Map<String, String> environment) {
    Map<String, String> ids = new TreeMap<>();
    SECRETS.forEach(
        (setting, name) -> text(environment, setting).ifPresent(id -> ids.put(name, id.strip())));
    return ids;
  }

  /**
   * Reads the environment.
   *
   * @throws IllegalArgumentException if a setting is missing or wrong; names it
   */
  static WorkerSettings of(RateLimiterConfig sdk, Map<String, String> environment) {
    return new WorkerSettings(
        sdk,
        required("SQS_WORKFLOW_QUEUE", sdk.workflowQueue()),
        required("REDIS_URL", sdk.redisUrl()),
        required("DATABASE_URL", sdk.database()),
        required("ONLYFANS_API_URL", sdk.apiUrl()),
        Duration.ofSeconds(number(environment, "WORKER_STOP_SECONDS", 110, 1, 3_600)),
        number(environment, "WORKER_HEALTH_PORT", 8_080, 0, 65_535),
        text(environment, "WORKER_RESULTS_BUCKET"),
        text(environment, "WORKER_RESULTS_DIRECTORY").map(Path::of),
        publishing(text(environment, "WORKER_METRICS")));
  }

  private static boolean publishing(Optional<String> metrics) {
    if (metrics.isPresent() && !metrics.get().strip().equals("cloudwatch")) {
      throw new IllegalArgumentException(
          "WORKER_METRICS must be cloudwatch or unset, was '" + metrics.get() + "'");
    }
    return metrics.isPresent();
  }

  private static Optional<String> text(Map<String, String> environment, String name) {
    return Optional.ofNullable(environment.get(name)).filter(text -> !text.isBlank());
  }

  private static <T> T required(String name, Optional<T> value) {
    return value.orElseThrow(() -> new IllegalArgumentException(name + " must be set"));
  }

  private static int number(
      Map<String, String> environment, String name, int byDefault, int least, int most) {
    String text = environment.getOrDefault(name, "").strip();
    if (text.isEmpty()) {
      return byDefault;
    }
    try {
      int value = Integer.parseInt(text);
      if (value >= least && value <= most) {
        return value;
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw new IllegalArgumentException(
        name + " must be a whole number from " + least + " to " + most + ", was '" + text + "'");
  }
}
