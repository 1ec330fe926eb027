package com.huntaze.ratelimiter.testkit;

import java.net.InetSocketAddress;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/**
 * A real server on this machine, for tests and examples: nothing to install, a free port of
 * 127.0.0.1, and nothing left behind.
 *
 * <p>In a JUnit test, register the one that all tests of the JVM share. It starts at first use and
 * stops at the end of the test run:
 *
 * <pre>{@code
 * @RegisterExtension static final LocalRedis redis = LocalRedis.shared();
 * }</pre>
 *
 * <p>Anywhere else, start one of your own and close it:
 *
 * <pre>{@code
 * try (LocalRedis redis = LocalRedis.start()) { ... }
 * }</pre>
 *
 * <p>The servers come as Maven dependencies and run as child processes or inside the JVM. With the
 * system property {@code ratelimiter.services=docker}, and a Docker that answers, they are
 * containers instead; without one they are the local servers, and one warning says so.
 *
 * <p>Thread-safe. A server that does not start is an {@link IllegalStateException} of the first
 * call that needs it. Closing is idempotent; a shared service that was closed starts anew, on
 * another port, when it is used again, and a service of one's own does not. A JVM that ends without
 * closing one stops it in a shutdown hook.
 */
public sealed interface LocalService extends BeforeAllCallback, AutoCloseable
    permits LocalMariaDb, LocalPostgres, LocalRedis, LocalSqs {

  /**
   * {@return where the server listens, such as for a {@link TcpProxy} in front of it; starts the
   * server if it has not been}
   */
  InetSocketAddress address();

  /** Stops the server and removes what it wrote to disk. */
  @Override
  void close();

  /**
   * Starts the server before the tests of a class, and has JUnit close it after the last test of
   * the run. JUnit calls this.
   *
   * @param context the class about to be tested
   */
  @Override
  default void beforeAll(ExtensionContext context) {
    address();
    context.getRoot().getStore(Namespace.create(LocalService.class)).put(this, this);
  }
}
