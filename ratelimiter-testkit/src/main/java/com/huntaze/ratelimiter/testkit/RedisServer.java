package com.huntaze.ratelimiter.testkit;

import java.net.InetSocketAddress;
import java.util.List;

/** A running Redis, which can be killed and started again at the same address. */
interface RedisServer extends AutoCloseable {
  /** Nothing of use goes to disk, and a replica gets its copy at once. */
  List<String> DEFAULTS =
      List.of(
          "--save",
          "",
          "--appendonly",
          "no",
          "--repl-diskless-sync-delay",
          "0",
          "--repl-diskless-load",
          "swapdb");

  InetSocketAddress address();

  /** Ends it without a chance to say goodbye; does nothing if it is dead. */
  void kill() throws Exception;

  /** Starts it again, empty. It must be dead. */
  void revive() throws Exception;

  /** Takes it off the processor; its connections stay open. It must be alive. */
  void freeze() throws Exception;

  /** Lets it run on; does nothing if it is not frozen. */
  void thaw() throws Exception;

  @Override
  void close();
}
