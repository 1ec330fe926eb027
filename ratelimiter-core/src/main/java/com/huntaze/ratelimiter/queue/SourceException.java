package com.huntaze.ratelimiter.queue;

import org.jspecify.annotations.Nullable;

/** A source could not be asked, or did not acknowledge. Never carries content. */
public class SourceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Says what failed.
   *
   * @param message what could not be done, with ids and codes
   * @param cause the adapter's own exception, if there is one
   */
  public SourceException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
