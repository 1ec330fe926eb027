package com.huntaze.ratelimiter;

/** What a client does about its parts when it is built. */
public enum StartUpCheck {
  /** Nothing. */
  OFF,
  /** Asks each part whether it can be reached, logs what it finds, and starts whatever that is. */
  REPORT,
  /** Asks each part, and refuses to start if one cannot be reached or must not be used as it is. */
  REQUIRE
}
