package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSource;
import java.time.Duration;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/** What a dispatcher and its deliveries work with. */
final class DispatcherSettings {
  final MessageSource source;
  final TokenBucket bucket;
  final OnlyFansGateway gateway;
  final SentLog sentLog;
  final ResultStore results;
  final MetricsSink metrics;
  final InDoubtPolicy inDoubt;
  final @Nullable FallbackStore heldIn;
  final int concurrency;
  final int mostInHand;
  final Duration pollWait;
  final Duration callTimeout;
  final Duration freshness;
  final Duration bookingHorizon;
  final Duration firstRetry;
  final int retries = 3;
  final Duration failedVisibility = Duration.ofSeconds(60);
  final Duration defaultRetryAfter = Duration.ofSeconds(60);
  final InstantSource clock;
  final Ticker ticker;
  final FaultLog faults = new FaultLog();
  final Brake brake;

  DispatcherSettings(Dispatcher.Builder builder) {
    this.source = builder.source;
    this.bucket = builder.bucket;
    this.gateway = builder.gateway;
    this.sentLog = builder.sentLog == null ? new InMemorySentLog() : builder.sentLog;
    this.results = builder.results == null ? result -> {} : builder.results;
    this.metrics = MetricsSink.guarded(builder.metrics);
    this.inDoubt = builder.inDoubt;
    this.heldIn = builder.heldIn;
    this.concurrency = builder.concurrency;
    this.mostInHand = builder.mostInHand > 0 ? builder.mostInHand : 10 * builder.concurrency;
    this.pollWait = builder.pollWait;
    this.callTimeout = builder.callTimeout;
    this.freshness = builder.freshness;
    this.bookingHorizon = builder.bookingHorizon;
    this.firstRetry = builder.firstRetry;
    this.clock = builder.clock;
    this.ticker = builder.ticker;
    this.brake = new Brake(bucket, ticker, faults);
  }

  /** How long a call may take: twice as long after each that failed, up to four times. */
  Duration callTimeout(int failures) {
    return callTimeout.multipliedBy(1L << Math.min(2, failures));
  }

  /** Longer than a call can take: how long the sent-log waits for its outcome. */
  Duration callLease(int failures) {
    return callTimeout(failures).multipliedBy(2);
  }
}
