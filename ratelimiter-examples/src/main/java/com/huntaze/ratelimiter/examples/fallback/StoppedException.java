package com.huntaze.ratelimiter.examples.fallback;

/** Ends a command with an exit code and one line for the operator, without content or secrets. */
final class StoppedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What the process ends with. */
  private final int exitCode;

  StoppedException(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  int exitCode() {
    return exitCode;
  }
}
