package com.huntaze.ratelimiter.benchmarks;

import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.TokenBucket;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * How long a backlog takes: five hundred ids wait for a limit of ten a second on a real Redis, each
 * books its instant, comes back when that is due, and redeems it.
 *
 * <p>Sixteen threads with a connection each do the asking. The ideal is ten at once and ten more
 * every second; no guard is added to the window. An id is done when the delay of its grant is over.
 */
final class DrainPart {
  private static final int IDS = 500;
  private static final int THREADS = 16;
  private static final RateLimit LIMIT = RateLimit.rolling(10, Duration.ofSeconds(1));
  private static final Duration HORIZON = Duration.ofMinutes(5);
  private static final double ASKED_OF_IDEAL = 1.003;

  /** An id that was granted, the instant it is counted at, and the calls it took. */
  private record Drained(Instant at, int calls) {}

  void run() {
    try (MeasuredRedis redis = MeasuredRedis.start()) {
      RedisLimiters limiters = new RedisLimiters(redis);
      TokenBucket bucket = limiters.bucket("drain", LIMIT);
      bucket.release(limiters.nextId()); // Connects, before time counts.
      ExecutorService executor = Executors.newFixedThreadPool(THREADS);
      try {
        long start = System.nanoTime();
        List<CompletableFuture<Drained>> ids =
            Stream.generate(() -> new Waiting(limiters.nextId(), bucket, executor))
                .limit(IDS)
                .map(Waiting::drain)
                .toList();
        List<Drained> drained = ids.stream().map(CompletableFuture::join).toList();
        print(drained, (System.nanoTime() - start) / 1e9);
      } finally {
        executor.shutdownNow();
      }
    }
  }

  private static void print(List<Drained> drained, double seconds) {
    double ideal = LIMIT.idealSpan(IDS).toMillis() / 1e3;
    Grants grants = new Grants();
    drained.stream()
        .map(Drained::at)
        .sorted()
        .mapToLong(at -> ChronoUnit.NANOS.between(Instant.EPOCH, at))
        .forEach(nanos -> grants.add(nanos, nanos));
    Table table =
        Table.titled(
            "Draining " + IDS + " through " + LIMIT,
            "ideal seconds",
            "ms over ideal",
            "of ideal",
            "calls an id, mean",
            "most",
            "most grants in any window");
    table.row(
        ideal,
        (seconds - ideal) * 1e3,
        seconds / ideal,
        drained.stream().mapToInt(Drained::calls).average().orElseThrow(),
        drained.stream().mapToInt(Drained::calls).max().orElseThrow(),
        grants.mostInAnyWindow(LIMIT.window().toNanos()));
    Bars bars = new Bars("Draining");
    bars.atMost("time, of ideal", ASKED_OF_IDEAL, seconds / ideal);
    bars.atMost(
        "most grants in any window",
        LIMIT.permits(),
        grants.mostInAnyWindow(LIMIT.window().toNanos()));
  }

  /** One id on its way to its permit; at most one thread at a time is busy with it. */
  private static final class Waiting {
    private final PermitRequest request;
    private final TokenBucket bucket;
    private final Executor executor;
    private int calls;

    private Waiting(String id, TokenBucket bucket, Executor executor) {
      this.request = PermitRequest.of(id).bookingUpTo(HORIZON);
      this.bucket = bucket;
      this.executor = executor;
    }

    private CompletableFuture<Drained> drain() {
      return askAfter(Duration.ZERO);
    }

    private CompletableFuture<Drained> askAfter(Duration delay) {
      return CompletableFuture.supplyAsync(this::ask, after(delay)).thenCompose(this::heed);
    }

    private Permit ask() {
      calls++;
      return bucket.tryAcquire(request);
    }

    private CompletableFuture<Drained> heed(Permit permit) {
      if (permit instanceof Permit.Granted granted) {
        return CompletableFuture.supplyAsync(
            () -> new Drained(granted.at(), calls), after(granted.delay()));
      }
      return askAfter(
          permit instanceof Permit.Booked booked
              ? booked.delay()
              : ((Permit.Refused) permit).retryAfter());
    }

    private Executor after(Duration delay) {
      return CompletableFuture.delayedExecutor(delay.toNanos(), TimeUnit.NANOSECONDS, executor);
    }
  }
}
