package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.limit.Ticker;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Opens after consecutive faults, and after a delay lets one trial through at a time.
 *
 * <p>A trial has a lease: one that hangs or dies gives way to the next when it ends, and what it
 * answers later counts no more. A call begun before the breaker changed its state does not change
 * it again. Thread-safe; never blocks.
 */
final class CircuitBreaker {
  /** Leave for one call; its outcome is told once, and never if the call dies. */
  final class Pass {
    private final boolean trial;

    private Pass(boolean trial) {
      this.trial = trial;
    }

    /** Whether the far side is being tried: one message is enough. */
    boolean isTrial() {
      return trial;
    }

    /** The far side works. */
    void worked() {
      settle(this, Outcome.WORKED);
    }

    /** The far side is at fault. */
    void failed() {
      settle(this, Outcome.FAILED);
    }

    /** The call says nothing of the far side. */
    void saysNothing() {
      settle(this, Outcome.SAYS_NOTHING);
    }
  }

  private enum Outcome {
    WORKED,
    FAILED,
    SAYS_NOTHING
  }

  private final int threshold;
  private final long delayNanos;
  private final long leaseNanos;
  private final Ticker ticker;
  private final Runnable onOpen;
  private final Runnable onClose;

  private Pass ordinary = new Pass(false);
  private int faults;
  private boolean open;
  private long openedAt;
  private @Nullable Pass trial;
  private long trialBegan;

  /**
   * A closed breaker.
   *
   * @param threshold consecutive faults that open it
   * @param delay from opening to the first trial
   * @param lease how long a trial keeps others out
   * @param onOpen told when it opens after it was closed
   * @param onClose told when it closes
   */
  CircuitBreaker(
      int threshold,
      Duration delay,
      Duration lease,
      Ticker ticker,
      Runnable onOpen,
      Runnable onClose) {
    this.threshold = threshold;
    this.delayNanos = delay.toNanos();
    this.leaseNanos = lease.toNanos();
    this.ticker = ticker;
    this.onOpen = onOpen;
    this.onClose = onClose;
  }

  /** Leave for one call, or null while the breaker is open or a trial is being made. */
  synchronized @Nullable Pass tryPass() {
    if (!open) {
      return ordinary;
    }
    long now = ticker.nanos();
    boolean trialRuns = trial != null && now - trialBegan < leaseNanos;
    if (trialRuns || now - openedAt < delayNanos) {
      return null;
    }
    trial = new Pass(true);
    trialBegan = now;
    return trial;
  }

  /** Opens it, or keeps it open for another delay, and tells nobody. */
  synchronized void open() {
    open = true;
    openedAt = ticker.nanos();
    trial = null;
  }

  synchronized BreakerState state() {
    if (!open) {
      return BreakerState.CLOSED;
    }
    return ticker.nanos() - openedAt < delayNanos ? BreakerState.OPEN : BreakerState.HALF_OPEN;
  }

  private void settle(Pass pass, Outcome outcome) {
    Runnable tell = null;
    synchronized (this) {
      if (pass != (open ? trial : ordinary)) {
        return; // from before the last change, or a trial whose lease was taken over
      }
      switch (outcome) {
        case WORKED -> {
          faults = 0;
          if (open) {
            open = false;
            trial = null;
            ordinary = new Pass(false);
            tell = onClose;
          }
        }
        case FAILED -> {
          faults++;
          if (open || faults >= threshold) {
            tell = open ? null : onOpen;
            open = true;
            openedAt = ticker.nanos();
            trial = null;
          }
        }
        case SAYS_NOTHING -> trial = null; // the next call is the trial
      }
    }
    if (tell != null) {
      tell.run();
    }
  }
}
