package com.huntaze.ratelimiter.examples.worker;

import java.time.Duration;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/**
 * Whether a worker works: it does not while it stops, while its queue does not answer, and when
 * nobody has looked at the queue for long although nothing is in hand. With messages in hand it may
 * wait for permits as long as the limit asks. Thread-safe.
 */
final class Health {
  /** Three long polls, and a little. */
  private static final Duration LONG = Duration.ofSeconds(75);

  /** A fault or two are the network's; the poller asks again after a second. */
  private static final int FAILURES = 3;

  private final Supplier<WatchedSource.Looks> looks;
  private final IntSupplier inHand;
  private volatile boolean stopping;

  /**
   * What the check answers.
   *
   * @param works whether traffic may count on it
   * @param json the details, without content
   */
  record Answer(boolean works, String json) {}

  Health(Supplier<WatchedSource.Looks> looks, IntSupplier inHand) {
    this.looks = looks;
    this.inHand = inHand;
  }

  void stopping() {
    stopping = true;
  }

  Answer answer() {
    WatchedSource.Looks now = looks.get();
    int held = inHand.getAsInt();
    String status = "working";
    if (stopping) {
      status = "stopping";
    } else if (now.failures() >= FAILURES) {
      status = "queue_unreachable";
    } else if (held == 0 && now.sinceLook().compareTo(LONG) > 0) {
      status = "not_polling";
    }
    String json =
        "{\"status\":\"%s\",\"in_hand\":%d,\"seconds_since_poll\":%d,\"failed_polls\":%d}"
            .formatted(status, held, now.sinceLook().toSeconds(), now.failures());
    return new Answer(status.equals("working"), json);
  }
}
