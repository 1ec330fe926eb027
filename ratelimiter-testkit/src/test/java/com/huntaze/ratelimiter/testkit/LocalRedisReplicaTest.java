package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class LocalRedisReplicaTest {
  private static final Duration LONG = Duration.ofSeconds(20);

  private static LocalRedis master;

  @BeforeAll
  static void start() {
    master = LocalRedis.start();
  }

  @AfterAll
  static void stop() {
    master.close();
  }

  @BeforeEach
  void empty() throws IOException {
    RedisCall.ask(master.address(), "FLUSHALL");
    set("early");
  }

  @Test
  void a_replica_has_what_was_written_before_and_after_it_came() throws Exception {
    try (LocalRedis replica = LocalRedis.startReplicaOf(master.address())) {
      assertThat(has(replica, "early")).isTrue();

      set("late");

      assertThat(Await.until(LONG, () -> has(replica, "late"))).isTrue();
      assertThatThrownBy(() -> RedisCall.ask(replica.address(), "SET", "own", "1"))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("READONLY");
    }
  }

  @Test
  void a_promoted_replica_takes_writes_and_lacks_what_the_proxy_held_back() throws Exception {
    try (TcpProxy link = TcpProxy.to(master.address());
        LocalRedis replica = LocalRedis.startReplicaOf(link.address())) {
      link.stall();
      set("lost");
      master.freeze();
      try {
        replica.promote();
        replica.promote();
        link.restore();

        assertThat(RedisCall.ask(replica.address(), "SET", "own", "1")).containsExactly("OK");
        assertThat(has(replica, "early")).isTrue();
        assertThat(has(replica, "lost")).isFalse();
      } finally {
        master.thaw();
      }
      assertThat(has(master, "lost")).isTrue();
    }
  }

  @Test
  void a_replica_that_was_cut_off_catches_up_when_the_link_is_back() throws Exception {
    try (TcpProxy link = TcpProxy.to(master.address());
        LocalRedis replica = LocalRedis.startReplicaOf(link.address())) {
      link.cut();
      set("late");
      assertThat(has(replica, "late")).isFalse();

      link.restore();

      assertThat(Await.until(LONG, () -> has(replica, "late"))).isTrue();
    }
  }

  @Test
  void a_replica_that_is_restarted_copies_its_master_anew() throws Exception {
    try (LocalRedis replica = LocalRedis.startReplicaOf(master.address())) {
      replica.promote();
      RedisCall.ask(replica.address(), "SET", "own", "1");

      replica.restartEmpty();

      assertThat(Await.until(LONG, () -> has(replica, "early"))).isTrue();
      assertThat(has(replica, "own")).isFalse();
    }
  }

  @Test
  void passwords_do_not_stand_between_a_replica_and_its_master() throws Exception {
    try (LocalRedis guarded = LocalRedis.start("--requirepass", "a");
        LocalRedis replica =
            LocalRedis.startReplicaOf(
                guarded.address(), "--masterauth", "a", "--requirepass", "b")) {
      replica.promote();

      assertThat(RedisCall.ask(replica.address(), "b", List.of("SET", "own", "1")))
          .containsExactly("OK");
    }
  }

  private static void set(String key) throws IOException {
    RedisCall.ask(master.address(), "SET", key, "1");
  }

  private static boolean has(LocalRedis redis, String key) throws IOException {
    return !RedisCall.ask(redis.address(), "GET", key).isEmpty();
  }
}
