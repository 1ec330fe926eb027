package com.huntaze.ratelimiter.queue;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/**
 * A sink did not take a message. Says what is known of it, which decides what the client does;
 * never carries content.
 */
public class SinkException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What is known of a message that was not acknowledged. */
  public enum Kind {
    /** The sink certainly does not have it; trying again may succeed. */
    NOT_SENT(true, true),
    /** The sink may have it; trying again with the same id may give a duplicate. */
    AMBIGUOUS(true, true),
    /** The sink asks for fewer calls and does not have it. */
    THROTTLED(true, true),
    /** This message is not acceptable, and never will be. */
    MESSAGE_REFUSED(false, false),
    /** The sink refuses us: permissions, credentials, no such queue. */
    ACCESS_REFUSED(false, false),
    /** This process has no credentials to call the sink with. */
    NO_CREDENTIALS(false, false),
    /** Something local is full; the far side is not at fault. */
    BACK_PRESSURE(false, false);

    private final boolean retryable;
    private final boolean fault;

    Kind(boolean retryable, boolean fault) {
      this.retryable = retryable;
      this.fault = fault;
    }

    /** {@return whether the same call can succeed a moment later} */
    public boolean isRetryable() {
      return retryable;
    }

    /** {@return whether it is a fault of the far side, which the breaker counts} */
    public boolean isFault() {
      return fault;
    }
  }

  /** What is known of the message. */
  private final Kind kind;

  /**
   * Says what failed.
   *
   * @param kind what is known of the message
   * @param message what could not be done, with ids and codes but without content
   * @param cause the adapter's own exception, if there is one
   */
  public SinkException(Kind kind, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = requireNonNull(kind, "kind");
  }

  /** {@return what is known of the message} */
  public Kind kind() {
    return kind;
  }
}
