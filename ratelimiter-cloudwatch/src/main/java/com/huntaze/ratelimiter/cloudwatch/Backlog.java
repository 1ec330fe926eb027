package com.huntaze.ratelimiter.cloudwatch;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * What is to be sent, up to a bound. The oldest goes when there is too much; what was given up
 * stays counted until CloudWatch has been told. For one thread at a time.
 */
final class Backlog {
  private final long mostBytes;
  private final Deque<Batch> batches = new ArrayDeque<>();
  private long bytes;
  private long dropped;

  Backlog(long mostBytes) {
    this.mostBytes = mostBytes;
  }

  void add(Batch batch) {
    batches.addLast(batch);
    bytes += batch.heapBytes();
    while (bytes > mostBytes) {
      dropFirst();
    }
  }

  @Nullable Batch first() {
    return batches.peekFirst();
  }

  Batch removeFirst() {
    Batch first = batches.removeFirst();
    bytes -= first.heapBytes();
    return first;
  }

  void dropFirst() {
    drop(removeFirst().events());
  }

  void drop(long events) {
    dropped += events;
  }

  /** {@return how many values were given up that CloudWatch does not know of} */
  long dropped() {
    return dropped;
  }

  /** CloudWatch knows of so many now. */
  void told(long events) {
    dropped -= events;
  }

  /** {@return how many values wait} */
  long events() {
    return batches.stream().mapToLong(Batch::events).sum();
  }

  /** {@return about the memory of what waits} */
  long heapBytes() {
    return bytes;
  }
}
