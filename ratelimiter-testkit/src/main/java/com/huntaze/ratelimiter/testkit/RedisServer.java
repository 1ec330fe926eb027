package com.huntaze.ratelimiter.testkit;

import java.net.InetSocketAddress;

/** A running Redis, which can be killed and started again at the same address. */
interface RedisServer extends AutoCloseable {
  InetSocketAddress address();

  /** Ends it without a chance to say goodbye; does nothing if it is dead. */
  void kill() throws Exception;

  /** Starts it again, empty. It must be dead. */
  void revive() throws Exception;

  @Override
  void close();
}
