package com.huntaze.ratelimiter.benchmarks;

/** One permit a day, already taken, so that every request is refused. */
public class RefusingBenchmark extends MemoryBenchmark {
  /** Makes the limiters and takes their permits. */
  public RefusingBenchmark() {
    super(false);
  }
}
