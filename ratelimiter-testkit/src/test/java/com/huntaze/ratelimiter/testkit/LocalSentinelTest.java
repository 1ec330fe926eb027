package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
@Tag("slow")
class LocalSentinelTest {
  private static final Duration SHORT = Duration.ofMillis(100);
  private static final Duration LONG = Duration.ofSeconds(30);

  @Test
  void a_killed_master_is_followed_by_its_replica() throws Exception {
    try (LocalRedis master = LocalRedis.start();
        LocalRedis replica = LocalRedis.startReplicaOf(master.address());
        LocalSentinel sentinel = LocalSentinel.start("main", master.address())) {
      assertThat(sentinel.awaitMaster(master.address(), LONG)).isTrue();
      assertThat(sentinel.awaitMaster(replica.address(), SHORT)).isFalse();
      assertThat(sentinel.awaitReplica(replica.address(), LONG)).isTrue();

      master.kill9();

      assertThat(sentinel.awaitMaster(replica.address(), LONG)).isTrue();
      assertThat(RedisCall.ask(replica.address(), "SET", "own", "1")).containsExactly("OK");
    }
  }

  @Test
  void a_frozen_master_that_is_reached_through_a_proxy_is_too() throws Exception {
    try (LocalRedis master = LocalRedis.start();
        TcpProxy front = TcpProxy.to(master.address());
        LocalRedis replica = LocalRedis.startReplicaOf(front.address());
        LocalSentinel sentinel = LocalSentinel.start("main", front.address())) {
      assertThat(sentinel.awaitMaster(front.address(), LONG)).isTrue();
      assertThat(sentinel.awaitReplica(replica.address(), LONG)).isTrue();

      master.freeze();

      assertThat(sentinel.awaitMaster(replica.address(), LONG)).isTrue();
    }
  }

  @Test
  void a_closed_sentinel_answers_nobody() {
    LocalSentinel sentinel = LocalSentinel.start("main", Loopback.at(1));
    InetSocketAddress address = sentinel.address();
    assertThat(sentinel.uri()).hasToString("redis://127.0.0.1:" + address.getPort());
    assertThat(sentinel.awaitReplica(Loopback.at(2), SHORT)).isFalse();

    sentinel.close();
    sentinel.close();

    assertThatThrownBy(() -> new Socket(address.getAddress(), address.getPort()))
        .isInstanceOf(ConnectException.class);
    assertThatThrownBy(sentinel::address)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("local Sentinel is closed");
  }

  @Test
  void a_name_that_would_be_more_than_a_name_is_refused() {
    assertThatThrownBy(() -> LocalSentinel.start("main 127.0.0.1", Loopback.at(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("name is \"main 127.0.0.1\"");
  }
}
