package com.huntaze.ratelimiter.testkit;

import java.net.InetSocketAddress;
import java.net.URI;

/**
 * A Redis 7 on this machine: a child process, or a container.
 *
 * <p>It keeps nothing on disk and asks for no password. Tests that share one use keys of their own,
 * or databases of their own; a test that kills it starts one of its own.
 *
 * <p>Thread-safe, though two threads that kill and restart it at once take turns.
 */
public final class LocalRedis implements LocalService {
  private static final LocalRedis SHARED = new LocalRedis(true);

  private final OnDemand<RedisServer> server;

  private LocalRedis(boolean again) {
    this.server =
        new OnDemand<>(
            "local Redis",
            again,
            () -> Docker.isChosen() ? RedisContainer.start() : RedisProcess.start());
  }

  /**
   * {@return a server of one's own, running}
   *
   * @throws IllegalStateException if it does not start
   */
  public static LocalRedis start() {
    LocalRedis redis = new LocalRedis(false);
    redis.server.get();
    return redis;
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
   * Starts another server process at the same port, without a single key; kills the running one
   * first. Its run id is a new one. Returns when it answers.
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

  @Override
  public void close() {
    server.close();
  }
}
