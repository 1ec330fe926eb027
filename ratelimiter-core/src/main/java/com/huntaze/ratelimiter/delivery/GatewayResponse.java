package com.huntaze.ratelimiter.delivery;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Optional;

/**
 * What the external API answered. Immutable and thread-safe; {@link #toString} does not show the
 * body.
 *
 * @param statusCode the HTTP status; 0 if no request was made, see {@link #notCalled}
 * @param retryAfter how long the API asks to wait, where it says so
 * @param data the answer's body, cut to a bound by the gateway; empty if it has none
 */
public record GatewayResponse(
    int statusCode, Optional<Duration> retryAfter, Optional<String> data) {
  /** What an answer means for the message. */
  public enum Outcome {
    /** 2xx: delivered. */
    DELIVERED,
    /** 429: not now. */
    RATE_LIMITED,
    /** 5xx: the API failed; it may work later. */
    SERVER_ERROR,
    /** Anything else: this message will never be taken. */
    REJECTED
  }

  /** Checks for nulls. */
  public GatewayResponse {
    requireNonNull(retryAfter, "retryAfter");
    requireNonNull(data, "data");
  }

  /**
   * An answer without a body or a wait.
   *
   * @param statusCode the HTTP status
   * @return the answer
   */
  public static GatewayResponse of(int statusCode) {
    return new GatewayResponse(statusCode, Optional.empty(), Optional.empty());
  }

  /**
   * What a gateway answers for a message that there is no call for, now or ever, such as one with a
   * URL that must not be reached: no request was made, and the message is {@link Outcome#REJECTED}.
   *
   * @return an answer with the status 0
   */
  public static GatewayResponse notCalled() {
    return of(0);
  }

  /** {@return what the status means for the message} */
  public Outcome outcome() {
    if (statusCode >= 200 && statusCode < 300) {
      return Outcome.DELIVERED;
    }
    if (statusCode == 429) {
      return Outcome.RATE_LIMITED;
    }
    return statusCode >= 500 ? Outcome.SERVER_ERROR : Outcome.REJECTED;
  }

  /**
   * Why a {@link Outcome#REJECTED} message is put aside for an operator and not ended: such an
   * answer, of refused credentials or of something in front of the API, says nothing about the
   * message, which can go once that is mended.
   *
   * @return the reason, a word of lower-case letters and underscores; empty if the API itself
   *     refused the message for good
   */
  public Optional<String> asideReason() {
    return switch (statusCode) {
      case 0 -> Optional.of("no_call_possible");
      case 401, 403 -> Optional.of("credentials_refused");
      case 407 -> Optional.of("proxy_refused");
      default -> statusCode < 400 ? Optional.of("no_answer_of_the_api") : Optional.empty();
    };
  }

  @Override
  public String toString() {
    return "GatewayResponse[" + statusCode + "]";
  }
}
