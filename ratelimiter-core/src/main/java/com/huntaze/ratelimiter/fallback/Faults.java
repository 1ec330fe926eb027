package com.huntaze.ratelimiter.fallback;

import org.jspecify.annotations.Nullable;

/**
 * Does what must be done at the store one after the other, and keeps the first fault until all is
 * done. A store that failed twice is asked for nothing more that can wait for its lease.
 */
final class Faults {
  private static final int ENOUGH = 2;

  private @Nullable Throwable first;
  private int count;

  /** Does it; false if that failed, or was not tried any more. */
  boolean attempt(Runnable action) {
    if (count >= ENOUGH) {
      return false;
    }
    try {
      action.run();
      return true;
    } catch (RuntimeException | Error e) {
      first = first == null ? e : first;
      count++;
      return false;
    }
  }

  /** Throws the first fault, if there was one. */
  void rethrow() {
    if (first instanceof Error error) {
      throw error;
    }
    if (first instanceof RuntimeException fault) {
      throw fault;
    }
  }
}
