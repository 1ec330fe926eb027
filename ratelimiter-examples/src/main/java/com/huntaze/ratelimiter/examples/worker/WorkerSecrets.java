package com.huntaze.ratelimiter.examples.worker;

import com.huntaze.ratelimiter.DatabaseUrl;
import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.lambda.RotatingSecrets;
import com.huntaze.ratelimiter.limit.Ticker;
import com.zaxxer.hikari.HikariCredentialsProvider;
import com.zaxxer.hikari.util.Credentials;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * The secrets of a worker that are in Secrets Manager: read once before it starts, then looked
 * after by a daemon thread of its own, so that who asks for one is answered from memory.
 * Thread-safe.
 */
final class WorkerSecrets implements AutoCloseable {
  private static final long LOOK_SECONDS = 10;

  private final Map<String, String> environment;
  private final RotatingSecrets secrets;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread created = new Thread(task, "worker-secrets");
            created.setDaemon(true);
            return created;
          });

  private WorkerSecrets(Map<String, String> environment, RotatingSecrets secrets) {
    this.environment = environment;
    this.secrets = secrets;
  }

  /**
   * Reads those that the environment names.
   *
   * @throws IllegalArgumentException if one cannot be read or a setting is wrong; names each
   */
  static WorkerSecrets read(Map<String, String> environment, Ticker ticker) {
    Map<String, String> ids = WorkerSettings.secretIds(environment);
    RotatingSecrets secrets = RotatingSecrets.of(ids, RateLimiterConfig.from(environment), ticker);
    secrets.refresh();
    return new WorkerSecrets(environment, secrets);
  }

  /** Looks every 10 s whether one is due to be read, until it is closed. */
  void keepFresh() {
    ScheduledFuture<?> unused =
        thread.scheduleWithFixedDelay(
            secrets::refresh, LOOK_SECONDS, LOOK_SECONDS, TimeUnit.SECONDS);
  }

  /** Reads those that are due. */
  void refresh() {
    secrets.refresh();
  }

  /** The settings of the environment, with what the secrets say in their place. */
  RateLimiterConfig config() {
    Map<String, String> settings = new HashMap<>(environment);
    secrets.find("DATABASE_URL").ifPresent(url -> settings.put("DATABASE_URL", url));
    return RateLimiterConfig.from(settings).withSecrets(secrets::find);
  }

  /**
   * User and password of {@code DATABASE_URL} as it is now, for each new connection; empty if they
   * do not come from a secret.
   */
  Optional<HikariCredentialsProvider> database() {
    return secrets.has("DATABASE_URL") ? Optional.of(this::credentials) : Optional.empty();
  }

  private Credentials credentials() {
    DatabaseUrl url = DatabaseUrl.parse(secrets.find("DATABASE_URL").orElseThrow());
    return Credentials.of(url.user().orElse(null), url.password().orElse(null));
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
