package com.huntaze.ratelimiter.testkit;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Optional;

/**
 * A way in which the {@link FakeOnlyFansApi} can fail a call.
 *
 * <p>The kinds whose name says "after delivery" are the ambiguous ones: the fan got the message,
 * and the caller has no answer that says so. Immutable and reusable.
 */
public final class ApiFault {
  private static final int GATEWAY_TIMEOUT = 504;
  private static final int NO_ANSWER = 0;

  private final Answer answer;

  private ApiFault(Answer answer) {
    this.answer = answer;
  }

  /**
   * {@return a fault that answers with an error at once and delivers nothing}
   *
   * @param status the HTTP status, 400 to 599
   * @throws IllegalArgumentException if the status says no error
   */
  public static ApiFault status(int status) {
    if (status < 400 || status > 599) {
      throw new IllegalArgumentException("status must be 400 to 599: " + status);
    }
    return new ApiFault(Answer.refused(status));
  }

  /**
   * {@return a fault that answers 429 although the limit is kept, and delivers nothing}
   *
   * @param retryAfter what the {@code Retry-After} header says, rounded up to whole seconds
   */
  public static ApiFault rateLimited(Duration retryAfter) {
    return new ApiFault(Answer.tooManyRequests(requireNonNegative(retryAfter, "retryAfter")));
  }

  /**
   * {@return a fault that keeps the caller waiting, then answers 504; the fan gets nothing}
   *
   * @param hold how long the caller waits, unless it gives up first
   */
  public static ApiFault hangBeforeDelivery(Duration hold) {
    return new ApiFault(
        new Answer(GATEWAY_TIMEOUT, false, requireNonNegative(hold, "hold"), Optional.empty()));
  }

  /**
   * {@return a fault that delivers the message, then keeps the caller waiting for its answer of
   * 200}
   *
   * @param hold how long the caller waits, unless it gives up first
   */
  public static ApiFault hangAfterDelivery(Duration hold) {
    return new ApiFault(new Answer(200, true, requireNonNegative(hold, "hold"), Optional.empty()));
  }

  /** {@return a fault that closes the connection without an answer; the fan gets nothing} */
  public static ApiFault resetBeforeDelivery() {
    return new ApiFault(Answer.refused(NO_ANSWER));
  }

  /** {@return a fault that delivers the message, then closes the connection without an answer} */
  public static ApiFault resetAfterDelivery() {
    return new ApiFault(new Answer(NO_ANSWER, true, Duration.ZERO, Optional.empty()));
  }

  Answer answer() {
    return answer;
  }

  private static Duration requireNonNegative(Duration duration, String name) {
    if (requireNonNull(duration, name).isNegative()) {
      throw new IllegalArgumentException(name + " must not be negative: " + duration);
    }
    return duration;
  }
}
