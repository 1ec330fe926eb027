package com.huntaze.ratelimiter.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog.Begin;
import com.huntaze.ratelimiter.delivery.SentLog.Claim;
import com.huntaze.ratelimiter.delivery.SentLogException;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.LocalRedisCluster;
import com.huntaze.ratelimiter.testkit.TcpProxy;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisClusterClient;

/** What the contract cannot show: keys and their time, and a Redis that is not as it was. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RedisSentLogTest {
  @RegisterExtension static final LocalRedis REDIS = LocalRedis.shared();

  private static final Duration LEASE = Duration.ofMinutes(1);

  private final RedisClient jedis = RedisClient.create(REDIS.uri());
  private final String namespace = UUID.randomUUID().toString();
  private final String prefix = "sent_log:{" + namespace + "}:";

  private RedisSentLog log() {
    return RedisSentLog.builder(jedis).namespace(namespace).build();
  }

  private static Begin begin(RedisSentLog log, String id) {
    return log.begin(new Claim(id, 0, "holder"), LEASE, InDoubtPolicy.HOLD);
  }

  @AfterEach
  void close() {
    jedis.close();
  }

  @Test
  void each_message_has_a_key_that_expires_after_the_retention() {
    RedisSentLog log = log();
    begin(log, "begun");
    log.sent("sent");
    RedisSentLog shorter =
        RedisSentLog.builder(jedis).namespace(namespace).retention(Duration.ofDays(14)).build();
    begin(shorter, "brief");

    assertThat(jedis.keys(prefix + "*"))
        .containsExactlyInAnyOrder(prefix + "begun", prefix + "sent", prefix + "brief");
    assertThat(List.of("begun", "sent"))
        .allSatisfy(id -> assertThat(remaining(id)).isBetween(days(29), days(30)));
    assertThat(remaining("brief")).isBetween(days(13), days(14));

    log.sent("brief");
    assertThat(remaining("brief")).as("counted anew").isBetween(days(29), days(30));
  }

  private Duration remaining(String id) {
    return Duration.ofMillis(jedis.pttl(prefix + id));
  }

  private static Duration days(int days) {
    return Duration.ofDays(days);
  }

  @Test
  void settings_out_of_range_are_refused() {
    RedisSentLog.Builder builder = RedisSentLog.builder(jedis);

    assertThatThrownBy(() -> builder.retention(days(14).minusMillis(1)))
        .hasMessage("retention must be 14 to 36,500 days, was PT335H59M59.999S");
    assertThatThrownBy(() -> builder.retention(days(36_501))).hasMessageContaining("36,500");
    assertThatThrownBy(() -> builder.namespace("a}b")).hasMessageContaining("'a}b'");
  }

  @Test
  void a_server_that_lost_the_scripts_is_given_them_again() {
    RedisSentLog log = log();
    begin(log, "a");
    jedis.scriptFlush();
    assertThat(begin(log, "a")).isEqualTo(Begin.IN_PROGRESS);
    jedis.scriptFlush();
    log.notSent(new Claim("a", 0, "holder"));
    assertThat(begin(log, "a")).isEqualTo(Begin.STARTED);
  }

  @Test
  void a_foreign_value_is_named_and_left_alone() {
    RedisSentLog log = log();
    jedis.set(prefix + "a", "hello");
    jedis.rpush(prefix + "b", "hello");

    for (String id : List.of("a", "b")) {
      assertThatThrownBy(() -> begin(log, id))
          .isInstanceOf(SentLogException.class)
          .hasMessageContaining("foreign value under " + prefix + id);
    }
    assertThat(jedis.get(prefix + "a")).isEqualTo("hello");
    assertThat(jedis.lrange(prefix + "b", 0, -1)).containsExactly("hello");
  }

  @Test
  void a_redis_that_came_back_empty_knows_nothing_of_what_was_sent() {
    try (LocalRedis own = LocalRedis.start();
        RedisClient client = RedisClient.create(own.uri())) {
      RedisSentLog log = RedisSentLog.builder(client).build();
      log.sent("a");
      assertThat(begin(log, "a")).isEqualTo(Begin.ALREADY_SENT);
      own.kill9();
      assertThatThrownBy(() -> begin(log, "a"))
          .isInstanceOf(SentLogException.class)
          .hasMessage("Redis could not begin message a");
      own.restartEmpty();

      assertThat(begin(log, "a")).as("the weaker promise").isEqualTo(Begin.STARTED);
    }
  }

  @Test
  void a_begin_whose_answer_was_lost_is_somebodys_all_the_same() throws Exception {
    try (TcpProxy proxy = TcpProxy.to(REDIS.address());
        RedisClient cut =
            RedisClients.create(URI.create("redis://127.0.0.1:" + proxy.port()), Optional::empty)) {
      RedisSentLog log = RedisSentLog.builder(cut).namespace(namespace).build();
      log.sent("connected");
      proxy.stallAnswers();
      assertThatThrownBy(() -> begin(log, "a")).isInstanceOf(SentLogException.class);
      proxy.cut();
      proxy.restore();

      assertThat(begin(log, "a")).isEqualTo(Begin.IN_PROGRESS);
      log.notSent(new Claim("a", 0, "holder"));
      assertThat(begin(log(), "a")).isEqualTo(Begin.STARTED);
    }
  }

  @Test
  void a_cluster_is_asked_wherever_a_message_is_and_a_moved_slot_is_followed() {
    try (LocalRedisCluster cluster = LocalRedisCluster.start();
        RedisClusterClient client =
            RedisClusterClient.create(
                cluster.nodes().stream()
                    .map(node -> new HostAndPort(node.getHostString(), node.getPort()))
                    .collect(Collectors.toSet()))) {
      RedisSentLog log = RedisSentLog.builder(client).build();
      begin(log, "{odd}a");
      log.sent("b");
      cluster.moveSlotOf("sent_log:{onlyfans}:b");

      assertThat(begin(log, "{odd}a")).isEqualTo(Begin.IN_PROGRESS);
      assertThat(begin(log, "b")).isEqualTo(Begin.ALREADY_SENT);
      assertThat(begin(log, "c")).isEqualTo(Begin.STARTED);
    }
  }
}
