package com.huntaze.ratelimiter.redis;

import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.ManualTime;
import com.huntaze.ratelimiter.testkit.TokenBucketContract;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The contract on a real Redis, whose script sees a manual clock. */
class RedisTokenBucketContractTest extends TokenBucketContract {
  @RegisterExtension static final LocalRedis REDIS = LocalRedis.shared();

  private final ManualTime time = new ManualTime();
  private ManualTimeRedis jedis;

  @BeforeEach
  void connect() {
    jedis = new ManualTimeRedis(REDIS.uri(), time);
  }

  @AfterEach
  void disconnect() {
    jedis.close();
  }

  @Override
  protected TokenBucket bucket(Map<Scope.Kind, List<RateLimit>> limits) {
    return new Processes(jedis, limits, time, GRACE);
  }

  @Override
  protected void pass(Duration duration) {
    time.advance(duration);
  }
}
