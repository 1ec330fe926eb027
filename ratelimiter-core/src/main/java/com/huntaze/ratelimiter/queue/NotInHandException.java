package com.huntaze.ratelimiter.queue;

import org.jspecify.annotations.Nullable;

/**
 * A message is no longer in hand: it was ended, given back, or its visibility passed. It may be
 * somebody else's by now, so asking again with the same handle is of no use. Never carries content.
 */
public final class NotInHandException extends SourceException {
  private static final long serialVersionUID = 1L;

  /**
   * Says what was not done.
   *
   * @param message what could not be done, with ids and codes
   * @param cause the adapter's own exception, if there is one
   */
  public NotInHandException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
