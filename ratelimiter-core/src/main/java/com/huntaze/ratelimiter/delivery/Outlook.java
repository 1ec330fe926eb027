package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import java.time.Duration;

/** How many messages could go soon, by what the bucket has left. Thread-safe. */
final class Outlook {
  /** Permits that come free within this time are worth a receive: their messages are here then. */
  static final Duration SOON = Duration.ofSeconds(1);

  private static final int MAX_AHEAD = 10;

  private final TokenBucket bucket;
  private volatile boolean unlimited;

  Outlook(TokenBucket bucket) {
    this.bucket = bucket;
  }

  /**
   * How many permits are free, or soon will be.
   *
   * @param permits how many messages could book theirs, 0 or more
   * @param until how long until there may be some, if there are none
   */
  record Look(long permits, Duration until) {}

  /** Asks the bucket. One without a limit for all messages has always room: others will refuse. */
  Look look() {
    if (unlimited) {
      return new Look(Long.MAX_VALUE, Duration.ZERO);
    }
    BucketState state;
    try {
      state = bucket.state(Scope.global());
    } catch (IllegalArgumentException e) {
      unlimited = true;
      return look();
    }
    Duration next = state.nextPermitIn();
    if (next.isZero()) {
      return new Look(Math.max(1, state.tokens()), Duration.ZERO);
    }
    return next.compareTo(SOON) <= 0
        ? new Look(Math.min(MAX_AHEAD, Math.max(1, state.capacity())), next)
        : new Look(0, next.minus(SOON));
  }
}
