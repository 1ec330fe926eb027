package com.huntaze.ratelimiter.testkit;

/** Lets threads pass, or keeps them waiting. Thread-safe. */
final class Valve {
  private boolean open = true;

  synchronized void set(boolean newOpen) {
    open = newOpen;
    notifyAll();
  }

  synchronized void pass() throws InterruptedException {
    while (!open) {
      wait();
    }
  }
}
