package com.huntaze.ratelimiter.limit;

import java.time.Duration;
import java.time.Instant;

/**
 * A bucket's answer to one {@link PermitRequest}. Closed for 1.x; immutable and thread-safe.
 *
 * <p>Instants are by the bucket's clock, durations count from the moment the answer is received: a
 * caller waits by durations, since its own clock may differ.
 */
public sealed interface Permit {
  /** {@return the id of the request this answers} */
  String id();

  /**
   * Leave to make the call, once {@code delay} has passed.
   *
   * @param id the id of the request
   * @param at the instant the call is counted at
   * @param delay how long the caller waits first; mostly zero, at most a few graces
   * @param remaining the permits the tightest of the scopes has left at that instant
   */
  record Granted(String id, Instant at, Duration delay, long remaining) implements Permit {}

  /**
   * A later instant that is held for this id. Asking again with the same id when it comes redeems
   * it; {@link TokenBucket#release} gives it up.
   *
   * @param id the id of the request
   * @param at the instant that is held
   * @param delay how long until then
   */
  record Booked(String id, Instant at, Duration delay) implements Permit {}

  /**
   * No permit now, and nothing held.
   *
   * @param id the id of the request
   * @param retryAfter how long until asking again can succeed
   */
  record Refused(String id, Duration retryAfter) implements Permit {}
}
