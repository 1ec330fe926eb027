package com.huntaze.ratelimiter.delivery;

/**
 * What becomes of a message whose call was begun and whose outcome nobody knows: the API gave no
 * answer, or the process died before it was recorded. No system can tell whether the fan has it.
 */
public enum InDoubtPolicy {
  /** Put it aside for an operator, in the dead letters: no fan gets it twice. The default. */
  HOLD,
  /** Send it again: every fan gets it, perhaps twice. */
  RESEND
}
