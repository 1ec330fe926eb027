package com.huntaze.ratelimiter.delivery;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.OptionalLong;

/**
 * Remembers which messages were sent, so that none is sent twice whatever the queue hands out
 * again.
 *
 * <p>Called by dispatcher and worker around every call: {@link #begin} after the wait for the
 * permit and before the call, then one of the others. Thread-safe; where several processes deliver,
 * the log is shared by all of them and {@code begin} is atomic across them. Failures are {@link
 * SentLogException}s; then nothing is sent.
 */
public interface SentLog {
  /** May the call be made? */
  enum Begin {
    /** Yes, and nobody else may until the lease has passed. */
    STARTED,
    /** No: the message was sent. */
    ALREADY_SENT,
    /** Not now: another holder is making the call. */
    IN_PROGRESS,
    /** Nobody knows: a call was begun, and its holder vanished before its outcome was recorded. */
    IN_DOUBT
  }

  /**
   * One holder's call for one message.
   *
   * @param messageId the message's id
   * @param revival how often an operator revived the message, 0 or more
   * @param holder who makes the call: different for any two holders, and for any two times that one
   *     process has the message in hand
   */
  record Claim(String messageId, int revival, String holder) {
    /** Checks for nulls and the range. */
    public Claim {
      requireNonNull(messageId, "messageId");
      requireNonNull(holder, "holder");
      if (revival < 0) {
        throw new IllegalArgumentException("revival must be 0 or more, was " + revival);
      }
    }
  }

  /**
   * Claims the right to make a call for a message, in one atomic step.
   *
   * <p>A doubt is ended by whoever may: with {@link InDoubtPolicy#RESEND} the first to ask, and
   * with either policy the first claim with more revivals than the one in doubt, since an operator
   * who revives a message has decided that it may be sent again. It is {@link Begin#STARTED} for
   * them and {@link Begin#IN_PROGRESS} for all others. A message that was sent stays {@link
   * Begin#ALREADY_SENT}, whatever is revived.
   *
   * @param claim who asks, for which message
   * @param lease longer than the call can take; then it is in doubt
   * @param inDoubt whether a message in doubt may be sent again
   * @return whether the call may be made
   */
  Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt);

  /**
   * Records that the message was sent, or ended for good in another way. Whoever says so: what the
   * API has, it has. Kept for at least 14 days.
   *
   * @param messageId the message's id
   */
  void sent(String messageId);

  /**
   * Records that the call did not deliver: the message may be begun again. Does nothing if the
   * claim is not the one that was begun last, so that a holder that comes back late ends nobody's
   * call.
   *
   * @param claim what was begun
   */
  void notSent(Claim claim);

  /**
   * Forgets a bounded number of messages that were recorded longer ago than they have to be kept.
   * Called about hourly by each process that delivers. Does nothing by default.
   */
  default void purge() {}

  /**
   * How many calls begun within the last day are in doubt: their lease ended, and nobody recorded
   * what became of them. For a gauge that is looked at every minute.
   *
   * @return the count; empty if the log cannot say, as by default
   */
  default OptionalLong inDoubt() {
    return OptionalLong.empty();
  }
}
