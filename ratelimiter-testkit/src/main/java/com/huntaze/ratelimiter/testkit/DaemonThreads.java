package com.huntaze.ratelimiter.testkit;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The kit's own threads: one for each task under way, named after their owner, never what keeps a
 * JVM alive, and gone when this is closed. Thread-safe.
 */
final class DaemonThreads implements Executor, AutoCloseable {
  private static final Duration END = Duration.ofSeconds(5);

  private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
  private final AtomicInteger count = new AtomicInteger();
  private final String owner;
  private final ExecutorService pool;

  DaemonThreads(String owner) {
    this.owner = owner;
    this.pool = Executors.newCachedThreadPool(this::thread);
  }

  @Override
  public void execute(Runnable task) {
    pool.execute(task);
  }

  Future<?> submit(Runnable task) {
    return pool.submit(task);
  }

  /** Interrupts what is under way and waits until the threads have ended, 5 s at most. */
  @Override
  public void close() {
    pool.shutdownNow();
    long deadline = System.nanoTime() + END.toNanos();
    try {
      for (Thread thread : threads) {
        thread.join(Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
        if (thread.isAlive()) {
          throw new IllegalStateException(thread.getName() + " still runs after " + END);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Thread thread(Runnable task) {
    threads.removeIf(thread -> thread.getState() == Thread.State.TERMINATED);
    Thread thread = new Thread(task, owner + "-" + count.incrementAndGet());
    thread.setDaemon(true);
    threads.add(thread);
    return thread;
  }
}
