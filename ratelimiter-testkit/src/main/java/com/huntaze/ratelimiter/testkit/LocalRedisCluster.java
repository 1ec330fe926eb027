package com.huntaze.ratelimiter.testkit;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * A Redis 7 Cluster on this machine: three masters that share all slots, without replicas, each a
 * child process on 127.0.0.1.
 *
 * <p>It asks for no password, takes some 3 s to start and deletes what its nodes wrote to disk as
 * it is closed. A node that dies takes its slots with it, and the whole cluster refuses to serve. A
 * JVM that ends without closing it stops it in a shutdown hook.
 *
 * <p>Thread-safe: moves take turns.
 */
public final class LocalRedisCluster implements AutoCloseable {
  static final int SLOTS = 16_384;

  private final OnDemand<ClusterNodes> cluster =
      new OnDemand<>("local Redis cluster", false, ClusterNodes::start);

  private LocalRedisCluster() {}

  /**
   * {@return a running cluster, in which every node knows every slot's owner}
   *
   * @throws IllegalStateException if it does not start, or has not come together in 30 s
   */
  public static LocalRedisCluster start() {
    LocalRedisCluster cluster = new LocalRedisCluster();
    cluster.cluster.get();
    return cluster;
  }

  /** {@return where the three masters listen; always in the same order} */
  public List<InetSocketAddress> nodes() {
    return cluster.get().all().stream().map(ClusterNode::address).toList();
  }

  /**
   * {@return the master that has a key's slot}
   *
   * @param key any key, whether it exists or not
   * @throws IllegalStateException if the cluster does not say
   */
  public synchronized InetSocketAddress nodeOf(String key) {
    try {
      return cluster.get().ownerOf(slotOf(key)).address();
    } catch (IOException e) {
      throw new IllegalStateException("the cluster does not say who has the slot", e);
    }
  }

  /**
   * Moves the slot of a key, with all keys in it, to another master, as a resharding does: clients
   * that knew the old place meet ASK on the way and MOVED from then on. Returns once every node
   * knows the new place.
   *
   * @param key any key, whether it exists or not
   * @return the master that has the slot now
   * @throws IllegalStateException if the slot could not be moved, or not everybody knows in 30 s
   */
  public synchronized InetSocketAddress moveSlotOf(String key) {
    try {
      return cluster.get().move(slotOf(key)).address();
    } catch (IOException e) {
      throw new IllegalStateException("the slot could not be moved", e);
    }
  }

  /** Stops every node and deletes what they wrote to disk. Closing again does nothing. */
  @Override
  public void close() {
    cluster.close();
  }

  private int slotOf(String key) throws IOException {
    ClusterNode any = cluster.get().all().get(0);
    return Integer.parseInt(any.ask("CLUSTER", "KEYSLOT", RedisCall.bytesOf(key)).get(0));
  }
}
