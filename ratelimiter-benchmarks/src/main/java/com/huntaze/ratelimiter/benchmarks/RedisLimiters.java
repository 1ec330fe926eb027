package com.huntaze.ratelimiter.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.distributed.ExpirationAfterWriteStrategy;
import io.github.bucket4j.distributed.serialization.Mapper;
import io.github.bucket4j.redis.jedis.Bucket4jJedis;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.redisson.api.RRateLimiter;
import org.redisson.api.RateType;

/** Makes one limiter of each kind on the measured Redis; all threads share it and its key. */
final class RedisLimiters {
  private final MeasuredRedis redis;
  private final String gatewayScript;
  private final AtomicLong ids = new AtomicLong();

  RedisLimiters(MeasuredRedis redis) {
    this.redis = redis;
    this.gatewayScript = redis.jedis().scriptLoad(resource("gateway.lua"));
  }

  /** An id that no other request of this run has. */
  String nextId() {
    return "benchmark-" + ids.incrementAndGet();
  }

  /**
   * Our bucket, with the limit on every kind of scope; a request chooses the scopes it counts on.
   */
  TokenBucket bucket(String namespace, RateLimit limit) {
    return RedisTokenBucket.builder(redis.jedis())
        .namespace(namespace)
        .limit(limit)
        .limit(Scope.Kind.CREATOR, limit)
        .limit(Scope.Kind.RECIPIENT, limit)
        .guard(Duration.ZERO)
        .coldStart(RedisTokenBucket.ColdStart.EMPTY)
        .build();
  }

  BooleanSupplier ours(String namespace, RateLimit limit) {
    TokenBucket bucket = bucket(namespace, limit);
    return () -> bucket.tryAcquire(PermitRequest.of(nextId())) instanceof Permit.Granted;
  }

  /** Bucket4j's greedy bucket: compare-and-set, retried until it succeeds. */
  BooleanSupplier bucket4j(String key, RateLimit limit) {
    BucketConfiguration configuration =
        BucketConfiguration.builder()
            .addLimit(
                bandwidth ->
                    bandwidth
                        .capacity(limit.permits())
                        .refillGreedy(limit.permits(), limit.window()))
            .build();
    Bucket bucket =
        Bucket4jJedis.casBasedBuilder(redis.jedis())
            .keyMapper(Mapper.STRING)
            .expirationAfterWrite(
                ExpirationAfterWriteStrategy.basedOnTimeForRefillingBucketUpToMax(
                    limit.window().multipliedBy(2)))
            .build()
            .builder()
            .build(key, () -> configuration);
    return () -> bucket.tryConsume(1);
  }

  /** Redisson's log of permits. */
  BooleanSupplier redisson(String key, RateLimit limit) {
    RRateLimiter limiter = redis.redisson().getRateLimiter(key);
    limiter.trySetRate(RateType.OVERALL, limit.permits(), limit.window());
    return limiter::tryAcquire;
  }

  /** The token bucket of Spring Cloud Gateway, which knows whole seconds only. */
  BooleanSupplier gateway(String key, int permitsPerSecond) {
    List<String> keys = List.of("{" + key + "}.tokens", "{" + key + "}.second");
    String permits = Integer.toString(permitsPerSecond);
    List<String> args = List.of(permits, permits);
    return () -> redis.jedis().evalsha(gatewayScript, keys, args).equals(1L);
  }

  private static String resource(String name) {
    try (InputStream stream = requireNonNull(RedisLimiters.class.getResourceAsStream(name), name)) {
      return new String(stream.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
