package com.huntaze.ratelimiter.testkit;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * A server that starts when it is first asked for and stops once, by {@link #close()} or as the JVM
 * ends. Thread-safe.
 *
 * @param <T> the running server
 */
final class OnDemand<T extends AutoCloseable> implements AutoCloseable {
  private final String name;
  private final Callable<T> start;
  private final boolean again;
  private @Nullable T running;
  private @Nullable Thread hook;
  private boolean closed;

  /**
   * Nothing is started yet.
   *
   * @param again whether it starts anew when it is asked for after it was closed
   */
  OnDemand(String name, boolean again, Callable<T> start) {
    this.name = name;
    this.again = again;
    this.start = start;
  }

  synchronized T get() {
    T server = running;
    if (server != null) {
      return server;
    }
    if (closed && !again) {
      throw new IllegalStateException(name + " is closed");
    }
    try {
      server = start.call();
    } catch (Exception e) {
      throw new IllegalStateException(name + " did not start", e);
    }
    running = server;
    hook = new Thread(this::close, "stop-" + name);
    Runtime.getRuntime().addShutdownHook(hook);
    return server;
  }

  @Override
  public synchronized void close() {
    closed = true;
    T server = running;
    if (server == null) {
      return;
    }
    running = null;
    removeHook();
    try {
      server.close();
    } catch (Exception e) {
      throw new IllegalStateException(name + " did not stop", e);
    }
  }

  private void removeHook() {
    Thread added = hook;
    if (added == null || added == Thread.currentThread()) {
      return;
    }
    try {
      Runtime.getRuntime().removeShutdownHook(added);
    } catch (IllegalStateException e) {
      // The JVM is ending: the hook runs, or has run, and finds nothing left to stop.
    }
  }
}
