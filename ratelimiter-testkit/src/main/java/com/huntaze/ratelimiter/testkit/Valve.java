package com.huntaze.ratelimiter.testkit;

import java.util.concurrent.atomic.AtomicInteger;

/** Lets threads pass, or keeps them waiting. Thread-safe. */
final class Valve {
  private boolean open = true;

  synchronized void set(boolean newOpen) {
    open = newOpen;
    notifyAll();
  }

  /**
   * Waits until it is open.
   *
   * @param waiting counts who waits
   */
  synchronized void pass(AtomicInteger waiting) throws InterruptedException {
    if (open) {
      return;
    }
    waiting.incrementAndGet();
    try {
      while (!open) {
        wait();
      }
    } finally {
      waiting.decrementAndGet();
    }
  }
}
