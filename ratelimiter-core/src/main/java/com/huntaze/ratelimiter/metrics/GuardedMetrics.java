package com.huntaze.ratelimiter.metrics;

import com.huntaze.ratelimiter.queue.Priority;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps a sink's faults from whoever reports an event. */
final class GuardedMetrics implements MetricsSink {
  private static final Logger log = LoggerFactory.getLogger(MetricsSink.class);

  private final MetricsSink sink;
  private final AtomicBoolean said = new AtomicBoolean();

  GuardedMetrics(MetricsSink sink) {
    this.sink = sink;
  }

  @Override
  public void messageQueued(Priority priority, Duration latency) {
    guard(() -> sink.messageQueued(priority, latency));
  }

  @Override
  public void messageSent(Priority priority, Duration apiLatency, Duration endToEnd) {
    guard(() -> sink.messageSent(priority, apiLatency, endToEnd));
  }

  @Override
  public void messageFailed(Priority priority) {
    guard(() -> sink.messageFailed(priority));
  }

  @Override
  public void rateLimited(Priority priority) {
    guard(() -> sink.rateLimited(priority));
  }

  @Override
  public void messageStored(Priority priority) {
    guard(() -> sink.messageStored(priority));
  }

  @Override
  public void messageReplayed(Priority priority) {
    guard(() -> sink.messageReplayed(priority));
  }

  @Override
  public void circuitBreakerOpened() {
    guard(sink::circuitBreakerOpened);
  }

  private void guard(Runnable event) {
    try {
      event.run();
    } catch (RuntimeException | Error e) {
      if (said.compareAndSet(false, true)) {
        log.warn(
            "Metrics sink {} failed with {}; sends go on, further faults of it are not logged",
            sink.getClass().getName(),
            e.getClass().getName());
      }
    }
  }
}
