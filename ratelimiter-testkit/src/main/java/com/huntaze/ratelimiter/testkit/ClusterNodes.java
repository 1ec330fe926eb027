package com.huntaze.ratelimiter.testkit;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The running nodes of a {@link LocalRedisCluster}. Not thread-safe. */
final class ClusterNodes implements AutoCloseable {
  private static final int COUNT = 3;
  private static final Duration DEADLINE = Duration.ofSeconds(30);

  private final List<ClusterNode> nodes;

  private ClusterNodes(List<ClusterNode> nodes) {
    this.nodes = nodes;
  }

  static ClusterNodes start() throws IOException {
    ClusterNodes cluster = new ClusterNodes(new ArrayList<>());
    try {
      for (int i = 0; i < COUNT; i++) {
        cluster.nodes.add(ClusterNode.start());
      }
      cluster.join();
      return cluster;
    } catch (IOException | RuntimeException e) {
      cluster.close();
      throw e;
    }
  }

  List<ClusterNode> all() {
    return List.copyOf(nodes);
  }

  /** The node that says it owns the slot itself. */
  ClusterNode ownerOf(int slot) throws IOException {
    for (ClusterNode node : nodes) {
      if (node.ownerOf(slot).equals(node.id())) {
        return node;
      }
    }
    throw new IOException("no node owns slot " + slot);
  }

  /** Moves it to the next node in turn, and waits until all nodes know. */
  ClusterNode move(int slot) throws IOException {
    ClusterNode from = ownerOf(slot);
    ClusterNode to = nodes.get((nodes.indexOf(from) + 1) % nodes.size());
    from.handOver(slot, to);
    await("the new owner of slot " + slot, node -> node.ownerOf(slot).equals(to.id()));
    await("a cluster that serves", node -> node.isSettled(COUNT));
    return to;
  }

  @Override
  public void close() {
    nodes.forEach(ClusterNode::close);
  }

  /**
   * Each node gets a third of the slots, and an epoch of its own so that none have to be agreed.
   */
  private void join() throws IOException {
    for (int i = 0; i < COUNT; i++) {
      ClusterNode node = nodes.get(i);
      int first = LocalRedisCluster.SLOTS * i / COUNT;
      int last = LocalRedisCluster.SLOTS * (i + 1) / COUNT - 1;
      node.ask("CLUSTER", "SET-CONFIG-EPOCH", Integer.toString(i + 1));
      node.ask("CLUSTER", "ADDSLOTSRANGE", Integer.toString(first), Integer.toString(last));
    }
    for (ClusterNode node : nodes.subList(1, COUNT)) {
      nodes.get(0).meet(node);
    }
    await("a cluster that serves", node -> node.isSettled(COUNT));
  }

  private void await(String what, Question question) throws IOException {
    for (ClusterNode node : nodes) {
      if (!Await.until(DEADLINE, () -> question.answeredBy(node))) {
        throw new IOException(what + " is not known at " + node.address() + " after " + DEADLINE);
      }
    }
  }

  /** What is asked of each node. */
  private interface Question {
    boolean answeredBy(ClusterNode node) throws IOException;
  }
}
