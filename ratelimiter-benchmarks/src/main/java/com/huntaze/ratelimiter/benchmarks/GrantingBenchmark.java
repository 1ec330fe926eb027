package com.huntaze.ratelimiter.benchmarks;

/** Limits so wide that every request is granted. */
public class GrantingBenchmark extends MemoryBenchmark {
  /** Makes the limiters. */
  public GrantingBenchmark() {
    super(true);
  }
}
