package com.huntaze.ratelimiter;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** The client's own threads, with a bounded buffer before them. Thread-safe. */
final class AsyncSends implements Executor {
  private static final int THREADS = 8;

  private final ThreadPoolExecutor pool;

  AsyncSends(int capacity) {
    AtomicInteger count = new AtomicInteger();
    this.pool =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(capacity),
            task -> {
              Thread thread = new Thread(task, "ratelimiter-send-" + count.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
  }

  /**
   * One send that waits for a thread. {@code spill} is what is done instead if the client closes
   * first.
   */
  private record Waiting(
      CompletableFuture<SendResult> future, Supplier<SendResult> send, Supplier<SendResult> spill)
      implements Runnable {
    @Override
    public void run() {
      complete(send);
    }

    void complete(Supplier<SendResult> how) {
      try {
        future.complete(how.get());
      } catch (RuntimeException | Error e) {
        future.completeExceptionally(e);
        throw e;
      }
    }
  }

  /** Sends on another thread; completes with {@code full} if the buffer is. */
  CompletableFuture<SendResult> submit(
      Supplier<SendResult> send, Supplier<SendResult> spill, Supplier<SendResult> full) {
    CompletableFuture<SendResult> future = new CompletableFuture<>();
    try {
      pool.execute(new Waiting(future, send, spill));
    } catch (RejectedExecutionException e) {
      future.complete(full.get());
    }
    return future;
  }

  @Override
  public void execute(Runnable task) {
    pool.execute(task);
  }

  /** Finishes what waits; what cannot be finished in time is spilled. Idempotent. */
  void close(Duration deadline) {
    pool.shutdown();
    try {
      if (pool.awaitTermination(deadline.toNanos(), TimeUnit.NANOSECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    List<Runnable> left = pool.shutdownNow();
    for (Runnable each : left) {
      if (each instanceof Waiting waiting) {
        waiting.complete(waiting.spill());
      }
    }
  }
}
