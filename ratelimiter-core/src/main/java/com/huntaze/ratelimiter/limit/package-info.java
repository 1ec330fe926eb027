/**
 * Strict limits: who may call the external API, and when.
 *
 * <p>Start at {@link com.huntaze.ratelimiter.limit.TokenBucket}; {@link
 * com.huntaze.ratelimiter.limit.InMemoryTokenBucket} is the reference implementation.
 */
@NullMarked
package com.huntaze.ratelimiter.limit;

import org.jspecify.annotations.NullMarked;
