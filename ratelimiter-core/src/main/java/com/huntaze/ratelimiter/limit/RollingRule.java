package com.huntaze.ratelimiter.limit;

/** At most N entries of record and plan together in any window. */
final class RollingRule implements LimitRule {
  private final int permits;
  private final long window;
  private final Times record;
  private final Times plan;
  private final boolean hinted;

  /**
   * No instant from now on and before this one is free. Exact, because adding an entry never frees
   * an instant, and removing one frees none earlier than a window before it. It keeps the search
   * flat in the length of the backlog.
   */
  private long hint = Long.MIN_VALUE;

  RollingRule(int permits, long window, Times record, Times plan, boolean hinted) {
    this.permits = permits;
    this.window = window;
    this.record = record;
    this.plan = plan;
    this.hinted = hinted;
  }

  @Override
  public long firstFree(long now) {
    if (plan.isEmpty() && recordFreeFrom() <= now) {
      return now;
    }
    long free = earliestFree(Math.max(now, hint));
    if (hinted) {
      hint = free;
    }
    return free;
  }

  /**
   * Looks back and ahead: t is free if no N consecutive entries e1…eN that span less than a window
   * have eN - W < t < e1 + W.
   */
  @Override
  public long earliestFree(long from) {
    int near = record.between(from - window, from + window);
    if (near + plan.between(from - window, from + window) < permits) {
      return from;
    }
    long t = from;
    Merged newest = new Merged(t - window);
    Merged oldest = new Merged(t - window);
    for (int seen = 1; newest.hasNext(); seen++) {
      long last = newest.next();
      if (last - window >= t) {
        break; // this group and all after it lie a window or more ahead
      }
      if (seen >= permits) {
        long first = oldest.next();
        if (last - first < window && t < first + window) {
          t = first + window;
        }
      }
    }
    return t;
  }

  @Override
  public long recordFreeFrom() {
    int size = record.size();
    return size < permits ? Long.MIN_VALUE : record.get(size - permits) + window;
  }

  @Override
  public long recordFreeBehind(long from) {
    int behind = record.after(from);
    return behind < permits ? from : Math.max(from, record.get(behind - permits) + window);
  }

  @Override
  public long tokens(long now) {
    int near = record.between(now - window, now + window);
    if (!plan.isEmpty()) {
      near += plan.between(now - window, now + window);
    }
    return Math.max(0, permits - near);
  }

  @Override
  public void granted(long at) {}

  @Override
  public void promised(long slot) {}

  @Override
  public void withdrawn(long slot, boolean last) {
    hint = Math.min(hint, slot - window);
  }

  @Override
  public void redeemed(long slot, long at, long now) {
    // An entry that moves back in time frees nothing that is still to come, unless another limit
    // is what moved it, or it moved past another grant that is still to come, or by a window.
    boolean movedByOthers = at > now && at > recordFreeFrom();
    boolean movedPastOthers = !record.isEmpty() && record.last() > now;
    if (at > slot && (movedByOthers || movedPastOthers || at - window >= now)) {
      withdrawn(slot, false);
    }
  }

  @Override
  public long span() {
    return window;
  }

  @Override
  public boolean isIdle(long now) {
    return true; // record and plan say all there is
  }

  /** Record and plan in one order, from the first entry after an instant on. */
  private final class Merged {
    private int inRecord;
    private int inPlan;

    Merged(long after) {
      inRecord = record.after(after);
      inPlan = plan.after(after);
    }

    boolean hasNext() {
      return inRecord < record.size() || inPlan < plan.size();
    }

    long next() {
      boolean takeRecord =
          inPlan >= plan.size()
              || (inRecord < record.size() && record.get(inRecord) <= plan.get(inPlan));
      return takeRecord ? record.get(inRecord++) : plan.get(inPlan++);
    }
  }
}
