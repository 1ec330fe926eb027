package com.huntaze.ratelimiter.fallback;

import org.jspecify.annotations.Nullable;

/** A store could not be used. Never carries content. */
public class FallbackException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Says what failed.
   *
   * @param message what could not be done, with ids and codes
   * @param cause the adapter's own exception, if there is one
   */
  public FallbackException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
