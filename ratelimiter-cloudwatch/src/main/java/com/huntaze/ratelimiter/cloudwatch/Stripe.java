package com.huntaze.ratelimiter.cloudwatch;

import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.queue.Priority;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** What some threads recorded: one of them at a time, and none waits for another. Thread-safe. */
final class Stripe {
  private static final long PAUSE = 1_000;

  private final AtomicBoolean taken = new AtomicBoolean();
  private Cells cells = new Cells();

  /** Whether the value was recorded; not so while somebody else is at it. */
  boolean tryAdd(MetricName name, @Nullable Priority priority, double value) {
    if (taken.get() || !taken.compareAndSet(false, true)) {
      return false;
    }
    try {
      cells.add(name, priority, value);
    } finally {
      taken.set(false);
    }
    return true;
  }

  /** Takes out all that was recorded. For the one who publishes: this waits, for a moment. */
  Cells drain() {
    Cells fresh = new Cells();
    while (!taken.compareAndSet(false, true)) {
      LockSupport.parkNanos(PAUSE); // its owner may have lost the processor
    }
    Cells recorded = cells;
    cells = fresh;
    taken.set(false);
    return recorded;
  }
}
