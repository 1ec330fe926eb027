package com.huntaze.ratelimiter.benchmarks;

import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What a million creators cost the bucket of one process that are seen once and then no more: the
 * heap in use before, with all of them inside their window, and after, when others have gone on
 * asking.
 */
final class HeapPart {
  private static final int CREATORS = 1_000_000;
  private static final int LATER_CALLS = 20_000;
  private static final Duration WINDOW = Duration.ofMinutes(1);

  private final AtomicLong nanos = new AtomicLong();

  void run() {
    InMemoryTokenBucket bucket =
        InMemoryTokenBucket.builder(RateLimit.rolling(1_000_000, WINDOW))
            .limit(Scope.Kind.CREATOR, RateLimit.rolling(10, WINDOW))
            .ticker(nanos::get)
            .build();
    bucket.tryAcquire();
    double before = usedMegabytes();
    for (int i = 0; i < CREATORS; i++) {
      nanos.addAndGet(50_000);
      bucket.tryAcquire(PermitRequest.of("m" + i, Scope.creator("creator-" + i)));
    }
    double full = usedMegabytes();
    nanos.addAndGet(WINDOW.multipliedBy(2).toNanos());
    for (int i = 0; i < LATER_CALLS; i++) {
      nanos.addAndGet(1_000);
      bucket.tryAcquire();
    }
    double after = usedMegabytes();
    Table table =
        Table.titled("Heap of the bucket in memory", "heap in use", "MB", "bytes a creator");
    table.row("before", before, "");
    table.row("a million creators within their window", full, (full - before) * 1e6 / CREATORS);
    table.row(
        "two windows and " + LATER_CALLS + " calls of others later",
        after,
        (after - before) * 1e6 / CREATORS);
  }

  private static double usedMegabytes() {
    Runtime runtime = Runtime.getRuntime();
    double used = Double.MAX_VALUE;
    for (int i = 0; i < 5; i++) {
      System.gc();
      used = Math.min(used, (runtime.totalMemory() - runtime.freeMemory()) / 1e6);
    }
    return used;
  }
}
