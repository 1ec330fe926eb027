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

  /**
   * {@return this result as a JSON object, in the shape that stores keep}
   *
   * <p>{@code response.data} is the API's body: as JSON if it is that, else as a string. The whole
   * takes 256 KiB in UTF-8 at the most; of what is larger the body is a string that is cut, and
   * {@code "truncated": true} says so.
   */
  public String toJson() {
    return ResultJson.of(this);
  }

  /**
   * {@return where stores keep this result: {@code yyyy/MM/dd/<creator>/<message id>.json}, by the
   * day it ended in UTC}
   *
   * <p>A relative path, the same for the same message and day. What is no ASCII letter, digit,
   * {@code -} or {@code _} in an id is percent-encoded, and a name of more than 255 bytes is cut
   * and ends in a digest, so that no id leads elsewhere or has another one's path.
   */
  public String path() {
    return ResultPath.of(this);
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
