package com.huntaze.ratelimiter.examples;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.SendResult;
import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.delivery.HttpOnlyFansGateway;
import com.huntaze.ratelimiter.jdbc.JdbcFallbackStore;
import com.huntaze.ratelimiter.jdbc.JdbcSentLog;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import com.huntaze.ratelimiter.sqs.SqsClients;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import java.net.URI;
import java.time.Duration;
import javax.sql.DataSource;
import redis.clients.jedis.UnifiedJedis;
import software.amazon.awssdk.services.sqs.SqsClient;

/** The code of the README, as a host would write it; compiled, and compared with the README. */
final class HostExample {
  private final SqsClient sqs;
  private final UnifiedJedis jedis;
  private final DataSource dataSource;

  HostExample(SqsClient sqs, UnifiedJedis jedis, DataSource dataSource) {
    this.sqs = sqs;
    this.jedis = jedis;
    this.dataSource = dataSource;
  }

  SendResult send() {
    // README: send
    try (var client =
        RateLimitedOnlyFansClient.builder()
            .sink(SqsMessageSink.builder(sqs).queue("huntaze-rate-limiter-queue").build())
            .tokenBucket(
                RedisTokenBucket.builder(jedis)
                    .limit(RateLimit.rolling(10, Duration.ofMinutes(1)))
                    .build())
            .fallbackStore(JdbcFallbackStore.builder(dataSource).build())
            .build()) {
      SendResult result =
          client.send(
              OnlyFansMessage.builder()
                  .userId("user_42")
                  .recipientId("fan_7")
                  .content("Thanks for subscribing!")
                  .priority(Priority.HIGH)
                  .build());
      // README: end
      return result;
    }
  }

  RateLimitedOnlyFansClient fromSettings() {
    // README: settings
    RateLimiterConfig config = RateLimiterConfig.fromEnvironment();
    SqsClient sqs = SqsClients.forSending(config);
    var client =
        RateLimitedOnlyFansClient.builder(config)
            .sink(SqsMessageSink.builder(sqs, config).build())
            .build();
    // README: end
    return client;
  }

  Dispatcher deliver(URI apiUrl, Secrets secrets) {
    // README: deliver
    Dispatcher dispatcher =
        Dispatcher.builder(
                SqsMessageSource.builder(sqs).queue("huntaze-rate-limiter-queue").build(),
                RedisTokenBucket.builder(jedis)
                    .limit(RateLimit.rolling(10, Duration.ofMinutes(1)))
                    .build(),
                HttpOnlyFansGateway.builder(apiUrl).apiKey(secrets::apiKey).build())
            .sentLog(JdbcSentLog.builder(dataSource).build())
            .build();
    dispatcher.start();
    // README: end
    return dispatcher;
  }

  interface Secrets {
    String apiKey();
  }
}
