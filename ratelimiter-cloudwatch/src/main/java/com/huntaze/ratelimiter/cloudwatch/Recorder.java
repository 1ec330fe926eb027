package com.huntaze.ratelimiter.cloudwatch;

import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.queue.Priority;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes values from any number of threads, none of which ever waits: each has a stripe to begin
 * with, and goes on to the next one while another thread is at it. Thread-safe.
 */
final class Recorder {
  private static final Logger log = LoggerFactory.getLogger(Recorder.class);

  /** CloudWatch takes nothing beyond, and nothing nearer to zero than its inverse. */
  private static final double MOST = 0x1p360;

  private static final double LEAST = 0x1p-360;

  private static final int LEAST_STRIPES = 16;
  private static final int ROUNDS = 64;

  private final Stripe[] stripes;
  private final LongAdder invalid = new LongAdder();
  private final LongAdder crowdedOut = new LongAdder();
  private boolean saidInvalid;

  Recorder() {
    int atLeast = Math.max(LEAST_STRIPES, 4 * Runtime.getRuntime().availableProcessors());
    stripes = new Stripe[Integer.highestOneBit(2 * atLeast - 1)];
    for (int i = 0; i < stripes.length; i++) {
      stripes[i] = new Stripe();
    }
  }

  void record(MetricName name, @Nullable Priority priority, double value) {
    double size = Math.abs(value);
    if (!(size <= MOST)) {
      invalid.increment();
      return;
    }
    double taken = size < LEAST ? 0 : value;
    int last = stripes.length - 1;
    int first = (int) ((Thread.currentThread().getId() * 0x9E3779B97F4A7C15L) >>> 40);
    for (int i = 0; i < ROUNDS * stripes.length; i++) {
      if (stripes[(first + i) & last].tryAdd(name, priority, taken)) {
        return;
      }
    }
    crowdedOut.increment(); // more threads than stripes lost the processor at work, all at once
  }

  /** Takes out all that was recorded. By one thread at a time, which may log. */
  Cells drain() {
    Cells all = new Cells();
    for (Stripe stripe : stripes) {
      all.addAll(stripe.drain());
    }
    return all;
  }

  /** {@return how many values were given up since this was last asked} By one thread at a time. */
  long drainDropped() {
    long notNumbers = invalid.sumThenReset();
    if (notNumbers > 0 && !saidInvalid) {
      saidInvalid = true;
      log.warn(
          "{} values are no numbers, or beyond what CloudWatch takes; such are given up and"
              + " counted as {}, and not logged again",
          notNumbers,
          MetricName.METRICS_DROPPED.wireName());
    }
    return notNumbers + crowdedOut.sumThenReset();
  }
}
