package com.huntaze.ratelimiter.testkit;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * A Redis 7 on this machine: a child process, or a container.
 *
 * <p>It keeps nothing on disk and asks for no password, unless its options say so. Tests that share
 * one use keys of their own, or databases of their own; a test that kills it starts one of its own.
 *
 * <p>Thread-safe, though two threads that kill and restart it at once take turns.
 */
public final class LocalRedis implements LocalService {
  private static final Duration LINK_DEADLINE = Duration.ofSeconds(20);
  private static final LocalRedis SHARED = new LocalRedis(true, List.of(), () -> launch(List.of()));

  private final OnDemand<RedisServer> server;
  private final String password;

  private LocalRedis(boolean again, List<String> options, Callable<RedisServer> start) {
    this.server = new OnDemand<>("local Redis", again, start);
    this.password = passwordIn(options);
  }

  /**
   * {@return a server of one's own, running}
   *
   * @throws IllegalStateException if it does not start
   */
  public static LocalRedis start() {
    return start(new String[0]);
  }

  /**
   * {@return a server of one's own, running, with further options}
   *
   * @param options of the redis-server command line, such as {@code "--requirepass", "secret"}; its
   *     address and port are not among them. With a password, {@link #uri()} does not name it
   * @throws IllegalStateException if it does not start, as with an option that it does not know
   */
  public static LocalRedis start(String... options) {
    List<String> all = List.of(options);
    return started(new LocalRedis(false, all, () -> launch(all)));
  }

  /**
   * {@return a server of one's own that copies another one, and has caught up with it}
   *
   * <p>With a {@link TcpProxy} between the two, a test makes it lag: {@link TcpProxy#stall()} holds
   * the master's writes back, {@link TcpProxy#cut()} breaks the link. It refuses writes until
   * {@link #promote()}. {@link #restartEmpty()} makes it a replica again, which copies its master
   * anew. It is a child process, even where other servers are containers.
   *
   * @param master the server to copy, or what stands in front of it
   * @param options of the redis-server command line; a master with a password needs {@code
   *     "--masterauth", "secret"}
   * @throws IllegalStateException if it does not start, or is not linked to its master in 20 s
   */
  public static LocalRedis startReplicaOf(InetSocketAddress master, String... options) {
    List<String> all = new ArrayList<>(List.of(options));
    all.addAll(List.of("--replicaof", master.getHostString(), "" + master.getPort()));
    return started(new LocalRedis(false, all, () -> replica(all)));
  }

  /** {@return the server that all tests of this JVM share; it starts at first use} */
  public static LocalRedis shared() {
    return SHARED;
  }

  /** {@return the server's URI, {@code redis://127.0.0.1:port}} */
  public URI uri() {
    InetSocketAddress address = address();
    return URI.create("redis://" + address.getHostString() + ":" + address.getPort());
  }

  /** {@return the server's port; it stays the same when the server is killed and restarted} */
  public int port() {
    return address().getPort();
  }

  @Override
  public InetSocketAddress address() {
    return server.get().address();
  }

  /**
   * Kills the server as {@code kill -9} does: connections break, and what it knew is gone. Nothing
   * answers at its port until {@link #restartEmpty()}. Does nothing to a server that is dead.
   *
   * @throws IllegalStateException if it cannot be killed
   */
  public synchronized void kill9() {
    RedisServer redis = server.get();
    try {
      redis.kill();
    } catch (Exception e) {
      throw new IllegalStateException("Redis could not be killed", e);
    }
  }

  /**
   * Starts another server process at the same port, without a single key and with the same options;
   * kills the running one first. Its run id is a new one. Returns when it answers.
   *
   * @throws IllegalStateException if it does not start
   */
  public synchronized void restartEmpty() {
    kill9();
    try {
      server.get().revive();
    } catch (Exception e) {
      throw new IllegalStateException("Redis did not start again", e);
    }
  }

  /**
   * Makes a replica a master of its own, which takes writes: {@code REPLICAOF NO ONE}. It keeps
   * what it has copied so far. Does nothing to a master.
   *
   * @throws IllegalStateException if it is dead, frozen, or refuses
   */
  public synchronized void promote() {
    try {
      RedisCall.ask(address(), password, List.of("REPLICAOF", "NO", "ONE"));
    } catch (IOException e) {
      throw new IllegalStateException("Redis was not promoted", e);
    }
  }

  /**
   * Stops the server in its tracks, as {@code kill -STOP} does: connections stay open and new ones
   * are taken, but nobody gets an answer until {@link #thaw()}. Then it does all that it was asked
   * in the meantime. Needs a Unix where it is a child process.
   *
   * @throws IllegalStateException if it is dead or cannot be frozen
   */
  public synchronized void freeze() {
    RedisServer redis = server.get();
    try {
      redis.freeze();
    } catch (Exception e) {
      throw new IllegalStateException("Redis could not be frozen", e);
    }
  }

  /**
   * Lets a frozen server run on; does nothing to one that is not frozen. Killing it and closing it
   * end a freeze too.
   *
   * @throws IllegalStateException if it stays frozen
   */
  public synchronized void thaw() {
    RedisServer redis = server.get();
    try {
      redis.thaw();
    } catch (Exception e) {
      throw new IllegalStateException("Redis could not be thawed", e);
    }
  }

  @Override
  public void close() {
    server.close();
  }

  private static LocalRedis started(LocalRedis redis) {
    redis.server.get();
    return redis;
  }

  private static RedisServer launch(List<String> options) throws IOException {
    return Docker.isChosen() ? RedisContainer.start(options) : RedisProcess.start(options);
  }

  private static RedisServer replica(List<String> options) throws IOException {
    RedisServer replica = RedisProcess.start(options);
    String password = passwordIn(options);
    List<String> question = List.of("INFO", "replication");
    boolean linked =
        Await.until(
            LINK_DEADLINE,
            () ->
                RedisCall.ask(replica.address(), password, question)
                    .get(0)
                    .contains("master_link_status:up"));
    if (!linked) {
      replica.close();
      throw new IOException("Redis is not linked to its master after " + LINK_DEADLINE);
    }
    return replica;
  }

  private static String passwordIn(List<String> options) {
    int at = options.lastIndexOf("--requirepass") + 1;
    return at > 0 && at < options.size() ? options.get(at) : "";
  }
}
