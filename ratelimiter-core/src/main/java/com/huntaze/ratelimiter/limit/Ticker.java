package com.huntaze.ratelimiter.limit;

/**
 * A source of monotonic time, for durations that must not follow the wall clock when it is set.
 *
 * <p>Called by everything in this library that waits or measures. Implementations are thread-safe.
 * The unit is nanoseconds from an arbitrary origin: only differences mean something.
 */
@FunctionalInterface
public interface Ticker {
  /** {@return nanoseconds since an arbitrary origin; never less than an earlier answer} */
  long nanos();

  /** {@return the ticker of this JVM, {@link System#nanoTime()}} */
  static Ticker system() {
    return System::nanoTime;
  }
}
