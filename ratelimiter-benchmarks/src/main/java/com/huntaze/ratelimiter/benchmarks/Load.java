package com.huntaze.ratelimiter.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/** Calls from several threads for a time, as fast as the answers come. */
final class Load {
  private static final int DIGITS = 3;

  private Load() {}

  /** One call by a thread. */
  @FunctionalInterface
  interface Call {
    /** {@return how many permits were decided on} */
    int by(int thread);
  }

  /** What came of it: decisions a second, and the nanoseconds that calls took. */
  record Result(long decisions, double seconds, Histogram nanos) {
    double throughput() {
      return decisions / seconds;
    }
  }

  private record Share(long decisions, long start, long end, Histogram nanos) {}

  static Result run(Call call, int threads, double seconds)
      throws InterruptedException, ExecutionException {
    CyclicBarrier start = new CyclicBarrier(threads);
    List<Callable<Share>> shares = new ArrayList<>();
    for (int thread = 0; thread < threads; thread++) {
      int number = thread;
      shares.add(
          () -> {
            start.await();
            return drive(call, number, seconds);
          });
    }
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    try {
      return sum(executor.invokeAll(shares));
    } finally {
      executor.shutdown();
    }
  }

  private static Share drive(Call call, int thread, double seconds) {
    Histogram nanos = new Histogram(DIGITS);
    long decisions = 0;
    long start = System.nanoTime();
    long end = start + (long) (seconds * TimeUnit.SECONDS.toNanos(1));
    long now = start;
    while (now < end) {
      decisions += call.by(thread);
      long answered = System.nanoTime();
      nanos.recordValue(answered - now);
      now = answered;
    }
    return new Share(decisions, start, now, nanos);
  }

  private static Result sum(List<Future<Share>> shares)
      throws InterruptedException, ExecutionException {
    Histogram nanos = new Histogram(DIGITS);
    long decisions = 0;
    long start = Long.MAX_VALUE;
    long end = Long.MIN_VALUE;
    for (Future<Share> future : shares) {
      Share share = future.get();
      nanos.add(share.nanos);
      decisions += share.decisions;
      start = Math.min(start, share.start);
      end = Math.max(end, share.end);
    }
    return new Result(decisions, (end - start) / 1e9, nanos);
  }
}
