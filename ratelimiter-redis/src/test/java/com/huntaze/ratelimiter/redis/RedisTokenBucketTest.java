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
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.RedisClient;

/** What the contract cannot show: the server's own clock, its keys, and its absence. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RedisTokenBucketTest {
  @RegisterExtension static final LocalRedis REDIS = LocalRedis.shared();

  private final RedisClient jedis = RedisClient.create(REDIS.uri());
  private final String namespace = UUID.randomUUID().toString();

  private RedisTokenBucket.Builder bucket(RateLimit limit, RateLimit... more) {
    return RedisTokenBucket.builder(jedis)
        .namespace(namespace)
        .limit(limit, more)
        .coldStart(RedisTokenBucket.ColdStart.EMPTY);
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
            prefix + "meta",
            prefix + "scopes",
            prefix + "global:record",
            prefix + "global:plan",
            prefix + "global:state",
            prefix + "creator:alice:record",
            prefix + "creator:alice:plan")
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
              .coldStart(RedisTokenBucket.ColdStart.EMPTY)
              .limit(RateLimit.rolling(1, Duration.ofMinutes(1)))
              .build();
      assertThat(bucket.tryAcquire(PermitRequest.of("a"))).isInstanceOf(Permit.Granted.class);
      own.kill9();
      assertThatThrownBy(() -> bucket.tryAcquire(PermitRequest.of("b")))
          .isInstanceOf(TokenBucketException.class)
          .hasMessageContaining("rate_limit:{onlyfans}:edge:");
    }
  }

  @Test
  void a_foreign_value_under_any_key_is_an_error_that_names_it_and_nothing_is_written() {
    RedisTokenBucket bucket =
        bucket(RateLimit.rolling(1, Duration.ofMinutes(1)))
            .limit(Scope.Kind.CREATOR, RateLimit.rolling(1, Duration.ofMinutes(1)))
            .build();
    String prefix = "rate_limit:{" + namespace + "}:edge:";
    PermitRequest request = PermitRequest.of("a", Scope.creator("alice"));
    for (String name :
        List.of(
            "meta",
            "scopes",
            "global:record",
            "global:plan",
            "global:state",
            "creator:alice:record",
            "creator:alice:plan",
            "creator:alice:state")) {
      jedis.keys(prefix + "*").forEach(jedis::del);
      jedis.lpush(prefix + name, "foreign");
      assertThatThrownBy(() -> bucket.tryAcquire(request))
          .as(name)
          .isInstanceOf(TokenBucketException.class)
          .hasMessageContaining(prefix + name + " (a list)")
          .hasMessageContaining("nothing is granted");
      assertThat(jedis.keys(prefix + "*")).containsExactly(prefix + name);
      assertThat(jedis.lrange(prefix + name, 0, -1)).containsExactly("foreign");
    }
  }

  @Test
  void a_corrupt_value_is_an_error_that_names_it_and_is_left_as_it_is() {
    RedisTokenBucket bucket = bucket(RateLimit.rolling(1, Duration.ofMinutes(1))).build();
    String prefix = "rate_limit:{" + namespace + "}:edge:";
    jedis.set(prefix + "meta", "half a va");
    assertThatThrownBy(() -> bucket.tryAcquire(PermitRequest.of("a")))
        .isInstanceOf(TokenBucketException.class)
        .hasMessageContaining(prefix + "meta");
    assertThat(jedis.get(prefix + "meta")).isEqualTo("half a va");
    jedis.del(prefix + "meta");
    jedis.hset(prefix + "global:state", "blocked", "soon");
    assertThatThrownBy(() -> bucket.tryAcquire(PermitRequest.of("a")))
        .isInstanceOf(TokenBucketException.class)
        .hasMessageContaining(prefix + "global:state");
    assertThat(jedis.keys(prefix + "*")).containsExactly(prefix + "global:state");
  }

  @Test
  void a_permit_that_was_granted_while_its_caller_gave_up_is_told_to_it_and_counted_once()
      throws Exception {
    try (LocalRedis own = LocalRedis.start();
        RedisClient impatient =
            RedisClient.builder()
                .hostAndPort("127.0.0.1", own.port())
                .clientConfig(DefaultJedisClientConfig.builder().timeoutMillis(200).build())
                .build();
        RedisClient patient = RedisClient.create(own.uri())) {
      RedisTokenBucket bucket =
          RedisTokenBucket.builder(impatient)
              .limit(RateLimit.rolling(2, Duration.ofMinutes(1)))
              .guard(Duration.ofSeconds(20))
              .coldStart(RedisTokenBucket.ColdStart.EMPTY)
              .build();
      assertThat(bucket.tryAcquire(PermitRequest.of("a"))).isInstanceOf(Permit.Granted.class);
      own.freeze();
      assertThatThrownBy(() -> bucket.tryAcquire(PermitRequest.of("b")))
          .isInstanceOf(TokenBucketException.class);
      own.thaw();
      assertThat(patient.ping()).isEqualTo("PONG"); // behind the call that ran late
      assertThat(patient.zcard("rate_limit:{onlyfans}:edge:global:record")).isEqualTo(2);
      assertThat(bucket.tryAcquire(PermitRequest.of("b"))).isInstanceOf(Permit.Granted.class);
      assertThat(bucket.tryAcquire(PermitRequest.of("c"))).isInstanceOf(Permit.Refused.class);
    }
  }

  @Test
  void while_redis_is_down_open_grants_all_and_local_keeps_the_limit_of_one_process() {
    try (LocalRedis own = LocalRedis.start();
        RedisClient client = RedisClient.create(own.uri())) {
      RedisTokenBucket.Builder builder =
          RedisTokenBucket.builder(client)
              .coldStart(RedisTokenBucket.ColdStart.EMPTY)
              .limit(RateLimit.rolling(10, Duration.ofMinutes(1)));
      RedisTokenBucket local = builder.whenDown(RedisTokenBucket.WhenDown.LOCAL).build();
      RedisTokenBucket open = builder.whenDown(RedisTokenBucket.WhenDown.OPEN).build();
      assertThat(grants(local, "a", 4)).isEqualTo(4);
      own.kill9();
      assertThat(grants(local, "b", 12)).as("four of ten were granted before").isEqualTo(6);
      assertThat(grants(open, "c", 40)).isEqualTo(40);
      assertThatThrownBy(() -> local.release("a0")).isInstanceOf(TokenBucketException.class);
    }
  }

  @Test
  void a_block_that_redis_cannot_be_told_of_holds_in_this_process() {
    try (LocalRedis own = LocalRedis.start();
        RedisClient client = RedisClient.create(own.uri())) {
      RedisTokenBucket bucket =
          RedisTokenBucket.builder(client)
              .coldStart(RedisTokenBucket.ColdStart.EMPTY)
              .whenDown(RedisTokenBucket.WhenDown.LOCAL)
              .limit(RateLimit.rolling(10, Duration.ofMinutes(1)))
              .build();
      own.kill9();
      assertThatThrownBy(() -> bucket.blockFor(Scope.global(), Duration.ofMinutes(5)))
          .isInstanceOf(TokenBucketException.class);
      assertThat(grants(bucket, "a", 3)).isZero();
    }
  }

  @Test
  void a_server_that_is_full_grants_nothing_and_says_so() {
    try (LocalRedis own = LocalRedis.start("--maxmemory", "100kb");
        RedisClient client = RedisClient.create(own.uri())) {
      RedisTokenBucket bucket =
          RedisTokenBucket.builder(client)
              .coldStart(RedisTokenBucket.ColdStart.EMPTY)
              .limit(RateLimit.rolling(10, Duration.ofMinutes(1)))
              .build();
      assertThatThrownBy(() -> bucket.tryAcquire(PermitRequest.of("a")))
          .isInstanceOf(TokenBucketException.class)
          .hasStackTraceContaining("OOM");
      client.configSet("maxmemory", "0");
      assertThat(grants(bucket, "b", 12)).isEqualTo(10);
    }
  }

  @Test
  void gate_and_edge_are_two_buckets_of_one_limit() {
    RateLimit limit = RateLimit.rolling(3, Duration.ofMinutes(1));
    RedisTokenBucket gate = bucket(limit).gate().build();
    RedisTokenBucket edge = bucket(limit).build();
    assertThat(grants(gate, "m", 5)).isEqualTo(3);
    assertThat(grants(edge, "m", 5)).isEqualTo(3);
    assertThat(gate.state(Scope.global()).key())
        .isEqualTo("rate_limit:{" + namespace + "}:gate:global");
  }

  @Test
  void hundreds_of_requests_on_many_limits_are_one_call() {
    RedisTokenBucket bucket =
        bucket(
                RateLimit.tokenBucket(1_000, 100, Duration.ofSeconds(1)),
                RateLimit.tokenBucket(2_000, 100, Duration.ofSeconds(2)),
                RateLimit.tokenBucket(3_000, 100, Duration.ofSeconds(3)),
                RateLimit.tokenBucket(4_000, 100, Duration.ofSeconds(4)))
            .build();
    List<PermitRequest> requests = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      requests.add(PermitRequest.of("m" + i));
    }
    assertThat(bucket.tryAcquireAll(requests)).hasOnlyElementsOfType(Permit.Granted.class);
  }

  @Test
  void a_thousand_requests_at_once_are_answered_in_their_order() {
    RedisTokenBucket bucket = bucket(RateLimit.rolling(600, Duration.ofMinutes(1))).build();
    List<PermitRequest> requests = new ArrayList<>();
    for (int i = 0; i < 1_200; i++) {
      requests.add(
          PermitRequest.of("m" + i, Scope.creator("c" + i)).bookingUpTo(Duration.ofHours(1)));
    }
    List<Permit> permits = bucket.tryAcquireAll(requests);
    assertThat(permits).hasSize(1_200);
    for (int i = 0; i < permits.size(); i++) {
      assertThat(permits.get(i).id()).isEqualTo("m" + i);
      assertThat(permits.get(i)).isInstanceOf(i < 600 ? Permit.Granted.class : Permit.Booked.class);
    }
  }

  private static int grants(RedisTokenBucket bucket, String name, int asks) {
    int grants = 0;
    for (int i = 0; i < asks; i++) {
      grants += bucket.tryAcquire(PermitRequest.of(name + i)) instanceof Permit.Granted ? 1 : 0;
    }
    return grants;
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

  @Test
  void the_check_at_start_passes_a_redis_that_keeps_everything() {
    assertThat(bucket(RateLimit.rolling(10, Duration.ofMinutes(1))).build().check()).isEmpty();
  }

  @Test
  void the_check_at_start_refuses_a_redis_that_evicts() {
    try (LocalRedis evicting =
            LocalRedis.start("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru");
        RedisClient client = RedisClient.create(evicting.uri())) {
      RedisTokenBucket bucket =
          RedisTokenBucket.builder(client)
              .limit(RateLimit.rolling(10, Duration.ofMinutes(1)))
              .build();
      assertThatThrownBy(bucket::check)
          .isInstanceOf(TokenBucketException.class)
          .hasMessageContaining("maxmemory-policy must be noeviction, was allkeys-lru");
    }
  }

  @Test
  void the_check_at_start_names_a_policy_that_would_evict_and_promises_given_up() {
    try (LocalRedis lru = LocalRedis.start("--maxmemory-policy", "volatile-ttl");
        RedisClient client = RedisClient.create(lru.uri())) {
      RedisTokenBucket bucket =
          RedisTokenBucket.builder(client)
              .limit(RateLimit.rolling(10, Duration.ofMinutes(1)))
              .whenDown(RedisTokenBucket.WhenDown.OPEN)
              .withoutRunId()
              .build();
      assertThat(bucket.check())
          .containsExactly(
              "maxmemory-policy should be noeviction, was volatile-ttl",
              "built withoutRunId: a Redis that lost its state may go unnoticed",
              "whenDown is OPEN: the limit does not hold while Redis is down");
    }
  }

  @Test
  void the_check_at_start_asks_for_min_replicas_where_there_is_one() {
    try (LocalRedis master = LocalRedis.start();
        LocalRedis replica = LocalRedis.startReplicaOf(master.address());
        RedisClient client = RedisClient.create(master.uri())) {
      assertThat(replica.uri()).isNotEqualTo(master.uri());
      RedisTokenBucket bucket =
          RedisTokenBucket.builder(client)
              .limit(RateLimit.rolling(10, Duration.ofMinutes(1)))
              .build();
      assertThat(bucket.check()).singleElement().asString().contains("min-replicas-to-write");
    }
  }

  @Test
  void the_check_at_start_fails_where_redis_is_down() {
    LocalRedis redis = LocalRedis.start();
    try (RedisClient client = RedisClient.create(redis.uri())) {
      RedisTokenBucket bucket =
          RedisTokenBucket.builder(client)
              .limit(RateLimit.rolling(10, Duration.ofMinutes(1)))
              .build();
      redis.close();
      assertThatThrownBy(bucket::check).isInstanceOf(TokenBucketException.class);
    }
  }
}
