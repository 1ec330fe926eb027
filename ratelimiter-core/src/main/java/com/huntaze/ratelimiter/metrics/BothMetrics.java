package com.huntaze.ratelimiter.metrics;

import com.huntaze.ratelimiter.queue.Priority;
import java.time.Duration;

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
}
