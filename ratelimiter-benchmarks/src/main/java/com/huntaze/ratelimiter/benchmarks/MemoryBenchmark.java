package com.huntaze.ratelimiter.benchmarks;

import com.google.common.util.concurrent.RateLimiter;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import io.github.bucket4j.Bucket;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * One permit asked of a limiter that all threads share, in this process.
 *
 * <p>Every answer is checked, so that no contestant is measured at something else: {@link
 * GrantingBenchmark} never refuses, {@link RefusingBenchmark} never grants.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public abstract class MemoryBenchmark {
  /** How long a bucket without a guard lets a grant be repeated under its id. */
  private static final Duration GRACE = Duration.ofMillis(1);

  private final boolean granting;
  private final InMemoryTokenBucket ours;
  private final Bucket bucket4j;
  private final RateLimiter guava;
  private final io.github.resilience4j.ratelimiter.RateLimiter resilience4j;
  private final dev.failsafe.RateLimiter<Object> failsafe;

  /**
   * Makes the limiters.
   *
   * @param granting whether they always grant, or have granted all they ever will
   */
  MemoryBenchmark(boolean granting) {
    this.granting = granting;
    int permits = granting ? 1_000_000_000 : 1;
    Duration period = granting ? Duration.ofSeconds(1) : Duration.ofDays(1);
    RateLimit limit =
        granting
            ? RateLimit.rolling(100_000, Duration.ofMillis(1))
            : RateLimit.rolling(1, Duration.ofDays(1));
    ours = InMemoryTokenBucket.builder(limit).guard(Duration.ZERO).grace(GRACE).build();
    bucket4j =
        Bucket.builder()
            .addLimit(bandwidth -> bandwidth.capacity(permits).refillGreedy(permits, period))
            .build();
    guava = RateLimiter.create((double) permits / period.toSeconds());
    resilience4j =
        io.github.resilience4j.ratelimiter.RateLimiter.of(
            "benchmark",
            RateLimiterConfig.custom()
                .limitForPeriod(permits)
                .limitRefreshPeriod(period)
                .timeoutDuration(Duration.ZERO)
                .build());
    failsafe = dev.failsafe.RateLimiter.burstyBuilder(permits, period).build();
    if (!granting) {
      boolean all =
          ours.tryAcquire()
              && bucket4j.tryConsume(1)
              && guava.tryAcquire()
              && resilience4j.acquirePermission()
              && failsafe.tryAcquirePermit();
      if (!all) {
        throw new IllegalStateException("a limiter refused its only permit");
      }
    }
  }

  /**
   * The requests of one thread, made in advance and asked in turn. A grant is remembered for a
   * millisecond under its id, and no thread comes through 65,536 of them within that, so every
   * request is a fresh one.
   */
  @State(Scope.Thread)
  public static class Requests {
    private static final int COUNT = 1 << 16;
    private static final AtomicInteger THREADS = new AtomicInteger();

    private final PermitRequest[] requests = new PermitRequest[COUNT];
    private int next;

    /** Makes them. */
    public Requests() {
      int thread = THREADS.incrementAndGet();
      for (int i = 0; i < COUNT; i++) {
        requests[i] = PermitRequest.of(thread + "-" + i);
      }
    }

    PermitRequest next() {
      next = (next + 1) & (COUNT - 1);
      return requests[next];
    }
  }

  /**
   * Ours, for a caller that needs no id.
   *
   * @return the answer
   */
  @Benchmark
  public boolean oursWithoutIds() {
    return checked(ours.tryAcquire());
  }

  /**
   * Ours, remembering each grant under its id.
   *
   * @param requests those of this thread
   * @return the answer
   */
  @Benchmark
  public boolean oursWithIds(Requests requests) {
    return checked(ours.tryAcquire(requests.next()) instanceof Permit.Granted);
  }

  /**
   * Bucket4j's greedy token bucket, lock-free.
   *
   * @return the answer
   */
  @Benchmark
  public boolean bucket4j() {
    return checked(bucket4j.tryConsume(1));
  }

  /**
   * Guava's smooth bursty limiter.
   *
   * @return the answer
   */
  @Benchmark
  public boolean guava() {
    return checked(guava.tryAcquire());
  }

  /**
   * resilience4j's fixed cycles.
   *
   * @return the answer
   */
  @Benchmark
  public boolean resilience4j() {
    return checked(resilience4j.acquirePermission());
  }

  /**
   * Failsafe's bursty limiter.
   *
   * @return the answer
   */
  @Benchmark
  public boolean failsafe() {
    return checked(failsafe.tryAcquirePermit());
  }

  private boolean checked(boolean granted) {
    if (granted != granting) {
      throw new IllegalStateException(granted ? "granted" : "refused");
    }
    return granted;
  }
}
