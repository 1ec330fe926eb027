package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSource;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** What a dispatcher and its deliveries work with. */
final class DispatcherSettings {
  private static final int MOST_DOUBLINGS = 2;
  private static final Duration A_MINUTE = Duration.ofMinutes(1);

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
  final int mostReceives;
  final boolean keepsResults;
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

  /** Since when each delivery has been between its permit and the end of its call. */
  private final Map<Delivery, Long> calling = new ConcurrentHashMap<>();

  DispatcherSettings(Dispatcher.Builder builder) {
    this.source = builder.source;
    this.bucket = builder.bucket;
    this.gateway = builder.gateway;
    this.sentLog = builder.sentLog == null ? new InMemorySentLog() : builder.sentLog;
    this.keepsResults = builder.results != null;
    this.results = builder.results == null ? result -> {} : builder.results;
    this.metrics = MetricsSink.guarded(builder.metrics);
    this.inDoubt = builder.inDoubt;
    this.heldIn = builder.heldIn;
    this.concurrency = builder.concurrency;
    this.mostInHand =
        builder.mostInHand > 0
            ? builder.mostInHand
            : source.keepsOrder() ? builder.concurrency : 10 * builder.concurrency;
    this.mostReceives = builder.mostReceives;
    this.pollWait = builder.pollWait;
    this.callTimeout = builder.callTimeout;
    this.freshness = builder.freshness;
    this.bookingHorizon = builder.bookingHorizon;
    this.firstRetry = builder.firstRetry;
    this.clock = builder.clock;
    this.ticker = builder.ticker;
    this.brake = new Brake(bucket, ticker, faults, metrics);
  }

  void calling(Delivery delivery) {
    calling.put(delivery, ticker.nanos());
  }

  void called(Delivery delivery) {
    calling.remove(delivery);
  }

  /** Tells how many messages are in doubt; for a gauge that is looked at every so often. */
  void tellInDoubt() {
    try {
      sentLog.inDoubt().ifPresent(metrics::ambiguousSends);
    } catch (RuntimeException | Error e) { // one that got away would end the looks
      faults.warn("The sent-log cannot count what is in doubt", e);
    }
  }

  /** Whether a delivery is in a call for longer than that can take: it hangs. */
  boolean isStuck() {
    long now = ticker.nanos();
    long longest = callLease(MOST_DOUBLINGS).plus(A_MINUTE).toNanos();
    return calling.values().stream().anyMatch(since -> now - since > longest);
  }

  /** How long a call may take: twice as long after each that failed, up to four times. */
  Duration callTimeout(int failures) {
    return callTimeout.multipliedBy(1L << Math.min(MOST_DOUBLINGS, failures));
  }

  /** Longer than a call can take: how long the sent-log waits for its outcome. */
  Duration callLease(int failures) {
    return callTimeout(failures).multipliedBy(2);
  }
}
