package com.huntaze.ratelimiter.lambda;

import com.huntaze.ratelimiter.RateLimiterConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Reads a function's environment and says what is missing from it. */
final class Settings {
  private static final Map<String, String> SECRETS =
      Map.of(
          "ONLYFANS_API_KEY_SECRET", "ONLYFANS_API_KEY",
          "REDIS_AUTH_TOKEN_SECRET", "REDIS_AUTH_TOKEN");

  private Settings() {}

  /** The names of secrets in Secrets Manager, by the setting that each is the value of. */
  static Map<String, String> secretIds(Map<String, String> environment) {
    Map<String, String> ids = new TreeMap<>();
    SECRETS.forEach(
        (setting, name) -> {
          String id = environment.getOrDefault(setting, "").strip();
          if (!id.isEmpty()) {
            ids.put(name, id);
          }
        });
    return ids;
  }

  /**
   * Reads the settings.
   *
   * @throws IllegalArgumentException if some are wrong or missing; the message names each of them
   */
  static RateLimiterConfig read(Map<String, String> environment) {
    RateLimiterConfig config = RateLimiterConfig.from(environment);
    List<String> missing = new ArrayList<>();
    if (config.queue().isEmpty()) {
      missing.add("SQS_RATE_LIMITER_QUEUE must be the entry queue's name or URL, was unset");
    }
    if (config.redisUrl().isEmpty()) {
      missing.add("REDIS_URL must be redis://host:port or rediss://host:port, was unset");
    }
    if (config.workflowQueue().isEmpty() && config.apiUrl().isEmpty()) {
      missing.add(
          "SQS_WORKFLOW_QUEUE must be the workflow queue's name or URL, or ONLYFANS_API_URL the"
              + " API's base if there is no such queue; both were unset");
    }
    if (!missing.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", missing));
    }
    return config;
  }
}
