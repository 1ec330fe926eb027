package com.huntaze.ratelimiter.redis;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.ManualTime;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.UnifiedJedis;

/** What time it is, the server says. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class CallersClocksTest {
  @RegisterExtension static final LocalRedis REDIS = LocalRedis.shared();

  /** A client for a caller; some may let the script see the caller's clock. */
  UnifiedJedis client(ManualTime callersClock) {
    return RedisClient.create(REDIS.uri());
  }

  @Test
  void callers_whose_clocks_are_minutes_apart_share_one_window() {
    String namespace = UUID.randomUUID().toString();
    ManualTime early = new ManualTime();
    ManualTime late = new ManualTime();
    late.advance(Duration.ofMinutes(2));
    int grants = 0;
    for (ManualTime clock : new ManualTime[] {early, late}) {
      try (UnifiedJedis jedis = client(clock)) {
        RedisTokenBucket bucket =
            RedisTokenBucket.builder(jedis)
                .namespace(namespace)
                .limit(RateLimit.rolling(10, Duration.ofMinutes(1)))
                .coldStart(RedisTokenBucket.ColdStart.EMPTY)
                .ticker(clock)
                .build();
        for (int i = 0; i < 12; i++) {
          PermitRequest request = PermitRequest.of(clock.nanos() + "-" + i);
          grants += bucket.tryAcquire(request) instanceof Permit.Granted ? 1 : 0;
        }
      }
    }
    assertThat(grants).isEqualTo(10);
  }
}
