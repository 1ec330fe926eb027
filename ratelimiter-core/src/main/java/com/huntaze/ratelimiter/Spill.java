package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Stores what is left when a client closes, ten at a time and one ten after the other so that their
 * order stays. Goes on for as long as the store takes messages, however slowly; one that is stuck
 * is given up. Thread-safe.
 */
final class Spill {
  private static final int TEN = 10;

  private final Fallback fallback;
  private final long stuckNanos;

  /**
   * Sets it up.
   *
   * @param stuck how long the store may take for ten messages
   */
  Spill(Fallback fallback, Duration stuck) {
    this.fallback = fallback;
    this.stuckNanos = stuck.toNanos();
  }

  /** Item i says what became of message i. */
  List<SendResult> store(List<OutboundMessage> messages) {
    List<SendResult> outcomes = new ArrayList<>(messages.size());
    if (messages.isEmpty()) {
      return outcomes;
    }
    Semaphore stored = new Semaphore(0);
    Thread storing =
        new Thread(
            () -> {
              for (int i = 0; i < messages.size(); i += TEN) {
                List<OutboundMessage> ten = messages.subList(i, Math.min(messages.size(), i + TEN));
                List<SendResult> results = fallback.storeAtClose(ten);
                synchronized (outcomes) {
                  outcomes.addAll(results);
                }
                stored.release(ten.size());
              }
            },
            "ratelimiter-spill");
    storing.setDaemon(true);
    storing.start();
    boolean interrupted = false;
    for (int i = 0; i < messages.size(); ) {
      try {
        if (!stored.tryAcquire(stuckNanos, TimeUnit.NANOSECONDS)) {
          break;
        }
        i++;
      } catch (InterruptedException e) {
        interrupted = true; // whoever hurries the close does not want messages lost
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    synchronized (outcomes) {
      List<SendResult> all = new ArrayList<>(outcomes);
      for (OutboundMessage message : messages.subList(all.size(), messages.size())) {
        all.add(fallback.stuckAtClose(message));
      }
      return all;
    }
  }
}
