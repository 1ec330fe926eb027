/**
 * Metrics in Amazon CloudWatch: {@link com.huntaze.ratelimiter.cloudwatch.CloudWatchMetricsSink}
 * calls its API, {@link com.huntaze.ratelimiter.cloudwatch.EmfMetricsSink} writes lines of a log
 * from which CloudWatch takes them.
 */
@NullMarked
package com.huntaze.ratelimiter.cloudwatch;

import org.jspecify.annotations.NullMarked;
