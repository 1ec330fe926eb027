package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes the limit for the whole fleet when the API turns calls away, and keeps this process from
 * using permits it has already; five in a row close it for a minute at least. Thread-safe.
 */
final class Brake {
  private static final Logger log = LoggerFactory.getLogger(Dispatcher.class);
  private static final int IN_A_ROW = 5;
  private static final Duration PAUSE = Duration.ofSeconds(60);

  private final TokenBucket bucket;
  private final Ticker ticker;
  private final FaultLog faults;
  private final MetricsSink metrics;
  private int inARow;
  private boolean paused;
  private long pausedUntil;

  Brake(TokenBucket bucket, Ticker ticker, FaultLog faults, MetricsSink metrics) {
    this.bucket = bucket;
    this.ticker = ticker;
    this.faults = faults;
    this.metrics = metrics;
  }

  /** The API took a call, or refused it for another reason than its limit. */
  synchronized void released() {
    inARow = 0;
  }

  /**
   * The API turned a call away.
   *
   * @param creator whose call it was
   * @param retryAfter how long it asked to wait
   */
  void pressed(Scope creator, Duration retryAfter) {
    boolean often = countedOut();
    Duration wait = often && retryAfter.compareTo(PAUSE) < 0 ? PAUSE : retryAfter;
    if (closeAll(creator, wait) || often) {
      pause(wait);
    }
    if (often) {
      metrics.deliveryPaused();
      log.error("The API answered 429 {} times in a row: all work pauses for {}", IN_A_ROW, wait);
    } else {
      log.warn("The API answered 429: closed for {}", wait);
    }
  }

  private synchronized boolean countedOut() {
    inARow = (inARow + 1) % IN_A_ROW;
    return inARow == 0;
  }

  private synchronized void pause(Duration time) {
    long until = ticker.nanos() + time.toNanos();
    if (!paused || until - pausedUntil > 0) {
      pausedUntil = until;
    }
    paused = true;
  }

  /**
   * Closes the limit of all messages where there is one, else the creator's whose call it was.
   *
   * @return whether nobody may call, so that this process had better pause: permits it has been
   *     told of may lie in that time
   */
  private boolean closeAll(Scope creator, Duration wait) {
    try {
      bucket.blockFor(Scope.global(), wait);
      return true;
    } catch (TokenBucketException e) {
      faults.warn("The limit could not be closed after a 429; this process pauses", e);
      return true;
    } catch (IllegalArgumentException noLimitForAll) {
      return closeOne(creator, wait);
    }
  }

  private boolean closeOne(Scope creator, Duration wait) {
    try {
      bucket.blockFor(creator, wait);
      return false;
    } catch (TokenBucketException | IllegalArgumentException e) {
      faults.warn("No limit could be closed after a 429; this process pauses", e);
      return true;
    }
  }

  /** How long this process pauses still; zero if it does not. */
  synchronized Duration pausing() {
    long left = paused ? pausedUntil - ticker.nanos() : 0;
    paused = left > 0;
    return Duration.ofNanos(Math.max(0, left));
  }
}
