/**
 * The limit that many processes share: {@link com.huntaze.ratelimiter.redis.RedisTokenBucket} keeps
 * it in Redis, by Redis's own clock.
 */
@NullMarked
package com.huntaze.ratelimiter.redis;

import org.jspecify.annotations.NullMarked;
