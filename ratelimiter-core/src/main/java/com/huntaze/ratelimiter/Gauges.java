package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.QueueDepth;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the metrics every minute how much waits, and that the breaker is open while it is, on a
 * thread of its own, since a part may be slow to answer. What cannot be counted is not told.
 * Thread-safe.
 */
final class Gauges implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RateLimitedOnlyFansClient.class);
  private static final Duration EVERY = Duration.ofMinutes(1);

  private final StatusBoard board;
  private final MetricsSink metrics;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread made = new Thread(task, "ratelimiter-gauges");
            made.setDaemon(true);
            return made;
          });

  Gauges(StatusBoard board, MetricsSink metrics) {
    this.board = board;
    this.metrics = metrics;
  }

  /** Looks from now on, if anybody hears. */
  void start() {
    if (metrics != MetricsSink.NOOP) {
      ScheduledFuture<?> unused =
          thread.scheduleWithFixedDelay(this::look, 0, EVERY.toSeconds(), TimeUnit.SECONDS);
    }
  }

  @SuppressWarnings("ReferenceEquality") // an empty queue may look the same as an unknown one
  private void look() {
    try {
      QueueStatus status = board.status();
      if (status.breaker() == BreakerState.OPEN) {
        metrics.circuitBreakerOpened(); // still: whoever watches sees it until it closes
      }
      if (status.queue() != QueueDepth.UNKNOWN) {
        metrics.queueDepth(status.queue().waiting());
      }
      status
          .fallback()
          .ifPresent(
              backlog ->
                  metrics.fallbackDepth(
                      backlog.waiting(), backlog.oldestWaiting().orElse(Duration.ZERO)));
    } catch (RuntimeException | Error e) { // one that got away would end the looks
      log.debug("What waits could not be told: {}", e.getClass().getName());
    }
  }

  /** Looks no more. A look under way ends by itself: an interrupt may close an H2 database. */
  @Override
  public void close() {
    thread.shutdown();
  }
}
