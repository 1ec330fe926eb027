/**
 * What the limiter costs; run with JMH, never as a test. Start at {@link
 * com.huntaze.ratelimiter.benchmarks.AcquireBenchmark}.
 */
@NullMarked
package com.huntaze.ratelimiter.benchmarks;

import org.jspecify.annotations.NullMarked;
