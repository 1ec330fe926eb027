package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.RateLimitedOnlyFansClient.CloseReport;
import com.huntaze.ratelimiter.queue.OutboundMessage;

/** Counts what a client could not finish when it closed. Confined to one thread. */
final class Leftovers {
  private final Fallback fallback;
  private int stored;
  private int held;
  private int lost;

  Leftovers(Fallback fallback) {
    this.fallback = fallback;
  }

  /** A message that had no outcome by the deadline, and the one it got. */
  void count(SendResult outcome) {
    stored += outcome.status() == SendStatus.STORED ? 1 : 0;
    lost += outcome.accepted() ? 0 : 1;
  }

  /** A message whose call has no known outcome. */
  void hold(OutboundMessage message) {
    boolean kept = fallback.hold(message);
    held += kept ? 1 : 0;
    lost += kept ? 0 : 1;
  }

  CloseReport report() {
    return new CloseReport(stored, held, lost);
  }
}
