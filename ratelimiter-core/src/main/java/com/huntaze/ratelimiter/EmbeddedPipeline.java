package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.delivery.SentLogException;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Queue and dispatcher of the embedded topology. Thread-safe. */
final class EmbeddedPipeline {
  private static final Logger log = LoggerFactory.getLogger(RateLimitedOnlyFansClient.class);

  private final TokenBucket bucket;
  private final InMemoryQueue queue;
  private final Dispatcher dispatcher;
  private final SentLog sentLog;
  private final boolean keepsResults;

  private EmbeddedPipeline(
      RateLimitedOnlyFansClient.Builder builder,
      OnlyFansGateway gateway,
      TokenBucket bucket,
      MetricsSink metrics) {
    this.bucket = bucket;
    this.queue = new InMemoryQueue(builder.queueCapacity, builder.ticker);
    this.sentLog = builder.sentLog;
    Dispatcher.Builder settings =
        Dispatcher.builder(queue, bucket, gateway)
            .sentLog(builder.sentLog)
            .metrics(metrics)
            .clock(builder.clock)
            .ticker(builder.ticker);
    if (builder.store != null) {
      settings.heldIn(builder.store);
    }
    if (builder.results != null) {
      settings.results(builder.results);
    }
    this.keepsResults = builder.results != null;
    this.dispatcher = settings.build();
  }

  /** The pipeline a builder asks for; null if it asks for none. */
  static @Nullable EmbeddedPipeline of(
      RateLimitedOnlyFansClient.Builder builder, MetricsSink metrics) {
    if (builder.embeddedGateway == null || builder.embeddedLimit == null) {
      return null;
    }
    TokenBucket bucket =
        builder.bucket != null
            ? builder.bucket
            : InMemoryTokenBucket.builder(builder.embeddedLimit)
                .clock(builder.clock)
                .ticker(builder.ticker)
                .build();
    return new EmbeddedPipeline(builder, builder.embeddedGateway, bucket, metrics);
  }

  TokenBucket bucket() {
    return bucket;
  }

  InMemoryQueue queue() {
    return queue;
  }

  /** Whether there is a place for what actions read. */
  boolean keepsResults() {
    return keepsResults;
  }

  void start() {
    dispatcher.start();
  }

  /** What was not delivered when the pipeline closed. */
  record Left(List<OutboundMessage> unsent, List<OutboundMessage> inDoubt) {}

  /** Stops delivering and hands over what was not delivered. */
  Left close(Duration deadline) {
    dispatcher.close(deadline);
    InMemoryQueue.Drained drained = queue.drain();
    List<OutboundMessage> unsent = new ArrayList<>();
    List<OutboundMessage> inDoubt = new ArrayList<>();
    for (OutboundMessage message : drained.handedOut()) {
      switch (beginAgain(message)) {
        case STARTED -> unsent.add(message);
        case ALREADY_SENT -> log.debug("Message {} was delivered", message.messageId());
        case IN_PROGRESS, IN_DOUBT -> inDoubt.add(message);
      }
    }
    unsent.addAll(drained.waiting());
    return new Left(unsent, inDoubt);
  }

  /** Asks the sent-log what became of a message, and leaves no trace there. */
  private SentLog.Begin beginAgain(OutboundMessage message) {
    try {
      SentLog.Claim claim = new SentLog.Claim(message.messageId(), message.revival(), "close");
      SentLog.Begin begin = sentLog.begin(claim, Duration.ofSeconds(1), InDoubtPolicy.HOLD);
      if (begin == SentLog.Begin.STARTED) {
        sentLog.notSent(claim);
      }
      return begin;
    } catch (SentLogException e) {
      log.warn("The sent-log cannot be asked about {}: {}", message.messageId(), e.toString());
      return SentLog.Begin.IN_DOUBT;
    }
  }
}
