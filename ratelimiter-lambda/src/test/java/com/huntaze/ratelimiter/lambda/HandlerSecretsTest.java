package com.huntaze.ratelimiter.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.lambda.LocalSecretsManager.Mood;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.redis.RedisClients;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.ManualTime;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.RedisClient;
import software.amazon.awssdk.services.sqs.model.Message;

/** The function on a Redis whose password is a secret of Secrets Manager. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class HandlerSecretsTest {
  private final Deployment deployment = new Deployment(false, "5/60s");
  private final LocalRedis redis = LocalRedis.start("--requirepass", "first");
  private final RedisClient operator = RedisClients.create(redis.uri(), () -> Optional.of("first"));
  private LocalSecretsManager aws;

  @BeforeEach
  void start() throws Exception {
    aws = new LocalSecretsManager(deployment.faults.endpoint());
    aws.secrets.put("prod/redis", "first");
    RedisTokenBucket.builder(operator) // a first start would be closed for a window
        .gate()
        .limit(RateLimit.parse("5/60s"))
        .coldStart(RedisTokenBucket.ColdStart.EMPTY)
        .build()
        .state(Scope.global());
  }

  @AfterEach
  void stop() {
    operator.close();
    redis.close();
    aws.close();
    deployment.close();
    assertThat(aws.violations).isEmpty();
  }

  private Map<String, String> environment() {
    Map<String, String> environment = deployment.environment();
    environment.put("REDIS_URL", redis.uri().toString());
    environment.put("REDIS_AUTH_TOKEN", "what the secret goes before");
    environment.put("REDIS_AUTH_TOKEN_SECRET", "prod/redis");
    environment.put("AWS_ENDPOINT_URL", aws.endpoint().toString());
    return environment;
  }

  private List<String> handle(RateLimiterHandler handler, List<Message> messages) {
    return Events.failures(handler, Events.of(deployment.entryName(), messages), new FakeContext());
  }

  @Test
  void a_rotated_password_is_taken_over_at_the_next_new_connection_without_a_restart()
      throws Exception {
    ManualTime time = new ManualTime();
    RateLimiterConfig config = Settings.read(environment());
    LazyParts parts = new LazyParts(config, Settings.secretIds(environment()), time);
    RateLimiterHandler handler = new RateLimiterHandler(parts, config);
    parts.get().refreshed(); // the first password is read, and no connection open yet
    operator.configSet("requirepass", "second");
    aws.secrets.put("prod/redis", "second");
    time.advance(Duration.ofMinutes(5));

    assertThat(handle(handler, deployment.received(Deployment.body("m1")))).isEmpty();
    assertThat(deployment.visible(deployment.workflow)).isEqualTo(1);
    assertThat(aws.calls).hasValue(2);
  }

  @Test
  void an_event_before_the_first_secret_can_be_read_fails_as_a_whole_and_comes_back() {
    RateLimiterHandler handler = new RateLimiterHandler(environment());
    List<Message> one = deployment.received(Deployment.body("m1"));
    aws.mood = Mood.DENIES;
    assertThat(handle(handler, one)).containsExactly("");
    assertThat(deployment.visible(deployment.workflow)).isZero();

    aws.mood = Mood.ANSWERS;
    assertThat(handle(handler, one)).isEmpty();
    assertThat(deployment.visible(deployment.workflow)).isEqualTo(1);
  }

  @Test
  void no_secret_is_read_before_a_snapshot_nor_kept_in_it() throws Exception {
    RateLimiterConfig config = Settings.read(environment());
    LazyParts parts = new LazyParts(config, Settings.secretIds(environment()), new ManualTime());
    Snapshot snapshot = Snapshot.register(parts, config);
    RateLimiterHandler handler = new RateLimiterHandler(parts, config);
    snapshot.beforeCheckpoint(null);
    assertThat(aws.calls).hasValue(0);

    assertThat(handle(handler, deployment.received(Deployment.body("m1")))).isEmpty();
    snapshot.beforeCheckpoint(null);
    assertThat(handle(handler, deployment.received(Deployment.body("m2")))).isEmpty();
    assertThat(aws.calls).as("read again after the second snapshot").hasValue(2);
  }
}
