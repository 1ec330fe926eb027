package com.huntaze.ratelimiter.benchmarks;

import com.google.common.util.concurrent.RateLimiter;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.TokenBucket;
import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.Bucket;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A kind of limiter, set to ten a window; each measurement starts a new one.
 *
 * @param name what it is
 * @param window its window; Guava and the gateways' bucket know only seconds
 * @param isVirtual whether it takes a clock
 * @param starter makes one
 */
record WindowSubject(String name, Duration window, boolean isVirtual, Supplier<Started> starter) {
  private static final int PERMITS = 10;
  private static final int RESERVED = 11;
  private static final Duration VIRTUAL = Duration.ofMinutes(1);
  private static final Duration IN_MEMORY = Duration.ofMillis(200);
  private static final Duration ON_REDIS = Duration.ofMillis(500);
  private static final Duration SECOND = Duration.ofSeconds(1);

  /** A limiter, the time it lives by, and how to reserve eleven permits of it if it can. */
  record Started(Time time, BooleanSupplier tryAcquire, @Nullable Runnable reserve) {
    static Started real(BooleanSupplier tryAcquire) {
      return new Started(Time.real(), tryAcquire, null);
    }
  }

  Started start() {
    return starter.get();
  }

  String clock() {
    return isVirtual ? "virtual" : "real";
  }

  static List<WindowSubject> all(RedisLimiters limiters) {
    RateLimit onRedis = RateLimit.rolling(PERMITS, ON_REDIS);
    return List.of(
        virtual("ours in memory, without ids", WindowSubject::oursWithoutIds),
        virtual("ours in memory", () -> oursWithIds(limiters)),
        virtual(
            "Bucket4j, greedy",
            () ->
                bucket4j(
                    Bandwidth.builder().capacity(PERMITS).refillGreedy(PERMITS, VIRTUAL).build())),
        virtual(
            "Bucket4j, by intervals",
            () ->
                bucket4j(
                    Bandwidth.builder()
                        .capacity(PERMITS)
                        .refillIntervally(PERMITS, VIRTUAL)
                        .build())),
        real("Guava", SECOND, WindowSubject::guava),
        real("resilience4j", IN_MEMORY, WindowSubject::resilience4j),
        real(
            "Failsafe, bursty",
            IN_MEMORY,
            () -> failsafe(dev.failsafe.RateLimiter.burstyBuilder(PERMITS, IN_MEMORY))),
        real(
            "Failsafe, smooth",
            IN_MEMORY,
            () -> failsafe(dev.failsafe.RateLimiter.smoothBuilder(PERMITS, IN_MEMORY))),
        real("ours on Redis", ON_REDIS, () -> oursOnRedis(limiters, onRedis)),
        real(
            "Bucket4j-jedis, greedy",
            ON_REDIS,
            () -> Started.real(limiters.bucket4j(limiters.nextId(), onRedis))),
        real(
            "Redisson",
            ON_REDIS,
            () -> Started.real(limiters.redisson(limiters.nextId(), onRedis))),
        real(
            "token bucket as in Spring Cloud Gateway",
            SECOND,
            () -> Started.real(limiters.gateway(limiters.nextId(), PERMITS))));
  }

  private static WindowSubject virtual(String name, Supplier<Started> starter) {
    return new WindowSubject(name, VIRTUAL, true, starter);
  }

  private static WindowSubject real(String name, Duration window, Supplier<Started> starter) {
    return new WindowSubject(name, window, false, starter);
  }

  private static Started oursWithoutIds() {
    Time.Virtual time = new Time.Virtual();
    return new Started(time, inMemory(time)::tryAcquire, null);
  }

  private static Started oursWithIds(RedisLimiters limiters) {
    Time.Virtual time = new Time.Virtual();
    return ours(limiters, inMemory(time), time, VIRTUAL);
  }

  private static InMemoryTokenBucket inMemory(Time.Virtual time) {
    return InMemoryTokenBucket.builder(RateLimit.rolling(PERMITS, VIRTUAL))
        .guard(Duration.ZERO)
        .ticker(time)
        .build();
  }

  private static Started oursOnRedis(RedisLimiters limiters, RateLimit limit) {
    return ours(limiters, limiters.bucket(limiters.nextId(), limit), Time.real(), limit.window());
  }

  private static Started ours(
      RedisLimiters limiters, TokenBucket bucket, Time time, Duration window) {
    return new Started(
        time,
        () -> bucket.tryAcquire(PermitRequest.of(limiters.nextId())) instanceof Permit.Granted,
        () -> {
          for (int i = 0; i < RESERVED; i++) {
            bucket.tryAcquire(
                PermitRequest.of(limiters.nextId()).bookingUpTo(window.multipliedBy(2)));
          }
        });
  }

  private static Started bucket4j(Bandwidth limit) {
    Time.Virtual time = new Time.Virtual();
    Bucket bucket = Bucket.builder().addLimit(limit).withCustomTimePrecision(time).build();
    return new Started(
        time, () -> bucket.tryConsume(1), () -> bucket.consumeIgnoringRateLimits(RESERVED));
  }

  private static Started guava() {
    RateLimiter limiter = RateLimiter.create(PERMITS);
    return Started.real(limiter::tryAcquire);
  }

  private static Started resilience4j() {
    io.github.resilience4j.ratelimiter.RateLimiter limiter =
        io.github.resilience4j.ratelimiter.RateLimiter.of(
            "windows",
            RateLimiterConfig.custom()
                .limitForPeriod(PERMITS)
                .limitRefreshPeriod(IN_MEMORY)
                .timeoutDuration(Duration.ZERO)
                .build());
    return new Started(
        Time.real(),
        limiter::acquirePermission,
        () -> {
          limiter.changeTimeoutDuration(IN_MEMORY.multipliedBy(RESERVED));
          limiter.reservePermission(RESERVED);
          limiter.changeTimeoutDuration(Duration.ZERO);
        });
  }

  private static Started failsafe(dev.failsafe.RateLimiterBuilder<Object> builder) {
    dev.failsafe.RateLimiter<Object> limiter = builder.build();
    return new Started(
        Time.real(), limiter::tryAcquirePermit, () -> limiter.reservePermits(RESERVED));
  }
}
