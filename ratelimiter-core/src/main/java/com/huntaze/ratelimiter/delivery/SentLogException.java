package com.huntaze.ratelimiter.delivery;

import org.jspecify.annotations.Nullable;

/** A sent-log could not be used. Never carries content. */
public class SentLogException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Says what failed.
   *
   * @param message what could not be done
   * @param cause the adapter's own exception, if there is one
   */
  public SentLogException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
