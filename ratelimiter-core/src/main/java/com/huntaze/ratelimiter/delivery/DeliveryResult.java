package com.huntaze.ratelimiter.delivery;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How the work on one message ended. Immutable and thread-safe; carries no content.
 *
 * @param messageId the message's id
 * @param creatorId the account it counted on
 * @param action what was asked of the API
 * @param status how it ended
 * @param timestamp when it ended, by this host's clock
 * @param duration how long the last call took
 * @param total from acceptance to the end
 * @param statusCode the API's last answer, where there was one
 * @param error what went wrong, where something did
 */
public record DeliveryResult(
    String messageId,
    String creatorId,
    String action,
    Status status,
    Instant timestamp,
    Duration duration,
    Duration total,
    OptionalInt statusCode,
    Optional<ErrorType> error) {
  /** How it ended. */
  public enum Status {
    /** Delivered. */
    SUCCESS,
    /** Refused for good, or put aside. */
    FAILURE,
    /** Turned away with a 429. */
    RATE_LIMITED
  }

  /** What went wrong. */
  public enum ErrorType {
    /** No answer, or a server error. */
    NETWORK,
    /** The API did not accept the credentials. */
    AUTH,
    /** The API's own limit. */
    RATE_LIMIT,
    /** The API refused the message. */
    VALIDATION,
    /** Anything else. */
    UNKNOWN
  }
}
