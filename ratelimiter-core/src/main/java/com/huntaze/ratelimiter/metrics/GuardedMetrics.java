package com.huntaze.ratelimiter.metrics;

import com.huntaze.ratelimiter.queue.Priority;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
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

  @Override
  public void record(MetricName name, @Nullable Priority priority, double value) {
    guard(() -> sink.record(name, priority, value));
  }

  @Override
  public void apiAnswered(int statusCode) {
    guard(() -> sink.apiAnswered(statusCode));
  }

  @Override
  public void deliveryEnded(boolean delivered, Duration duration) {
    guard(() -> sink.deliveryEnded(delivered, duration));
  }

  @Override
  public void deliveryPaused() {
    guard(sink::deliveryPaused);
  }

  @Override
  public void limiterClosed() {
    guard(sink::limiterClosed);
  }

  @Override
  public void queueDepth(long waiting) {
    guard(() -> sink.queueDepth(waiting));
  }

  @Override
  public void fallbackDepth(long waiting, Duration oldest) {
    guard(() -> sink.fallbackDepth(waiting, oldest));
  }

  @Override
  public void ambiguousSends(long messages) {
    guard(() -> sink.ambiguousSends(messages));
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
