package com.huntaze.ratelimiter.examples.worker;

import com.huntaze.ratelimiter.DatabaseUrl;
import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.delivery.FileResultStore;
import com.huntaze.ratelimiter.delivery.HttpOnlyFansGateway;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.delivery.ResultStore;
import com.huntaze.ratelimiter.delivery.WorkflowWorker;
import com.huntaze.ratelimiter.jdbc.JdbcSentLog;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.redis.RedisClients;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import com.huntaze.ratelimiter.s3.S3ResultStore;
import com.huntaze.ratelimiter.sqs.SqsClients;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import com.zaxxer.hikari.HikariCredentialsProvider;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.RedisClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.sqs.SqsClient;

/**
 * The reference worker as a process: takes the workflow queue's messages, one creator's in order,
 * and makes each call with a permit of the edge. Set up by the environment; see {@code
 * ratelimiter-examples/README.md}.
 *
 * <p>SIGTERM stops it: what has not begun is given back at once, calls under way may finish. Ends
 * with 2 if a setting is missing or wrong, or nothing can be made of it.
 */
public final class WorkerProcess implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(WorkerProcess.class);

  private final WorkerSettings settings;
  private final WorkerSecrets secrets;
  private final HikariDataSource database;
  private final RedisClient redis;
  private final SqsClient sqs;
  private final WorkerMetrics metrics;
  private final WorkflowWorker worker;
  private @Nullable S3Client s3;
  private final Health health;
  private final HealthServer server;

  private WorkerProcess(WorkerSettings settings, WorkerSecrets secrets) throws IOException {
    this.settings = settings;
    this.secrets = secrets;
    this.database = database(settings.database(), secrets.database());
    this.redis = RedisClients.create(settings.redis(), settings.sdk().secret("REDIS_AUTH_TOKEN"));
    this.sqs = SqsClients.forReceiving(settings.sdk());
    this.metrics = new WorkerMetrics(settings);
    this.worker =
        new WorkflowWorker(
            Dispatcher.builder(
                    SqsMessageSource.builder(sqs).queue(settings.queue()).build(),
                    RedisTokenBucket.builder(redis)
                        .limit(settings.sdk().rateLimit())
                        .metrics(metrics.sink())
                        .build(),
                    gateway(settings))
                .sentLog(JdbcSentLog.builder(database).build())
                .results(results())
                .metrics(metrics.sink()));
    this.health = new Health(worker::health);
    this.server = HealthServer.start(settings.healthPort(), health::answer);
  }

  /**
   * Runs a worker until the process is told to stop.
   *
   * @param args none
   * @throws IOException if the port of the health check is taken
   */
  public static void main(String[] args) throws IOException {
    WorkerSettings settings;
    WorkerSecrets secrets;
    try {
      secrets = WorkerSecrets.read(System.getenv(), Ticker.system());
      settings = WorkerSettings.of(secrets.config(), System.getenv());
    } catch (IllegalArgumentException e) {
      log.error("The worker cannot start: {}", e.getMessage());
      System.exit(2);
      return;
    }
    WorkerProcess process;
    try {
      process = new WorkerProcess(settings, secrets);
    } catch (RuntimeException e) {
      // Another's text may show a URL with its password.
      boolean isOurs = e instanceof IllegalArgumentException;
      log.error("The worker cannot start: {}", isOurs ? e.getMessage() : e.getClass().getName());
      System.exit(2);
      return;
    }
    Runtime.getRuntime().addShutdownHook(new Thread(process::close, "worker-stop"));
    secrets.keepFresh();
    process.worker.start();
    log.info(
        "Worker started: queue {}, limit {}, health on port {}",
        settings.queue(),
        settings.sdk().rateLimit(),
        process.server.port());
  }

  /** Stops within the time set, with a little of it kept for the last metrics and the rest. */
  @Override
  public void close() {
    health.stopping();
    log.info("Worker stops, within {}", settings.stopTimeout());
    Duration calls = settings.stopTimeout().minus(metrics.patience()).minusSeconds(1);
    int left = worker.close(calls.isNegative() ? Duration.ZERO : calls);
    metrics.close();
    server.close();
    sqs.close();
    if (s3 != null) {
      s3.close();
    }
    redis.close();
    database.close();
    secrets.close();
    log.info("Worker stopped; {} messages were left in hand", left);
  }

  private static OnlyFansGateway gateway(WorkerSettings settings) {
    HttpOnlyFansGateway.Builder gateway = HttpOnlyFansGateway.builder(settings.api());
    settings.sdk().userAgent().ifPresent(gateway::userAgent);
    Supplier<Optional<String>> key = settings.sdk().secret("ONLYFANS_API_KEY");
    if (key.get().isPresent()) {
      gateway.apiKey(
          () -> key.get().orElseThrow(() -> new IllegalStateException("no API key any more")));
    } else {
      log.warn("ONLYFANS_API_KEY is unset: the API is called without credentials");
    }
    return gateway.build();
  }

  /** A bucket, else files, else only the log's line. */
  private ResultStore results() {
    if (settings.bucket().isPresent()) {
      s3 = s3(settings.sdk());
      return new ResultLine(S3ResultStore.builder(s3).bucket(settings.bucket().get()).build());
    }
    return new ResultLine(
        settings
            .results()
            .<ResultStore>map(FileResultStore::new)
            .orElse(result -> log.trace("Result of {} is not kept", result.messageId())));
  }

  private static S3Client s3(RateLimiterConfig config) {
    S3ClientBuilder client = S3Client.builder().region(Region.of(config.region()));
    config.awsEndpoint().ifPresent(at -> client.endpointOverride(at).forcePathStyle(true));
    return client.build();
  }

  /** A pool that does not need the database to start: the worker waits for it. */
  static HikariDataSource database(
      DatabaseUrl url, Optional<HikariCredentialsProvider> credentials) {
    try {
      DriverManager.getDriver(url.jdbcUrl());
    } catch (SQLException e) {
      throw new IllegalArgumentException(
          "DATABASE_URL must be of a database whose driver is on the class path, was " + url);
    }
    HikariDataSource pool = new HikariDataSource();
    pool.setPoolName("worker");
    pool.setJdbcUrl(url.jdbcUrl());
    url.user().ifPresent(pool::setUsername);
    url.password().ifPresent(pool::setPassword);
    credentials.ifPresent(pool::setCredentialsProvider);
    pool.setInitializationFailTimeout(-1);
    pool.setConnectionTimeout(5_000);
    return pool;
  }
}
