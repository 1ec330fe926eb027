package com.huntaze.ratelimiter.metrics;

import com.huntaze.ratelimiter.queue.Priority;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Hands every event to two sinks. */
final class BothMetrics implements MetricsSink {
  private final MetricsSink first;
  private final MetricsSink second;

  BothMetrics(MetricsSink first, MetricsSink second) {
    this.first = first;
    this.second = second;
  }

  @Override
  public void messageQueued(Priority priority, Duration latency) {
    first.messageQueued(priority, latency);
    second.messageQueued(priority, latency);
  }

  @Override
  public void messageSent(Priority priority, Duration apiLatency, Duration endToEnd) {
    first.messageSent(priority, apiLatency, endToEnd);
    second.messageSent(priority, apiLatency, endToEnd);
  }

  @Override
  public void messageFailed(Priority priority) {
    first.messageFailed(priority);
    second.messageFailed(priority);
  }

  @Override
  public void rateLimited(Priority priority) {
    first.rateLimited(priority);
    second.rateLimited(priority);
  }

  @Override
  public void messageStored(Priority priority) {
    first.messageStored(priority);
    second.messageStored(priority);
  }

  @Override
  public void messageReplayed(Priority priority) {
    first.messageReplayed(priority);
    second.messageReplayed(priority);
  }

  @Override
  public void circuitBreakerOpened() {
    first.circuitBreakerOpened();
    second.circuitBreakerOpened();
  }

  @Override
  public void record(MetricName name, @Nullable Priority priority, double value) {
    first.record(name, priority, value);
    second.record(name, priority, value);
  }

  @Override
  public void apiAnswered(int statusCode) {
    first.apiAnswered(statusCode);
    second.apiAnswered(statusCode);
  }

  @Override
  public void deliveryEnded(boolean delivered, Duration duration) {
    first.deliveryEnded(delivered, duration);
    second.deliveryEnded(delivered, duration);
  }

  @Override
  public void deliveryPaused() {
    first.deliveryPaused();
    second.deliveryPaused();
  }

  @Override
  public void limiterClosed() {
    first.limiterClosed();
    second.limiterClosed();
  }

  @Override
  public void queueDepth(long waiting) {
    first.queueDepth(waiting);
    second.queueDepth(waiting);
  }

  @Override
  public void fallbackDepth(long waiting, Duration oldest) {
    first.fallbackDepth(waiting, oldest);
    second.fallbackDepth(waiting, oldest);
  }

  @Override
  public void ambiguousSends(long messages) {
    first.ambiguousSends(messages);
    second.ambiguousSends(messages);
  }
}
