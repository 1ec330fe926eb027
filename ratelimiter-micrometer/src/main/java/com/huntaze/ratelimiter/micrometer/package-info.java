/**
 * Metrics on a Micrometer registry: {@link
 * com.huntaze.ratelimiter.micrometer.MicrometerMetricsSink} keeps a meter for each.
 */
@NullMarked
package com.huntaze.ratelimiter.micrometer;

import org.jspecify.annotations.NullMarked;
