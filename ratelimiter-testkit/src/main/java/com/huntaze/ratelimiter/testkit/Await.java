package com.huntaze.ratelimiter.testkit;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Asks again and again until something is so, with an end to it. Thread-safe. */
final class Await {
  private static final Duration PAUSE = Duration.ofMillis(10);

  private Await() {}

  /**
   * Whether it came to hold within that time; it is asked once at least. A question that fails is
   * one that does not hold yet. An interrupted thread waits no longer.
   */
  static boolean until(Duration within, Condition condition) {
    long start = System.nanoTime();
    while (!holds(condition)) {
      if (Thread.currentThread().isInterrupted() || System.nanoTime() - start > within.toNanos()) {
        return false;
      }
      LockSupport.parkNanos(PAUSE.toNanos());
    }
    return true;
  }

  private static boolean holds(Condition condition) {
    try {
      return condition.holds();
    } catch (IOException e) {
      return false;
    }
  }

  /** What is waited for. */
  interface Condition {
    boolean holds() throws IOException;
  }
}
