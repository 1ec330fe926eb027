package com.huntaze.ratelimiter.delivery;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Optional;

/**
 * Whether a dispatcher or worker does its work, for health checks. Immutable and thread-safe.
 *
 * @param running whether it was started and not closed
 * @param sinceLook how long ago it last looked whether there is work: every few seconds, also while
 *     nothing may be sent and while a service is down
 * @param stuck whether a call has been under way for longer than it can take: the gateway, the
 *     sent-log or the result store hangs
 * @param inHand the messages in hand
 * @param pausing how long it pauses still after too many 429s; zero if it does not
 * @param fault what the last look failed with; empty if it did not
 */
public record DispatcherHealth(
    boolean running,
    Duration sinceLook,
    boolean stuck,
    int inHand,
    Duration pausing,
    Optional<String> fault) {
  private static final Duration TOO_LONG = Duration.ofSeconds(60);

  /** Checks for nulls. */
  public DispatcherHealth {
    requireNonNull(sinceLook, "sinceLook");
    requireNonNull(pausing, "pausing");
    requireNonNull(fault, "fault");
  }

  /**
   * {@return whether it runs, has looked for work within the last minute and no call of it hangs} A
   * pause is healthy, and so is an outage of what it needs: a restart would mend neither, and each
   * restart costs the messages in hand a receive.
   */
  public boolean isHealthy() {
    return running && !stuck && sinceLook.compareTo(TOO_LONG) < 0;
  }
}
