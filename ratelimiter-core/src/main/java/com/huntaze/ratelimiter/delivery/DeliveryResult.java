package com.huntaze.ratelimiter.delivery;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * How the work on one message ended. Immutable and thread-safe. Its {@link #toString} shows no
 * content; the body of a response is data the API gave, and may.
 *
 * @param messageId the message's id
 * @param creatorId the account it counted on
 * @param action what was asked of the API
 * @param status how it ended
 * @param timestamp when it ended, by this host's clock
 * @param duration how long the last call took; zero if none was made
 * @param response the API's last answer, where there was one
 * @param error what went wrong, where something did
 * @param queueWait from acceptance until it was in hand
 * @param total from acceptance to the end
 */
public record DeliveryResult(
    String messageId,
    String creatorId,
    String action,
    Status status,
    Instant timestamp,
    Duration duration,
    Optional<GatewayResponse> response,
    Optional<Failure> error,
    Duration queueWait,
    Duration total) {
  /** Checks for nulls. */
  public DeliveryResult {
    requireNonNull(messageId, "messageId");
    requireNonNull(creatorId, "creatorId");
    requireNonNull(action, "action");
    requireNonNull(status, "status");
    requireNonNull(timestamp, "timestamp");
    requireNonNull(duration, "duration");
    requireNonNull(response, "response");
    requireNonNull(error, "error");
    requireNonNull(queueWait, "queueWait");
    requireNonNull(total, "total");
  }

  /** How it ended. */
  public enum Status {
    /** Delivered. */
    SUCCESS,
    /** Refused for good, put aside, or given back after its last retry. */
    FAILURE,
    /** Turned away with a 429. */
    RATE_LIMITED
  }

  /**
   * What went wrong.
   *
   * @param type the kind
   * @param message a short text of ours: no content, no exception's words, no stack trace
   */
  public record Failure(ErrorType type, String message) {
    /** Checks for nulls. */
    public Failure {
      requireNonNull(type, "type");
      requireNonNull(message, "message");
    }
  }

  /** The kinds of failure. */
  public enum ErrorType {
    /** No answer, or a server error. */
    NETWORK,
    /** The API did not accept the credentials. */
    AUTH,
    /** The API's own limit. */
    RATE_LIMIT,
    /** The API refused the message, or no call could be made of it. */
    VALIDATION,
    /** Anything else. */
    UNKNOWN
  }
}
