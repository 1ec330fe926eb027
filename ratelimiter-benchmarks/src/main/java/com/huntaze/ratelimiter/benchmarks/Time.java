package com.huntaze.ratelimiter.benchmarks;

import com.huntaze.ratelimiter.limit.Ticker;
import io.github.bucket4j.TimeMeter;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** The time that a limiter lives by and that its driver lets pass; for one thread. */
interface Time extends Ticker {
  /** Lets a time pass in which nothing is asked. */
  void idle(Duration duration);

  /** Lets a moment pass before the limiter is asked again. */
  void tick();

  /** Real time, for limiters that take no other. */
  static Time real() {
    return new Time() {
      @Override
      public long nanos() {
        return System.nanoTime();
      }

      @Override
      public void idle(Duration duration) {
        long end = nanos() + duration.toNanos();
        while (nanos() < end) {
          LockSupport.parkNanos(end - nanos());
        }
      }

      @Override
      public void tick() {
        Thread.onSpinWait();
      }
    };
  }

  /** Time that stands still until it is moved, a millisecond a tick. */
  final class Virtual implements Time, TimeMeter {
    private long nanos;

    @Override
    public long nanos() {
      return nanos;
    }

    @Override
    public void idle(Duration duration) {
      nanos += duration.toNanos();
    }

    @Override
    public void tick() {
      nanos += 1_000_000;
    }

    @Override
    public long currentTimeNanos() {
      return nanos;
    }

    @Override
    public boolean isWallClockBased() {
      return false;
    }
  }
}
