package com.huntaze.ratelimiter.cloudwatch;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A daemon thread that flushes every so often, and once more as it is ended. Thread-safe. */
final class FlushThread {
  private static final Logger log = LoggerFactory.getLogger(FlushThread.class);

  private final CountDownLatch stop = new CountDownLatch(1);
  private final Thread thread;

  /**
   * Begins at once.
   *
   * @param name the thread's
   * @param wait how long it waits before the first step, and after one that failed
   * @param step what it does each time; the nanoseconds until the next
   * @param last what it does in the end
   */
  FlushThread(String name, Duration wait, LongSupplier step, Runnable last) {
    thread = new Thread(() -> run(wait.toNanos(), guarded(step, wait.toNanos()), last), name);
    thread.setDaemon(true);
    thread.start();
  }

  /** A clock that throws, or memory that is short for a moment, does not end the metrics. */
  private static LongSupplier guarded(LongSupplier step, long waitAfterFault) {
    AtomicBoolean said = new AtomicBoolean();
    return () -> {
      try {
        return step.getAsLong();
      } catch (RuntimeException | Error e) {
        if (said.compareAndSet(false, true)) {
          log.warn(
              "Metrics could not be flushed: {}; it is tried again, and not logged again",
              e.getClass().getName());
        }
        return waitAfterFault;
      }
    };
  }

  private void run(long firstWait, LongSupplier step, Runnable last) {
    long wait = firstWait;
    while (stop.getCount() > 0) {
      try {
        if (!stop.await(wait, TimeUnit.NANOSECONDS)) {
          wait = step.getAsLong();
        }
      } catch (InterruptedException e) {
        wait = 0; // the AWS SDK leaves the mark of a time-out; only a stop ends this
      }
    }
    Thread.interrupted(); // cleared, or the last call would not be made
    last.run();
  }

  /**
   * Has it flush for the last time and end. Idempotent.
   *
   * @param deadline how long to wait
   * @return whether it ended within
   */
  boolean end(Duration deadline) {
    stop.countDown();
    try {
      thread.join(Math.max(1, deadline.toMillis()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return !thread.isAlive();
  }
}
