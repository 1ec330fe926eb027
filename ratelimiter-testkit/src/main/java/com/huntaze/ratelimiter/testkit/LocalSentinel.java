package com.huntaze.ratelimiter.testkit;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A Redis Sentinel on this machine, a child process on 127.0.0.1, that watches one master and
 * decides alone: it takes a master for dead that has not answered for 500 ms, and promotes a
 * replica some seconds later.
 *
 * <p>It knows a master by the address it was given, and has replicas follow that very address:
 * where they reach their master through a {@link TcpProxy}, name the proxy here too. It asks for no
 * password and gives none. A JVM that ends without closing it stops it in a shutdown hook.
 *
 * <p>Thread-safe.
 */
public final class LocalSentinel implements AutoCloseable {
  private final String name;
  private final OnDemand<RedisProcess> sentinel;

  private LocalSentinel(String name, InetSocketAddress master) {
    this.name = name;
    this.sentinel =
        new OnDemand<>(
            "local Sentinel",
            false,
            () ->
                RedisProcess.start(
                    (address, directory) -> arguments(name, master, address, directory)));
  }

  /**
   * {@return a running Sentinel}
   *
   * @param name what clients ask for the master by: letters, digits, dot, dash and underscore
   * @param master the server to watch; its replicas are found by asking it
   * @throws IllegalArgumentException if the name has other characters or none
   * @throws IllegalStateException if it does not start
   */
  public static LocalSentinel start(String name, InetSocketAddress master) {
    if (!name.matches("[A-Za-z0-9._-]+")) {
      throw new IllegalArgumentException(
          "name is \"" + name + "\"; letters, digits, dot, dash and underscore are allowed");
    }
    LocalSentinel sentinel = new LocalSentinel(name, master);
    sentinel.sentinel.get();
    return sentinel;
  }

  /** {@return where the Sentinel listens} */
  public InetSocketAddress address() {
    return sentinel.get().address();
  }

  /** {@return the Sentinel's own URI, {@code redis://127.0.0.1:port}} */
  public URI uri() {
    InetSocketAddress address = address();
    return URI.create("redis://" + address.getHostString() + ":" + address.getPort());
  }

  /**
   * Waits until the Sentinel names a server as the master.
   *
   * @param expected the server's address
   * @param within how long to wait at most
   * @return whether it came to be the master in that time; false too if the thread was interrupted
   */
  public boolean awaitMaster(InetSocketAddress expected, Duration within) {
    InetSocketAddress address = address();
    List<String> wanted = List.of(host(expected), Integer.toString(expected.getPort()));
    return Await.until(
        within,
        () -> RedisCall.ask(address, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", name).equals(wanted));
  }

  /**
   * Waits until the Sentinel knows a replica that it can promote. A test waits for this before it
   * takes the master away: a replica that comes later than the Sentinel is found in 10 s.
   *
   * @param expected the replica's address
   * @param within how long to wait at most
   * @return whether it was known in that time; false too if the thread was interrupted
   */
  public boolean awaitReplica(InetSocketAddress expected, Duration within) {
    InetSocketAddress address = address();
    String wanted = host(expected) + ":" + expected.getPort();
    return Await.until(
        within, () -> isLinked(wanted, RedisCall.ask(address, "SENTINEL", "REPLICAS", name)));
  }

  /** Stops the Sentinel and deletes what it wrote to disk. Closing again does nothing. */
  @Override
  public void close() {
    sentinel.close();
  }

  /** The fields of all replicas, name and value by turns; each replica's begin with its name. */
  private static boolean isLinked(String replica, List<String> fields) {
    String current = "";
    for (int i = 0; i + 1 < fields.size(); i += 2) {
      String value = fields.get(i + 1);
      switch (fields.get(i)) {
        case "name" -> current = value;
        case "master-link-status" -> {
          if (current.equals(replica) && value.equals("ok")) {
            return true;
          }
        }
        default -> {}
      }
    }
    return false;
  }

  /** Sentinel is configured by a file alone, which it writes its findings to as well. */
  private static List<String> arguments(
      String name, InetSocketAddress master, InetSocketAddress address, Path directory)
      throws IOException {
    Path file = directory.resolve("sentinel.conf");
    Files.write(
        file,
        List.of(
            "bind " + host(address),
            "port " + address.getPort(),
            "sentinel monitor " + name + " " + host(master) + " " + master.getPort() + " 1",
            "sentinel down-after-milliseconds " + name + " 500",
            "sentinel failover-timeout " + name + " 3000"));
    return List.of(file.toString(), "--sentinel");
  }

  /** As a number, for Sentinel looks no name up. */
  private static String host(InetSocketAddress address) {
    return address.isUnresolved() ? address.getHostString() : address.getAddress().getHostAddress();
  }
}
