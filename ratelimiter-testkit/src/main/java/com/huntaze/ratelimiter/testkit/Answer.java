package com.huntaze.ratelimiter.testkit;

import java.time.Duration;
import java.util.Optional;

/**
 * What the fake API does with one call.
 *
 * @param status the HTTP status, 0 to close the connection without an answer
 * @param delivers whether the fan gets the message, whatever the caller is told
 * @param hold how long the answer is kept back
 * @param retryAfter the value of the {@code Retry-After} header, if the answer has one
 */
record Answer(int status, boolean delivers, Duration hold, Optional<Duration> retryAfter) {
  static final Answer DELIVERED = new Answer(200, true, Duration.ZERO, Optional.empty());

  static Answer refused(int status) {
    return new Answer(status, false, Duration.ZERO, Optional.empty());
  }

  static Answer tooManyRequests(Duration retryAfter) {
    return new Answer(429, false, Duration.ZERO, Optional.of(retryAfter));
  }

  /** The header's value: whole seconds, rounded up, so that waiting them is always enough. */
  static String inWholeSeconds(Duration retryAfter) {
    long seconds = retryAfter.getSeconds();
    return Long.toString(retryAfter.getNano() == 0 ? seconds : seconds + 1);
  }
}
