package com.huntaze.ratelimiter.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import redis.clients.jedis.RedisClient;

/** What the contract cannot show: the server's own clock, its keys, and its absence. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RedisTokenBucketTest {
  @RegisterExtension static final LocalRedis REDIS = LocalRedis.shared();

  private final RedisClient jedis = RedisClient.create(REDIS.uri());
  private final String namespace = UUID.randomUUID().toString();

  private RedisTokenBucket.Builder bucket(RateLimit limit) {
    return RedisTokenBucket.builder(jedis).namespace(namespace).limit(limit);
  }

  @AfterEach
  void close() {
    jedis.close();
  }

  @Test
  void many_threads_on_the_servers_clock_never_exceed_the_limit() throws Exception {
    Duration window = Duration.ofMillis(200);
    RateLimit limit = RateLimit.rolling(10, window);
    ExecutorService threads = Executors.newFixedThreadPool(8);
    List<Callable<List<Instant>>> askers = new ArrayList<>();
    for (int t = 0; t < 8; t++) {
      int thread = t;
      RedisTokenBucket own = bucket(limit).guard(Duration.ZERO).build();
      askers.add(
          () -> {
            List<Instant> grants = new ArrayList<>();
            for (int i = 0; i < 1_000; i++) {
              if (own.tryAcquire(PermitRequest.of(thread + "-" + i))
                  instanceof Permit.Granted granted) {
                grants.add(granted.at());
              }
            }
            return grants;
          });
    }
    List<Instant> all = new ArrayList<>();
    try {
      for (Future<List<Instant>> each : threads.invokeAll(askers)) {
        all.addAll(each.get());
      }
    } finally {
      threads.shutdownNow();
    }
    all.sort(null);
    assertThat(all.size()).isGreaterThanOrEqualTo(10);
    for (int i = 10; i < all.size(); i++) {
      assertThat(Duration.between(all.get(i - 10), all.get(i)))
          .as("grants %d and %d", i - 10, i)
          .isGreaterThanOrEqualTo(window);
    }
  }

  @Test
  void keys_have_one_naming_and_expire_by_themselves() {
    RedisTokenBucket bucket =
        bucket(RateLimit.rolling(1, Duration.ofMinutes(1)))
            .limit(Scope.Kind.CREATOR, RateLimit.rolling(1, Duration.ofMinutes(1)))
            .build();
    bucket.tryAcquire(PermitRequest.of("a", Scope.creator("alice")));
    bucket.tryAcquire(
        PermitRequest.of("b", Scope.creator("alice")).bookingUpTo(Duration.ofHours(1)));
    bucket.blockFor(Scope.global(), Duration.ofSeconds(1));
    String prefix = "rate_limit:{" + namespace + "}:edge:";
    assertThat(jedis.keys(prefix + "*"))
        .containsExactlyInAnyOrder(
            prefix + "global:record",
            prefix + "global:plan",
            prefix + "global:block",
            prefix + "creator:alice:record",
            prefix + "creator:alice:plan",
            prefix + "grant:a",
            prefix + "booking:b")
        .allSatisfy(key -> assertThat(jedis.pttl(key)).as(key).isPositive());
    assertThat(bucket.state(Scope.global()).key()).isEqualTo(prefix + "global");
  }

  @Test
  void a_server_that_lost_the_script_is_given_it_again() {
    RedisTokenBucket bucket = bucket(RateLimit.rolling(2, Duration.ofMinutes(1))).build();
    assertThat(bucket.tryAcquire(PermitRequest.of("a"))).isInstanceOf(Permit.Granted.class);
    jedis.scriptFlush();
    assertThat(bucket.tryAcquire(PermitRequest.of("b"))).isInstanceOf(Permit.Granted.class);
    assertThat(bucket.tryAcquire(PermitRequest.of("c"))).isInstanceOf(Permit.Refused.class);
  }

  @Test
  void a_server_that_is_down_is_an_exception_and_no_permit() {
    try (LocalRedis own = LocalRedis.start();
        RedisClient client = RedisClient.create(own.uri())) {
      RedisTokenBucket bucket =
          RedisTokenBucket.builder(client)
              .limit(RateLimit.rolling(1, Duration.ofMinutes(1)))
              .build();
      assertThat(bucket.tryAcquire(PermitRequest.of("a"))).isInstanceOf(Permit.Granted.class);
      own.kill9();
      assertThatThrownBy(() -> bucket.tryAcquire(PermitRequest.of("b")))
          .isInstanceOf(TokenBucketException.class)
          .hasMessageContaining("rate_limit:{onlyfans}:edge:*");
    }
  }

  @Test
  void a_foreign_value_under_a_key_is_an_error_and_is_not_overwritten() {
    RedisTokenBucket bucket = bucket(RateLimit.rolling(1, Duration.ofMinutes(1))).build();
    String key = "rate_limit:{" + namespace + "}:edge:global:record";
    jedis.set(key, "foreign");
    assertThatThrownBy(() -> bucket.tryAcquire(PermitRequest.of("a")))
        .isInstanceOf(TokenBucketException.class);
    assertThat(jedis.get(key)).isEqualTo("foreign");
  }

  @Test
  void nonsense_is_refused_at_build() {
    assertThatThrownBy(() -> RedisTokenBucket.builder(jedis).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("limit");
    assertThatThrownBy(() -> RedisTokenBucket.builder(jedis).namespace("a{b}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a{b}");
  }
}
