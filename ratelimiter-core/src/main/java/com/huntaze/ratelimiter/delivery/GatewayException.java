package com.huntaze.ratelimiter.delivery;

import org.jspecify.annotations.Nullable;

/** The external API gave no answer. Never carries content. */
public class GatewayException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Whether the API may have acted on the call. */
  private final boolean ambiguous;

  /**
   * Says what failed.
   *
   * @param message what happened, with ids but without content
   * @param ambiguous whether the API may have acted on the call
   * @param cause what the HTTP client threw, if there is something
   */
  public GatewayException(String message, boolean ambiguous, @Nullable Throwable cause) {
    super(message, cause);
    this.ambiguous = ambiguous;
  }

  /**
   * {@return whether the API may have acted on the call: true after a time-out or a cut connection,
   * false if the call certainly never left}
   */
  public boolean isAmbiguous() {
    return ambiguous;
  }
}
