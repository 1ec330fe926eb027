package com.huntaze.ratelimiter.delivery;

import org.jspecify.annotations.Nullable;

/** A result could not be kept. Never carries content. */
public class ResultStoreException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Says what failed.
   *
   * @param message what could not be done
   * @param cause the store's own exception, if there is one
   */
  public ResultStoreException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
