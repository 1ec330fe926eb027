package com.huntaze.ratelimiter.delivery;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Ticker;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * A sent-log of one process, for the embedded topology and tests. Thread-safe. It forgets the
 * oldest of its messages beyond a bound, and everything with the process.
 */
public final class InMemorySentLog implements SentLog {
  private static final int MAX_REMEMBERED = 250_000;

  private record State(boolean sent, Claim claim, long leaseEnd) {}

  private final Ticker ticker;
  private final Map<String, State> states =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, State> eldest) {
          return size() > MAX_REMEMBERED;
        }
      };

  /** A log on the JVM's monotonic clock. */
  public InMemorySentLog() {
    this(Ticker.system());
  }

  /**
   * A log on a given clock.
   *
   * @param ticker what leases are measured by
   */
  public InMemorySentLog(Ticker ticker) {
    this.ticker = requireNonNull(ticker, "ticker");
  }

  @Override
  public synchronized Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
    State state = states.get(claim.messageId());
    if (state != null) {
      if (state.sent) {
        return Begin.ALREADY_SENT;
      }
      if (ticker.nanos() - state.leaseEnd < 0) {
        return Begin.IN_PROGRESS;
      }
      if (inDoubt == InDoubtPolicy.HOLD && claim.revival() <= state.claim.revival()) {
        return Begin.IN_DOUBT;
      }
    }
    states.put(claim.messageId(), new State(false, claim, ticker.nanos() + lease.toNanos()));
    return Begin.STARTED;
  }

  @Override
  public synchronized void sent(String messageId) {
    states.put(messageId, new State(true, new Claim(messageId, 0, ""), 0));
  }

  /** {@inheritDoc} Here those of any age. */
  @Override
  public synchronized OptionalLong inDoubt() {
    long now = ticker.nanos();
    return OptionalLong.of(
        states.values().stream().filter(each -> !each.sent && now - each.leaseEnd >= 0).count());
  }

  @Override
  public synchronized void notSent(Claim claim) {
    State state = states.get(claim.messageId());
    if (state != null && !state.sent && state.claim.equals(claim)) {
      states.remove(claim.messageId());
    }
  }
}
