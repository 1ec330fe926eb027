package com.huntaze.ratelimiter.limit;

import org.jspecify.annotations.Nullable;

/**
 * The bucket could not be asked: its server is away, slow, or holds something that is not ours.
 * Callers send nothing then. Never carries message content.
 */
public class TokenBucketException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Says what failed.
   *
   * @param message what could not be done, and what to look at
   * @param cause the adapter's own exception, if there is one
   */
  public TokenBucketException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
