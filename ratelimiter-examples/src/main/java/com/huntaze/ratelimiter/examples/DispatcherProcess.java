package com.huntaze.ratelimiter.examples;

import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.delivery.HttpOnlyFansGateway;
import com.huntaze.ratelimiter.jdbc.JdbcSentLog;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import redis.clients.jedis.RedisClient;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.sqs.SqsClient;

/** One dispatcher as a process of its own, the way a fleet runs them. */
final class DispatcherProcess {
  /** The line it prints when it delivers. */
  static final String READY = "dispatcher: ready";

  private DispatcherProcess() {}

  /** Where everything is; handed over as arguments. */
  record Wiring(
      URI sqs,
      String queue,
      URI redis,
      String jdbcUrl,
      URI api,
      RateLimit limit,
      Duration callTimeout) {
    List<String> toArgs() {
      return List.of(
          sqs.toString(),
          queue,
          redis.toString(),
          jdbcUrl,
          api.toString(),
          limit.toString(),
          callTimeout.toString());
    }

    static Wiring fromArgs(String[] args) {
      return new Wiring(
          URI.create(args[0]),
          args[1],
          URI.create(args[2]),
          args[3],
          URI.create(args[4]),
          RateLimit.parse(args[5]),
          Duration.parse(args[6]));
    }
  }

  public static void main(String[] args) throws IOException {
    Wiring wiring = Wiring.fromArgs(args);
    HikariConfig database = new HikariConfig();
    database.setJdbcUrl(wiring.jdbcUrl());
    try (HikariDataSource dataSource = new HikariDataSource(database);
        RedisClient jedis = RedisClient.create(wiring.redis());
        SqsClient sqs = sqs(wiring.sqs());
        Dispatcher dispatcher =
            Dispatcher.builder(
                    SqsMessageSource.builder(sqs)
                        .queue(wiring.queue())
                        .visibility(wiring.callTimeout().multipliedBy(2))
                        .build(),
                    RedisTokenBucket.builder(jedis)
                        .limit(wiring.limit())
                        .coldStart(RedisTokenBucket.ColdStart.EMPTY)
                        .build(),
                    HttpOnlyFansGateway.builder(wiring.api()).build())
                .callTimeout(wiring.callTimeout())
                .sentLog(JdbcSentLog.builder(dataSource).build())
                .build()) {
      dispatcher.start();
      System.out.println(READY);
      while (System.in.read() >= 0) {
        // Lives until whoever started it closes the stream, or is gone.
      }
    }
  }

  /** A client for a local service: our own loops retry, so the SDK's retries are off. */
  private static SqsClient sqs(URI endpoint) {
    return SqsClient.builder()
        .endpointOverride(endpoint)
        .region(Region.US_EAST_1)
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
        .overrideConfiguration(
            config ->
                config
                    .retryStrategy(DefaultRetryStrategy.doNotRetry())
                    .apiCallTimeout(Duration.ofSeconds(10)))
        .build();
  }
}
