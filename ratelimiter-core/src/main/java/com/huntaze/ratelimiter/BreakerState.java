package com.huntaze.ratelimiter;

/** What the circuit breaker in front of the queue lets through. */
public enum BreakerState {
  /** Everything: the queue works. */
  CLOSED,
  /** Nothing: messages go to the fallback store at once. */
  OPEN,
  /** One trial: the next call decides. */
  HALF_OPEN
}
