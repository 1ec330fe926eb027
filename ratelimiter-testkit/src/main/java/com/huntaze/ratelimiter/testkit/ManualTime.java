package com.huntaze.ratelimiter.testkit;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/**
 * A clock that moves only when a test moves it: wall clock and monotonic time in one object.
 *
 * <p>Tests hand it to whatever takes an {@link InstantSource} or a {@link Ticker}, then call {@link
 * #advance(Duration)} instead of sleeping. {@link #stepWallClock(Duration)} moves the wall clock
 * alone, as an operator or a time server does to a real machine.
 *
 * <p>Thread-safe: a time that one thread has set is seen by every later call of another. Wall clock
 * time starts at 2026-01-01T00:00:00Z; monotonic time starts at zero and counts nanoseconds.
 */
public final class ManualTime implements InstantSource, Ticker {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private Instant wallClock = START;
  private long nanos;

  /** Makes a clock that stands at 2026-01-01T00:00:00Z. */
  public ManualTime() {}

  /**
   * {@return the wall clock's time; it may lie before an earlier answer once the clock was stepped}
   */
  @Override
  public synchronized Instant instant() {
    return wallClock;
  }

  /** {@return nanoseconds of monotonic time since this clock was made} */
  @Override
  public synchronized long nanos() {
    return nanos;
  }

  /**
   * Lets time pass: both clocks move on by the same amount.
   *
   * @param time how much; zero changes nothing
   * @throws IllegalArgumentException if {@code time} is negative, since time does not run backwards
   */
  public synchronized void advance(Duration time) {
    requireNonNull(time, "time");
    if (time.isNegative()) {
      throw new IllegalArgumentException("time must not be negative: " + time);
    }
    wallClock = wallClock.plus(time);
    nanos = Math.addExact(nanos, time.toNanos());
  }

  /**
   * Sets the wall clock forwards or back while no time passes: monotonic time stays where it is.
   *
   * @param step how far to set the clock; negative sets it back
   */
  public synchronized void stepWallClock(Duration step) {
    wallClock = wallClock.plus(requireNonNull(step, "step"));
  }

  /** {@return both times, for the message of a failed test} */
  @Override
  public synchronized String toString() {
    return "ManualTime[" + wallClock + ", " + Duration.ofNanos(nanos) + " passed]";
  }
}
