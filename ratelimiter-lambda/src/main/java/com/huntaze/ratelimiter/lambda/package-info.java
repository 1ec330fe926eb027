/**
 * The reference Lambda between the entry queue and the workflow queue. Start with {@link
 * com.huntaze.ratelimiter.lambda.RateLimiterHandler}.
 */
@NullMarked
package com.huntaze.ratelimiter.lambda;

import org.jspecify.annotations.NullMarked;
