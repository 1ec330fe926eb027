/**
 * What happened, as typed events: {@link com.huntaze.ratelimiter.metrics.MetricsSink} is where
 * adapters for CloudWatch, Micrometer and the like begin.
 */
@NullMarked
package com.huntaze.ratelimiter.metrics;

import org.jspecify.annotations.NullMarked;
