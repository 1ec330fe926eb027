package com.huntaze.ratelimiter.limit;

import java.util.ArrayList;
import java.util.List;

/**
 * The two calendars of one scope, what was granted and what is promised, with the limits that look
 * at them. Times are microseconds. Confined to its bucket's lock.
 *
 * <p>One calendar for both would be a trap: a promise that is redeemed a little late would count at
 * its old instant, and the next full window would pack against it.
 */
final class ScopeCalendar {
  private final Times record = new Times();
  private final Times plan = new Times();
  private final LimitRule[] rules;
  private final long span;
  private long blockedUntil = Long.MIN_VALUE;
  private long lastPromisedInOrder = Long.MIN_VALUE;
  private long lastGrantedInOrder = Long.MIN_VALUE;
  private long lost;

  /** A calendar without limits keeps the order of a creator's requests all the same. */
  ScopeCalendar(List<RateLimit> limits, long guard, boolean hinted) {
    List<LimitRule> made = new ArrayList<>(limits.size());
    for (RateLimit limit : limits) {
      made.add(
          limit.isTokenBucket()
              ? new TokenBucketRule(limit.permits(), limit.spacingMicros(guard))
              : new RollingRule(
                  limit.permits(), limit.windowMicros() + guard, record, plan, hinted));
    }
    this.rules = made.toArray(LimitRule[]::new);
    this.span = made.stream().mapToLong(LimitRule::span).max().orElse(0);
  }

  void trim(long now) {
    record.dropUpTo(now - span);
  }

  boolean isIdle(long now) {
    if (!record.isEmpty() || !plan.isEmpty() || blockedUntil > now || lastPromisedInOrder > now) {
      return false;
    }
    for (LimitRule rule : rules) {
      if (!rule.isIdle(now)) {
        return false;
      }
    }
    return true;
  }

  /** The earliest instant that suits every limit of this scope, as far as each knows alone. */
  long firstFree(long now) {
    long t = now;
    for (LimitRule rule : rules) {
      t = Math.max(t, rule.firstFree(now));
    }
    return Math.max(t, blockedUntil);
  }

  /** One step towards an instant that suits all limits: the first that is free from there on. */
  long earliestFree(long from) {
    long t = from;
    for (LimitRule rule : rules) {
      t = rule.earliestFree(t);
    }
    return t;
  }

  /** The first instant at which the record alone has room and the scope is not blocked. */
  long recordFreeFrom() {
    long t = blockedUntil;
    for (LimitRule rule : rules) {
      t = Math.max(t, rule.recordFreeFrom());
    }
    return t;
  }

  /** The first instant from one on at which the record has room and the scope is not blocked. */
  long recordFreeBehind(long from) {
    long t = Math.max(from, blockedUntil);
    for (LimitRule rule : rules) {
      t = Math.max(t, rule.recordFreeBehind(t));
    }
    return t;
  }

  /** Whether every grant so far lies in the past, so that the record only ever closes later. */
  boolean recordIsPast(long now) {
    return record.isEmpty() || record.last() <= now;
  }

  void grant(long at) {
    record.add(at);
    for (LimitRule rule : rules) {
      rule.granted(at);
    }
  }

  void promise(long slot) {
    plan.add(slot);
    for (LimitRule rule : rules) {
      rule.promised(slot);
    }
  }

  void withdraw(long slot) {
    plan.remove(slot);
    boolean last = plan.isEmpty() || plan.last() < slot;
    for (LimitRule rule : rules) {
      rule.withdrawn(slot, last);
    }
  }

  void redeem(long slot, long at, long now) {
    plan.remove(slot);
    for (LimitRule rule : rules) {
      rule.redeemed(slot, at, now);
    }
    record.add(at);
  }

  void block(long until) {
    blockedUntil = Math.max(blockedUntil, until);
  }

  /** How far two clocks may run apart in a window without a fault of either. */
  long clockSlack() {
    return span / 1_000;
  }

  long lastPromisedInOrder() {
    return lastPromisedInOrder;
  }

  long lastGrantedInOrder() {
    return lastGrantedInOrder;
  }

  void promisedInOrder(long at) {
    lastPromisedInOrder = Math.max(lastPromisedInOrder, at);
  }

  void grantedInOrder(long at) {
    lastGrantedInOrder = Math.max(lastGrantedInOrder, at);
    promisedInOrder(at);
  }

  void countLost() {
    lost++;
  }

  long lost() {
    return lost;
  }

  int booked() {
    return plan.size();
  }

  long tokens(long now) {
    if (blockedUntil > now) {
      return 0;
    }
    long tokens = Long.MAX_VALUE;
    for (LimitRule rule : rules) {
      tokens = Math.min(tokens, rule.tokens(now));
    }
    return tokens;
  }
}
