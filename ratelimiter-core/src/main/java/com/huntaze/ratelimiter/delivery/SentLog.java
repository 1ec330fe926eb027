package com.huntaze.ratelimiter.delivery;

import java.time.Duration;

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
   * Claims the right to make a call for a message.
   *
   * @param messageId the message's id
   * @param lease longer than the call can take
   * @return whether the call may be made
   */
  Begin begin(String messageId, Duration lease);

  /**
   * Records that the message was sent. Kept for at least 14 days.
   *
   * @param messageId the message's id
   */
  void sent(String messageId);

  /**
   * Records that the call did not deliver: the message may be begun again.
   *
   * @param messageId the message's id
   */
  void notSent(String messageId);
}
