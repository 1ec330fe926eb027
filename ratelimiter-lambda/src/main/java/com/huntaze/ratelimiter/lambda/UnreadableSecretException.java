package com.huntaze.ratelimiter.lambda;

/**
 * A secret that a setting names cannot be read, and never was. The message names the setting or
 * says why; it shows no secret, and no words of others.
 */
final class UnreadableSecretException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  UnreadableSecretException(String message) {
    super(message);
  }
}
