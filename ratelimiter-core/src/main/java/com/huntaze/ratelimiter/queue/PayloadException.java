package com.huntaze.ratelimiter.queue;

import static java.util.Objects.requireNonNull;

/**
 * A queue's payload cannot be read. Carries a reason code and the field, never the payload or a
 * parser's excerpt of it.
 */
public class PayloadException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Why a payload cannot be read. */
  public enum Reason {
    /** It is not JSON, or JSON that breaks a bound: nesting, length, duplicate keys. */
    NOT_JSON,
    /** It is JSON, but not an object. */
    NOT_AN_OBJECT,
    /** A required field is missing or blank. */
    MISSING_FIELD,
    /** A field has another type or form than it should. */
    WRONG_TYPE
  }

  /** The reason code. */
  private final Reason reason;

  /**
   * Says what is wrong.
   *
   * @param reason the reason code
   * @param field the field it is about, or {@code body}
   */
  public PayloadException(Reason reason, String field) {
    super(requireNonNull(reason, "reason") + ": " + field);
    this.reason = reason;
  }

  /** {@return the reason code, for logs and dead-letter attributes} */
  public Reason reason() {
    return reason;
  }
}
