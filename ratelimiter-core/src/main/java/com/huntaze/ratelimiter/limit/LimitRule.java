package com.huntaze.ratelimiter.limit;

/**
 * What one limit asks of the calendar of one scope. Times are microseconds. Confined to its
 * bucket's lock.
 */
sealed interface LimitRule permits RollingRule, TokenBucketRule {
  /** The earliest instant from now on at which this limit alone leaves room for one more. */
  long firstFree(long now);

  /** The same from a later instant on, which other limits have asked for. */
  long earliestFree(long from);

  /** The first instant at which the record alone has room, wherever its latest entries lie. */
  long recordFreeFrom();

  /** The first instant from one on at which the record has room, looking back only. */
  long recordFreeBehind(long from);

  /** The permits that could be granted now. */
  long tokens(long now);

  /** An entry was added to the record, and did not stand in the plan before. */
  void granted(long at);

  /** An entry was added to the plan. */
  void promised(long slot);

  /** An entry was taken from the plan, and nothing came in its place; whether it was the last. */
  void withdrawn(long slot, boolean last);

  /** An entry was taken from the plan and is about to enter the record. */
  void redeemed(long slot, long at, long now);

  /** How long after a grant this limit still looks at it. */
  long span();

  /** Whether the rule remembers nothing that matters from now on. */
  boolean isIdle(long now);
}
