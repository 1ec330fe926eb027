package com.huntaze.ratelimiter.benchmarks;

import com.huntaze.ratelimiter.benchmarks.AsyncSender.Outcome;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/** Sends from several threads for a time, as fast as a number of messages in flight allows. */
final class AsyncLoad {
  private static final int THREADS = 4;
  private static final int IN_FLIGHT = 400;
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private final AsyncSender sender;
  private final Semaphore room = new Semaphore(IN_FLIGHT);
  private final Histogram nanos = new ConcurrentHistogram(3);
  private final LongAdder sent = new LongAdder();
  private final LongAdder taken = new LongAdder();

  private AsyncLoad(AsyncSender sender) {
    this.sender = sender;
  }

  /**
   * What came of it.
   *
   * @param sent how many messages
   * @param notTaken how many of them the queue does not have
   * @param throughput how many the queue took a second, the last ones in flight not counted
   * @param cpuNanos the processors' time that this JVM used, its compiler's and collector's
   *     included
   * @param nanos what each message took
   */
  record Result(long sent, long notTaken, double throughput, long cpuNanos, Histogram nanos) {}

  static Result run(AsyncSender sender, double seconds) throws InterruptedException {
    return new AsyncLoad(sender).run(seconds);
  }

  private Result run(double seconds) throws InterruptedException {
    long cpu = SYSTEM.getProcessCpuTime();
    long start = System.nanoTime();
    long end = start + (long) (seconds * TimeUnit.SECONDS.toNanos(1));
    Thread[] threads = new Thread[THREADS];
    for (int i = 0; i < THREADS; i++) {
      threads[i] = new Thread(() -> sendUntil(end), "load-" + i);
      threads[i].start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    double throughput = taken.sum() * 1e9 / (System.nanoTime() - start);
    room.acquire(IN_FLIGHT);
    long cpuNanos = SYSTEM.getProcessCpuTime() - cpu;
    return new Result(sent.sum(), sent.sum() - taken.sum(), throughput, cpuNanos, nanos);
  }

  private void sendUntil(long end) {
    for (long now = System.nanoTime(); now < end; now = System.nanoTime()) {
      room.acquireUninterruptibly();
      long start = System.nanoTime();
      sent.increment();
      CompletableFuture<Void> unused = sender.send().thenAccept(outcome -> done(outcome, start));
    }
  }

  private void done(Outcome outcome, long start) {
    nanos.recordValue(System.nanoTime() - start);
    if (outcome == Outcome.TAKEN) {
      taken.increment();
    }
    room.release();
  }
}
