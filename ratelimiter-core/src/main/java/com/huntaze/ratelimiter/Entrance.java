package com.huntaze.ratelimiter;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * Lets calls in while the client is open, and waits for those inside when it closes. Thread-safe.
 */
final class Entrance {
  /** Held for reading by every call inside. */
  private final ReentrantReadWriteLock inside = new ReentrantReadWriteLock();

  private volatile boolean closed;

  /**
   * Does work that closing waits for.
   *
   * @throws IllegalStateException if the client is closed
   */
  <T> T whileOpen(Supplier<T> work) {
    refuseIfClosed(); // or it would wait for the close
    inside.readLock().lock();
    try {
      refuseIfClosed();
      return work.get();
    } finally {
      inside.readLock().unlock();
    }
  }

  private void refuseIfClosed() {
    if (closed) {
      throw new IllegalStateException("the client is closed");
    }
  }

  /** Lets nobody in any more, and waits for those inside, at most until the deadline. */
  void close(Duration deadline) {
    closed = true;
    try {
      if (inside.writeLock().tryLock(deadline.toNanos(), TimeUnit.NANOSECONDS)) {
        inside.writeLock().unlock();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
