package com.huntaze.ratelimiter.limit;

import java.time.Duration;
import java.time.Instant;

/**
 * What a scope has left, for status pages and for a dispatcher that looks before it takes work.
 * Immutable and thread-safe; already old when it is read.
 *
 * @param key the key of the scope's state, as in {@code rate_limit:{onlyfans}:edge:global}
 * @param tokens the permits that could be granted now, 0 to {@code capacity}
 * @param capacity the most permits a window may hold; of several limits, the smallest
 * @param refillRate permits a second in the long run; of several limits, the slowest
 * @param timestamp when this was read, by the bucket's clock
 * @param booked the instants held for later
 * @param nextPermitIn how long until a fresh request could be granted; zero if now
 * @param lost the booked instants that passed without their holder since the scope was last idle
 */
public record BucketState(
    String key,
    long tokens,
    long capacity,
    double refillRate,
    Instant timestamp,
    long booked,
    Duration nextPermitIn,
    long lost) {}
