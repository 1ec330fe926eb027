/**
 * What the limiter costs and how strict it is, next to its peers on the same machine in the same
 * run; never a test. Start at {@link com.huntaze.ratelimiter.benchmarks.Benchmarks}.
 */
@NullMarked
package com.huntaze.ratelimiter.benchmarks;

import org.jspecify.annotations.NullMarked;
