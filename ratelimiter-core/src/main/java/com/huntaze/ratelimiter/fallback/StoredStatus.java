package com.huntaze.ratelimiter.fallback;

import java.util.Locale;

/** Where a stored message stands. */
public enum StoredStatus {
  /** Waits to be replayed; what every row starts as. */
  FAILED,
  /** Was replayed: the queue has it. */
  QUEUED,
  /** Was delivered to the external API. */
  SENT,
  /** Was turned away for the limiter's sake and waits to be replayed. */
  RATE_LIMITED,
  /** Failed too often, or can never succeed; waits for an operator. */
  DEAD;

  /** {@return the name in the table and in reports} */
  public String wireName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
