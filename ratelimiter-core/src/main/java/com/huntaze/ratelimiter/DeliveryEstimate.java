package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.queue.MessageSink;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When the next message accepted is likely to be delivered: after what waits before it, at the
 * limit's pace. What waits is looked at once a second at most, in the background; in between,
 * accepted messages are counted. Thread-safe; never delays a send.
 */
final class DeliveryEstimate {
  private static final Logger log = LoggerFactory.getLogger(DeliveryEstimate.class);
  private static final long LOOK_EVERY_NANOS = Duration.ofSeconds(1).toNanos();

  private record Look(long nanos, long waiting, BucketState bucket) {}

  private final MessageSink sink;
  private final @Nullable TokenBucket bucket;
  private final Executor executor;
  private final InstantSource clock;
  private final Ticker ticker;
  private final AtomicLong acceptedSince = new AtomicLong();
  private final AtomicBoolean looking = new AtomicBoolean();
  private volatile @Nullable Look look;
  private volatile long triedAt;

  DeliveryEstimate(
      MessageSink sink,
      @Nullable TokenBucket bucket,
      Executor executor,
      InstantSource clock,
      Ticker ticker) {
    this.sink = sink;
    this.bucket = bucket;
    this.executor = executor;
    this.clock = clock;
    this.ticker = ticker;
    refresh();
  }

  /** Counts one more accepted message, and says when it is likely to go; null if nobody knows. */
  @Nullable Instant next() {
    Look last = look;
    long ahead = acceptedSince.getAndIncrement();
    if (ticker.nanos() - triedAt > LOOK_EVERY_NANOS) {
      refresh();
    }
    if (last == null) {
      return null;
    }
    Instant now = clock.instant();
    BucketState state = last.bucket;
    long window = Math.round(state.capacity() / state.refillRate() * 1e9);
    long beyond = last.waiting + ahead - state.tokens();
    if (beyond < 0) {
      return now;
    }
    Duration firstPermit =
        state.nextPermitIn().isZero() ? Duration.ofNanos(window) : state.nextPermitIn();
    return now.plus(firstPermit).plusNanos(beyond / state.capacity() * window);
  }

  private void refresh() {
    TokenBucket asked = bucket;
    if (asked == null || !looking.compareAndSet(false, true)) {
      return;
    }
    triedAt = ticker.nanos();
    try {
      executor.execute(
          () -> {
            try {
              long waiting = sink.depth().waiting();
              acceptedSince.set(0);
              look = new Look(ticker.nanos(), waiting, asked.state(Scope.global()));
            } catch (RuntimeException e) {
              look = null;
              log.debug(
                  "The backlog cannot be looked at; there are no estimates for now: {}",
                  e.toString());
            } finally {
              looking.set(false);
            }
          });
    } catch (RejectedExecutionException e) {
      looking.set(false); // busy or closing: an older estimate will do
    }
  }
}
