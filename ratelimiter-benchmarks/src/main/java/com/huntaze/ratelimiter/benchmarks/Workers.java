package com.huntaze.ratelimiter.benchmarks;

import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/** Threads that do the same again and again until they are closed. */
final class Workers implements MeasuredStore.Running {
  private final ExecutorService executor;
  private volatile boolean closed;

  private Workers(ExecutorService executor) {
    this.executor = executor;
  }

  /**
   * Starts them.
   *
   * @param name of the threads
   * @param threads how many
   * @param pause how long one rests when there was nothing more to do
   * @param work what each does; whether there is likely more to do
   */
  static Workers start(String name, int threads, Duration pause, BooleanSupplier work) {
    Workers workers = new Workers(executor(name, threads));
    for (int i = 0; i < threads; i++) {
      workers.executor.execute(() -> workers.run(work, pause));
    }
    return workers;
  }

  static ExecutorService executor(String name, int threads) {
    AtomicInteger number = new AtomicInteger();
    return Executors.newFixedThreadPool(
        threads, task -> new Thread(task, name + "-" + number.incrementAndGet()));
  }

  private void run(BooleanSupplier work, Duration pause) {
    while (!closed) {
      if (!work.getAsBoolean()) {
        try {
          Thread.sleep(pause.toMillis());
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return;
        }
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    end(executor);
  }

  /** Lets an executor do what it has, and waits for it. */
  static void end(ExecutorService executor) {
    executor.shutdown();
    try {
      if (!executor.awaitTermination(1, TimeUnit.MINUTES)) {
        throw new IllegalStateException("a worker does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
