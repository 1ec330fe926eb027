package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.delivery.SentLog.Begin;
import com.huntaze.ratelimiter.delivery.SentLog.Claim;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What one hand has told the sent-log of its message. What was begun stays so over several permits,
 * for half of its lease at the most, so that a log that is slow to answer makes one of them old and
 * not all. Confined to one thread.
 */
final class SentLogEntry {
  private static final long NOT_BEGUN = Long.MIN_VALUE;

  private final DispatcherSettings settings;
  private final Claim claim;
  private long begunAt = NOT_BEGUN;
  private Duration lease = Duration.ZERO;
  private boolean answers = true;

  SentLogEntry(DispatcherSettings settings, Claim claim) {
    this.settings = settings;
    this.claim = claim;
  }

  /** Whether the log answered the last time, so that it is worth a permit to go on. */
  boolean answers() {
    return answers;
  }

  /**
   * Whether the call may be made, and for how long nobody else may.
   *
   * @param newLease twice as long as the call can take
   * @return the log's answer; null if it gave none, and then no call may follow
   */
  @Nullable Begin begin(Duration newLease, InDoubtPolicy inDoubt) {
    if (begunAt != NOT_BEGUN && settings.ticker.nanos() - begunAt < lease.toNanos() / 2) {
      return Begin.STARTED;
    }
    if (begunAt != NOT_BEGUN && !notSent()) {
      return null;
    }
    long now = settings.ticker.nanos();
    try {
      Begin begin = settings.sentLog.begin(claim, newLease, inDoubt);
      answers = true;
      if (begin == Begin.STARTED) {
        begunAt = now;
        lease = newLease;
      }
      return begin;
    } catch (SentLogException e) {
      settings.faults.warn("The sent-log cannot be asked; nothing is sent", e);
      begunAt = now; // it may have been recorded all the same, and no call follows
      lease = Duration.ZERO;
      answers = false;
      return null;
    }
  }

  /** Records that the message has ended. */
  void sent() {
    begunAt = NOT_BEGUN;
    try {
      settings.sentLog.sent(claim.messageId());
    } catch (SentLogException e) {
      settings.faults.warn("A delivery could not be recorded; the message is still deleted", e);
    }
  }

  /** Ends what was begun, as the API did not take it; answers whether the log knows. */
  boolean notSent() {
    try {
      settings.sentLog.notSent(claim);
      begunAt = NOT_BEGUN;
      answers = true;
      return true;
    } catch (SentLogException e) {
      settings.faults.warn("A call's end could not be recorded; the sent-log is asked again", e);
      answers = false;
      return false;
    }
  }

  /** Leaves nothing begun, as far as the log can be told; else it is in doubt after its lease. */
  void leave() {
    if (begunAt != NOT_BEGUN) {
      boolean unused = notSent();
    }
  }
}
