package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
@Tag("slow")
class LocalRedisClusterTest {
  private static LocalRedisCluster cluster;

  @BeforeAll
  static void start() {
    cluster = LocalRedisCluster.start();
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  void every_node_serves_its_own_keys_and_names_the_owner_of_others() throws Exception {
    assertThat(cluster.nodes()).hasSize(3).doesNotHaveDuplicates();
    for (String key : List.of("a", "b", "c", "ключ", "{tag}x")) {
      InetSocketAddress owner = cluster.nodeOf(key);
      String bytes = RedisCall.bytesOf(key);
      assertThat(RedisCall.ask(owner, "SET", bytes, "1")).containsExactly("OK");
      for (InetSocketAddress node : cluster.nodes()) {
        if (!node.equals(owner)) {
          assertThatThrownBy(() -> RedisCall.ask(node, "GET", bytes))
              .hasMessageContaining("MOVED")
              .hasMessageEndingWith(" 127.0.0.1:" + owner.getPort());
        }
      }
    }
  }

  @Test
  void a_moved_slot_takes_all_its_keys_along_and_its_old_place_answers_moved() throws Exception {
    InetSocketAddress before = cluster.nodeOf("{many}");
    for (int i = 0; i < 250; i++) {
      RedisCall.ask(before, "SET", RedisCall.bytesOf("{many}é" + i), "v" + i);
    }

    InetSocketAddress after = cluster.moveSlotOf("{many}anything");

    assertThat(after).isNotEqualTo(before).isEqualTo(cluster.nodeOf("{many}"));
    assertThat(RedisCall.ask(after, "GET", RedisCall.bytesOf("{many}é249")))
        .containsExactly("v249");
    assertThat(RedisCall.ask(after, "CLUSTER", "COUNTKEYSINSLOT", slot(after, "{many}")))
        .containsExactly("250");
    for (InetSocketAddress node : cluster.nodes()) {
      if (!node.equals(after)) {
        assertThatThrownBy(() -> RedisCall.ask(node, "GET", "{many}"))
            .hasMessageContaining("MOVED")
            .hasMessageEndingWith(" 127.0.0.1:" + after.getPort());
      }
    }
  }

  @Test
  void a_slot_can_move_all_the_way_round() throws Exception {
    InetSocketAddress first = cluster.nodeOf("round");
    RedisCall.ask(first, "SET", "round", "1", "EX", "1000");

    cluster.moveSlotOf("round");
    cluster.moveSlotOf("round");

    assertThat(cluster.moveSlotOf("round")).isEqualTo(first);
    assertThat(RedisCall.ask(first, "GET", "round")).containsExactly("1");
    assertThat(Integer.parseInt(RedisCall.ask(first, "TTL", "round").get(0))).isBetween(900, 1000);
  }

  @Test
  void a_closed_cluster_leaves_no_server_and_no_file() throws Exception {
    LocalRedisCluster own = LocalRedisCluster.start();
    InetSocketAddress node = own.nodes().get(0);
    Path directory = Path.of(RedisCall.ask(node, "CONFIG", "GET", "dir").get(1));
    assertThat(directory.resolve("nodes.conf")).exists();

    own.close();
    own.close();

    assertThat(Files.exists(directory)).isFalse();
    assertThatThrownBy(() -> new Socket(node.getAddress(), node.getPort()))
        .isInstanceOf(ConnectException.class);
    assertThatThrownBy(own::nodes)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("local Redis cluster is closed");
  }

  private static String slot(InetSocketAddress node, String key) throws IOException {
    return RedisCall.ask(node, "CLUSTER", "KEYSLOT", key).get(0);
  }
}
