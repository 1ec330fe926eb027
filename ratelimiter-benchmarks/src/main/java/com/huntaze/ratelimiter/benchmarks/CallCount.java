package com.huntaze.ratelimiter.benchmarks;

import java.util.concurrent.atomic.LongAdder;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;

/** Counts a client's HTTP calls, retries included. Thread-safe. */
final class CallCount implements ExecutionInterceptor {
  private final LongAdder calls = new LongAdder();

  long sum() {
    return calls.sum();
  }

  @Override
  public void beforeTransmission(
      Context.BeforeTransmission context, ExecutionAttributes executionAttributes) {
    calls.increment();
  }
}
