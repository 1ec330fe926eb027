package com.huntaze.ratelimiter.benchmarks;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import redis.clients.jedis.RedisClient;

/** One permit asked for, mostly refused: what a caller pays while the limit holds. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class AcquireBenchmark {
  /** Where a Redis listens, for the shared bucket. */
  @Param("redis://127.0.0.1:6379")
  public String redis = "";

  private final AtomicLong ids = new AtomicLong();
  private final TokenBucket inMemory =
      InMemoryTokenBucket.of(RateLimit.rolling(10, Duration.ofMinutes(1)));

  /** The connection of the shared bucket, opened when it is first measured. */
  @State(Scope.Benchmark)
  public static class Shared {
    private @Nullable RedisClient jedis;
    private @Nullable TokenBucket bucket;

    /**
     * Connects.
     *
     * @param benchmark knows where to
     */
    @Setup
    public void connect(AcquireBenchmark benchmark) {
      RedisClient client = RedisClient.create(benchmark.redis);
      jedis = client;
      bucket =
          RedisTokenBucket.builder(client)
              .namespace("benchmark")
              .limit(RateLimit.rolling(10, Duration.ofMinutes(1)))
              .build();
    }

    /** Disconnects. */
    @TearDown
    public void disconnect() {
      requireNonNull(jedis).close();
    }
  }

  private PermitRequest next() {
    return PermitRequest.of(Long.toString(ids.incrementAndGet()));
  }

  /**
   * In this process.
   *
   * @return the answer
   */
  @Benchmark
  public Permit inMemory() {
    return inMemory.tryAcquire(next());
  }

  /**
   * On Redis.
   *
   * @param shared the connection
   * @return the answer
   */
  @Benchmark
  public Permit onRedis(Shared shared) {
    return requireNonNull(shared.bucket).tryAcquire(next());
  }
}
