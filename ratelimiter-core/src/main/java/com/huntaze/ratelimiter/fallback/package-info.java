/**
 * Messages the queue would not take: kept in a {@link
 * com.huntaze.ratelimiter.fallback.FallbackStore}, sent again by the {@link
 * com.huntaze.ratelimiter.fallback.Replayer}.
 */
@NullMarked
package com.huntaze.ratelimiter.fallback;

import org.jspecify.annotations.NullMarked;
