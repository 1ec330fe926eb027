package com.huntaze.ratelimiter;

/** What became of a message that was sent. */
public enum SendStatus {
  /** The queue has it. */
  QUEUED,
  /** The external API has it. */
  SENT,
  /** The fallback store has it; it will be replayed. */
  STORED,
  /** Not accepted: the limit, or a bounded buffer, leaves no room now. */
  RATE_LIMITED,
  /** Not accepted: the message breaks a rule. */
  INVALID,
  /** Not accepted: rate limiting is off and there is no direct way. */
  DISABLED,
  /** Not accepted: nothing could take it. */
  FAILED
}
