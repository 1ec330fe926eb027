package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.limit.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The threads of a running dispatcher: one that asks, those that deliver, one that keeps alive. */
final class DispatcherThreads {
  private final ExecutorService poller =
      Executors.newSingleThreadExecutor(named("ratelimiter-dispatcher-"));
  private final ExecutorService workers;
  private final int concurrency;
  private final ScheduledExecutorService heart =
      Executors.newSingleThreadScheduledExecutor(named("ratelimiter-heartbeat-"));

  private final ScheduledExecutorService gauges =
      Executors.newSingleThreadScheduledExecutor(named("ratelimiter-gauges-"));

  DispatcherThreads(int concurrency) {
    this.concurrency = concurrency;
    this.workers = Executors.newFixedThreadPool(concurrency, named("ratelimiter-delivery-"));
  }

  void poll(Runnable task) {
    poller.execute(task);
  }

  /** The same task on each sender. */
  void work(Runnable task) {
    for (int i = 0; i < concurrency; i++) {
      workers.execute(task);
    }
  }

  void beat(Runnable task, Duration interval) {
    long nanos = interval.toNanos();
    ScheduledFuture<?> unused =
        heart.scheduleWithFixedDelay(task, nanos, nanos, TimeUnit.NANOSECONDS);
  }

  /** Looks at what is to be told every so often, beside all other work: the look may be slow. */
  void look(Runnable task, Duration interval) {
    long nanos = interval.toNanos();
    ScheduledFuture<?> unused =
        gauges.scheduleWithFixedDelay(task, nanos, nanos, TimeUnit.NANOSECONDS);
  }

  /** Lets tasks end, interrupts those that do not in time; answers whether all did. */
  boolean end(Duration deadline, Ticker ticker) throws InterruptedException {
    gauges.shutdown(); // a look under way is not interrupted, which may close an H2 database
    long end = ticker.nanos() + deadline.toNanos();
    List<ExecutorService> inOrder = List.of(poller, workers, heart); // each may need the next
    boolean ended = true;
    try {
      for (ExecutorService each : inOrder) {
        each.shutdown(); // not interrupted: what a cut receive had taken would stay hidden
        ended &= each.awaitTermination(end - ticker.nanos(), TimeUnit.NANOSECONDS);
      }
    } finally {
      inOrder.forEach(ExecutorService::shutdownNow);
    }
    return ended;
  }

  private static ThreadFactory named(String prefix) {
    AtomicInteger count = new AtomicInteger();
    return task -> {
      Thread thread = new Thread(task, prefix + count.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }
}
