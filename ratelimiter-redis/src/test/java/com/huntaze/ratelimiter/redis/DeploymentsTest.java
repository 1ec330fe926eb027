package com.huntaze.ratelimiter.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.LocalRedisCluster;
import com.huntaze.ratelimiter.testkit.LocalSentinel;
import com.huntaze.ratelimiter.testkit.TlsProxy;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.RedisSentinelClient;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.SslVerifyMode;
import redis.clients.jedis.UnifiedJedis;

/** The ways Redis is run: a cluster, behind Sentinels, over TLS, with a password that changes. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class DeploymentsTest {
  private static final RateLimit TEN = RateLimit.rolling(10, Duration.ofMinutes(1));

  private static RedisTokenBucket bucket(UnifiedJedis jedis) {
    return RedisTokenBucket.builder(jedis)
        .limit(TEN)
        .limit(Scope.Kind.CREATOR, RateLimit.rolling(6, Duration.ofMinutes(1)))
        .limit(Scope.Kind.RECIPIENT, RateLimit.rolling(4, Duration.ofMinutes(1)))
        .coldStart(RedisTokenBucket.ColdStart.EMPTY)
        .build();
  }

  private static int grants(TokenBucket bucket, String name, int asks) {
    int grants = 0;
    for (int i = 0; i < asks; i++) {
      PermitRequest request =
          PermitRequest.of(
              name + i, Scope.creator("{odd}" + i % 2), Scope.recipient("r}{" + i % 3));
      grants += bucket.tryAcquire(request) instanceof Permit.Granted ? 1 : 0;
    }
    return grants;
  }

  @Test
  void a_cluster_keeps_all_scopes_of_a_request_together_and_a_moved_slot_is_followed() {
    try (LocalRedisCluster cluster = LocalRedisCluster.start();
        RedisClusterClient client =
            RedisClusterClient.create(
                cluster.nodes().stream()
                    .map(DeploymentsTest::address)
                    .collect(Collectors.toSet()))) {
      RedisTokenBucket bucket = bucket(client);
      assertThat(grants(bucket, "a", 5)).isEqualTo(5);
      PermitRequest booked =
          PermitRequest.of("b", Scope.creator("{odd}0")).bookingUpTo(Duration.ofHours(1));
      InetSocketAddress owner = cluster.moveSlotOf("rate_limit:{onlyfans}:edge:meta");
      assertThat(cluster.nodeOf("rate_limit:{onlyfans}:edge:meta")).isEqualTo(owner);
      assertThat(grants(bucket, "c", 12))
          .as("another server process holds the slot: closed, as after a failover")
          .isZero();
      assertThat(bucket.tryAcquire(booked)).isInstanceOf(Permit.Booked.class);
      assertThat(bucket.release("b")).isTrue();
    }
  }

  @Test
  void a_cluster_grants_the_limit_and_not_one_more() {
    try (LocalRedisCluster cluster = LocalRedisCluster.start();
        RedisClusterClient client =
            RedisClusterClient.create(
                Set.of(address(cluster.nodes().get(0)), address(cluster.nodes().get(1))))) {
      assertThat(grants(bucket(client), "a", 30)).isEqualTo(10);
    }
  }

  @Test
  void behind_a_sentinel_the_replica_that_takes_over_is_closed_for_a_window() {
    try (LocalRedis master = LocalRedis.start();
        LocalRedis replica = LocalRedis.startReplicaOf(master.address());
        LocalSentinel sentinel = LocalSentinel.start("limits", master.address())) {
      assertThat(sentinel.awaitReplica(replica.address(), Duration.ofSeconds(20))).isTrue();
      try (RedisSentinelClient client =
          RedisSentinelClient.builder()
              .masterName("limits")
              .sentinels(Set.of(address(sentinel.address())))
              .build()) {
        RedisTokenBucket bucket = bucket(client);
        assertThat(grants(bucket, "a", 5)).isEqualTo(5);
        master.kill9();
        assertThat(sentinel.awaitMaster(replica.address(), Duration.ofSeconds(20))).isTrue();
        Permit first = null;
        for (int i = 0; first == null; i++) { // each pooled connection finds out for itself
          first = ask(bucket, "b" + i);
        }
        assertThat(first).isInstanceOf(Permit.Refused.class);
        assertThat(grants(bucket, "c", 12)).isZero();
      }
    }
  }

  private static Permit ask(RedisTokenBucket bucket, String id) {
    try {
      return bucket.tryAcquire(PermitRequest.of(id));
    } catch (TokenBucketException e) {
      return null;
    }
  }

  @Test
  void tls_is_verified_and_a_certificate_nobody_vouches_for_is_refused() throws Exception {
    try (LocalRedis redis = LocalRedis.start();
        TlsProxy tls = TlsProxy.to(redis.address())) {
      URI uri = URI.create("rediss://127.0.0.1:" + tls.port());
      try (RedisClient stranger = RedisClients.create(uri, Optional::empty)) {
        assertThatThrownBy(() -> bucket(stranger).tryAcquire(PermitRequest.of("a")))
            .isInstanceOf(TokenBucketException.class)
            .hasRootCauseMessage("unable to find valid certification path to requested target");
      }
      try (RedisClient trusting =
          RedisClient.builder()
              .hostAndPort(RedisClients.address(uri))
              .clientConfig(
                  RedisClients.config(uri, Optional::empty).sslOptions(trusting(tls)).build())
              .build()) {
        assertThat(grants(bucket(trusting), "a", 12)).isEqualTo(10);
      }
    }
  }

  private static SslOptions trusting(TlsProxy tls) {
    return SslOptions.builder()
        .sslVerifyMode(SslVerifyMode.FULL)
        .trustStoreType("PKCS12")
        .truststore(tls.trustStore().toFile(), tls.trustStorePassword().toCharArray())
        .build();
  }

  @Test
  void a_rotated_password_is_taken_over_without_a_restart() {
    try (LocalRedis redis = LocalRedis.start("--requirepass", "first")) {
      AtomicReference<String> secret = new AtomicReference<>("first");
      try (RedisClient operator = RedisClients.create(redis.uri(), () -> Optional.of("first"));
          RedisClient client = RedisClients.create(redis.uri(), () -> Optional.of(secret.get()))) {
        RedisTokenBucket bucket = bucket(client);
        assertThat(grants(bucket, "a", 2)).isEqualTo(2);
        operator.configSet("requirepass", "second");
        secret.set("second");
        client.getPool().clear(); // every connection from here on is a new one
        assertThat(grants(bucket, "b", 2)).isEqualTo(2);
        secret.set("wrong");
        client.getPool().clear();
        assertThatThrownBy(() -> bucket.tryAcquire(PermitRequest.of("c")))
            .isInstanceOf(TokenBucketException.class)
            .satisfies(
                e -> assertThat(e.toString()).doesNotContain("second").doesNotContain("wrong"));
      }
    }
  }

  @Test
  void an_address_that_is_none_of_redis_is_refused_by_name() {
    assertThatThrownBy(
            () -> RedisClients.create(URI.create("http://user:secret@x:1"), Optional::empty))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("http")
        .hasMessageNotContaining("secret");
  }

  private static HostAndPort address(InetSocketAddress address) {
    return new HostAndPort(address.getHostString(), address.getPort());
  }
}
