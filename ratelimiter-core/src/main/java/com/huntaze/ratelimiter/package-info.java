/**
 * Sends messages to fans through an external API without ever exceeding its limit.
 *
 * <p>Start at {@link com.huntaze.ratelimiter.RateLimitedOnlyFansClient}: build one, call {@code
 * send}, close it when the host stops.
 */
@NullMarked
package com.huntaze.ratelimiter;

import org.jspecify.annotations.NullMarked;
