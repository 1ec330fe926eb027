package com.huntaze.ratelimiter.testkit;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * The fake API's own limit: at most so many arrivals in any window, refused ones included.
 *
 * <p>It shares no code with the library's limiters, which it is there to judge. Not thread-safe.
 */
final class RollingWindow {
  private final Deque<Long> latest = new ArrayDeque<>();
  private final int calls;
  private final Duration window;

  RollingWindow(int calls, Duration window) {
    this.calls = calls;
    this.window = window;
  }

  int calls() {
    return calls;
  }

  Duration window() {
    return window;
  }

  /** Counts an arrival; the answer is how long to wait if it was one too many. */
  Optional<Duration> arrive(long nanos) {
    long length = window.toNanos();
    while (!latest.isEmpty() && nanos - latest.getFirst() >= length) {
      latest.removeFirst();
    }
    boolean tooMany = latest.size() == calls;
    if (tooMany) {
      latest.removeFirst();
    }
    latest.addLast(nanos);
    return tooMany
        ? Optional.of(Duration.ofNanos(latest.getFirst() + length - nanos))
        : Optional.empty();
  }
}
