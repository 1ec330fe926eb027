package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.util.List;

/** Queue and dispatcher of the embedded topology. Thread-safe. */
final class EmbeddedPipeline {
  private final InMemoryQueue queue;
  private final Dispatcher dispatcher;

  EmbeddedPipeline(
      RateLimitedOnlyFansClient.Builder builder,
      OnlyFansGateway gateway,
      TokenBucket bucket,
      MetricsSink metrics) {
    this.queue = new InMemoryQueue(builder.queueCapacity, builder.ticker);
    this.dispatcher =
        Dispatcher.builder(queue, bucket, gateway)
            .sentLog(builder.sentLog)
            .metrics(metrics)
            .clock(builder.clock)
            .ticker(builder.ticker)
            .build();
  }

  InMemoryQueue queue() {
    return queue;
  }

  void start() {
    dispatcher.start();
  }

  /** Stops delivering and hands over what was not delivered. */
  List<OutboundMessage> close(Duration deadline) {
    dispatcher.close(deadline);
    return queue.drain();
  }
}
