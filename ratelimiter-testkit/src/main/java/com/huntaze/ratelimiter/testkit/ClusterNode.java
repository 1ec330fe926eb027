package com.huntaze.ratelimiter.testkit;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/** One master of a {@link LocalRedisCluster}. Not thread-safe. */
final class ClusterNode implements AutoCloseable {
  private final RedisProcess process;
  private final String id;

  private ClusterNode(RedisProcess process) throws IOException {
    this.process = process;
    this.id = ask("CLUSTER", "MYID").get(0);
  }

  /** A node that knows no other and serves nothing yet. */
  static ClusterNode start() throws IOException {
    RedisProcess process =
        RedisProcess.start((address, directory) -> RedisProcess.server(options(), address));
    try {
      return new ClusterNode(process);
    } catch (IOException e) {
      process.close();
      throw e;
    }
  }

  /** The bus would be 10,000 above the port, which may be beyond the last port there is. */
  private static List<String> options() throws IOException {
    return List.of(
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        Integer.toString(Loopback.free().getPort()),
        "--cluster-announce-ip",
        "127.0.0.1");
  }

  InetSocketAddress address() {
    return process.address();
  }

  String id() {
    return id;
  }

  List<String> ask(String... command) throws IOException {
    return RedisCall.ask(address(), command);
  }

  void meet(ClusterNode other) throws IOException {
    ask(
        "CLUSTER",
        "MEET",
        other.address().getHostString(),
        Integer.toString(other.address().getPort()),
        other.ask("CONFIG", "GET", "cluster-port").get(1));
  }

  /** Whether it serves, and knows this many nodes and an owner of every slot. */
  boolean isSettled(int nodes) throws IOException {
    List<String> info = ask("CLUSTER", "INFO").get(0).lines().toList();
    return info.contains("cluster_state:ok")
        && info.contains("cluster_known_nodes:" + nodes)
        && info.contains("cluster_slots_ok:" + LocalRedisCluster.SLOTS);
  }

  /** The id of the node that owns a slot as far as this one knows; empty if it knows none. */
  String ownerOf(int slot) throws IOException {
    for (String line : ask("CLUSTER", "NODES").get(0).lines().toList()) {
      String[] fields = line.split(" ");
      for (int i = 8; i < fields.length; i++) {
        if (covers(fields[i], slot)) {
          return fields[0];
        }
      }
    }
    return "";
  }

  /** Gives a slot with all its keys to another node; fails half way if either does not answer. */
  void handOver(int slot, ClusterNode to) throws IOException {
    String number = Integer.toString(slot);
    to.ask("CLUSTER", "SETSLOT", number, "IMPORTING", id);
    ask("CLUSTER", "SETSLOT", number, "MIGRATING", to.id);
    List<String> keys = keysIn(number);
    while (!keys.isEmpty()) {
      List<String> migrate =
          new ArrayList<>(
              List.of(
                  "MIGRATE",
                  to.address().getHostString(),
                  Integer.toString(to.address().getPort()),
                  "",
                  "0",
                  "2000",
                  "KEYS"));
      migrate.addAll(keys);
      ask(migrate.toArray(String[]::new));
      keys = keysIn(number);
    }
    to.ask("CLUSTER", "SETSLOT", number, "NODE", to.id);
    ask("CLUSTER", "SETSLOT", number, "NODE", to.id);
  }

  @Override
  public void close() {
    process.close();
  }

  private List<String> keysIn(String slot) throws IOException {
    return ask("CLUSTER", "GETKEYSINSLOT", slot, "100");
  }

  /** A range is {@code 7} or {@code 0-5460}; {@code [93->-id]} is a slot on the move. */
  private static boolean covers(String range, int slot) {
    if (range.startsWith("[")) {
      return false;
    }
    String[] ends = range.split("-");
    return Integer.parseInt(ends[0]) <= slot && slot <= Integer.parseInt(ends[ends.length - 1]);
  }
}
