package com.huntaze.ratelimiter.limit;

/**
 * A bucket of C tokens that gets one back every {@code spacing}. It is kept as the instant at which
 * it will be full again: C tokens are left when that has passed, none when it lies C spacings
 * ahead.
 *
 * <p>Record and plan are kept apart as in a calendar, and a booking is made behind all others.
 */
final class TokenBucketRule implements LimitRule {
  private final long capacity;
  private final long spacing;
  private long recordFull = Long.MIN_VALUE / 2;
  private long planFull = Long.MIN_VALUE / 2;

  TokenBucketRule(long capacity, long spacing) {
    this.capacity = capacity;
    this.spacing = spacing;
  }

  @Override
  public long firstFree(long now) {
    return earliestFree(now);
  }

  @Override
  public long earliestFree(long from) {
    return Math.max(from, Math.max(recordFull, planFull) - (capacity - 1) * spacing);
  }

  @Override
  public long recordFreeFrom() {
    return recordFull - (capacity - 1) * spacing;
  }

  @Override
  public long recordFreeBehind(long from) {
    return Math.max(from, recordFreeFrom());
  }

  @Override
  public long tokens(long now) {
    long missing = Math.max(0, Math.max(recordFull, planFull) - now);
    return Math.max(0, capacity - (missing + spacing - 1) / spacing);
  }

  @Override
  public void granted(long at) {
    recordFull = Math.max(recordFull, at) + spacing;
    promised(at);
  }

  @Override
  public void promised(long slot) {
    planFull = Math.max(planFull, slot) + spacing;
  }

  @Override
  public void withdrawn(long slot, boolean last) {
    if (last) {
      planFull -= spacing; // a hole between bookings cannot be booked again
    }
  }

  @Override
  public void redeemed(long slot, long at, long now) {
    recordFull = Math.max(recordFull, at) + spacing;
  }

  @Override
  public long span() {
    return capacity * spacing;
  }

  @Override
  public boolean isIdle(long now) {
    return recordFull <= now && planFull <= now;
  }
}
