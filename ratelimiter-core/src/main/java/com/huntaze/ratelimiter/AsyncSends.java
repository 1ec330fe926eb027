package com.huntaze.ratelimiter;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;

/** The client's own threads, with a bounded buffer before them. Thread-safe. */
final class AsyncSends implements Executor {
  private static final int THREADS = 8;
  private static final int MAX_BATCH = 10;

  private final ThreadPoolExecutor pool;
  private final Function<List<OnlyFansMessage>, List<SendResult>> send;
  private final Function<List<OnlyFansMessage>, List<SendResult>> spill;

  /**
   * Sets up the threads.
   *
   * @param capacity how many sends may wait
   * @param send what is done with up to ten of them
   * @param spill what is done instead if the client closes first
   */
  AsyncSends(
      int capacity,
      Function<List<OnlyFansMessage>, List<SendResult>> send,
      Function<List<OnlyFansMessage>, List<SendResult>> spill) {
    this.send = send;
    this.spill = spill;
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

  /** One send that waits for a thread; whichever thread takes it takes those behind it along. */
  private final class Waiting implements Runnable {
    final OnlyFansMessage message;
    final CompletableFuture<SendResult> future = new CompletableFuture<>();

    Waiting(OnlyFansMessage message) {
      this.message = message;
    }

    @Override
    public void run() {
      List<Waiting> batch = new ArrayList<>(List.of(this));
      while (batch.size() < MAX_BATCH && pool.getQueue().peek() instanceof Waiting next) {
        if (pool.getQueue().remove(next)) {
          batch.add(next);
        }
      }
      complete(batch, send);
    }
  }

  private static void complete(
      List<Waiting> batch, Function<List<OnlyFansMessage>, List<SendResult>> how) {
    try {
      List<SendResult> results = how.apply(batch.stream().map(each -> each.message).toList());
      for (int i = 0; i < batch.size(); i++) {
        batch.get(i).future.complete(results.get(i));
      }
    } catch (RuntimeException | Error e) {
      batch.forEach(each -> each.future.completeExceptionally(e));
      throw e;
    }
  }

  /** Sends on another thread; completes with {@code full} if the buffer is. */
  CompletableFuture<SendResult> submit(OnlyFansMessage message, Supplier<SendResult> full) {
    Waiting waiting = new Waiting(message);
    try {
      pool.execute(waiting);
    } catch (RejectedExecutionException e) {
      waiting.future.complete(full.get());
    }
    return waiting.future;
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
        complete(List.of(waiting), spill);
      }
    }
  }
}
