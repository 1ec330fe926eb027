package com.huntaze.ratelimiter.fallback;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Delayed;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** A host's scheduler whose time a test moves. Tasks run on the test's thread. */
final class ManualScheduler extends ScheduledThreadPoolExecutor {
  private final AtomicLong nanos;
  private final List<Task> tasks = new ArrayList<>();

  ManualScheduler(AtomicLong nanos) {
    super(1);
    this.nanos = nanos;
  }

  private static final class Task extends FutureTask<Object> implements ScheduledFuture<Object> {
    final long due;

    Task(Callable<Object> work, long due) {
      super(work);
      this.due = due;
    }

    @Override
    public long getDelay(TimeUnit unit) {
      return due;
    }

    @Override
    public int compareTo(Delayed other) {
      return Long.compare(due, ((Task) other).due);
    }

    @Override
    public boolean equals(Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }

  @Override
  public ScheduledFuture<?> schedule(Runnable command, long delay, TimeUnit unit) {
    Task task = new Task(Executors.callable(command), nanos.get() + unit.toNanos(delay));
    tasks.add(task);
    return task;
  }

  /** Lets time go by, and does what becomes due. */
  void pass(long passing) {
    long end = nanos.get() + passing;
    while (true) {
      tasks.removeIf(Task::isCancelled);
      Task next = tasks.stream().min(Comparator.naturalOrder()).orElse(null);
      if (next == null || next.due > end) {
        break;
      }
      tasks.remove(next);
      nanos.set(Math.max(nanos.get(), next.due));
      next.run();
    }
    nanos.set(Math.max(nanos.get(), end));
  }

  int waiting() {
    tasks.removeIf(Task::isCancelled);
    return tasks.size();
  }
}
