package com.huntaze.ratelimiter.redis;

import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.ManualTime;
import com.huntaze.ratelimiter.testkit.TokenBucketModelContract;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The script against brute force, on a real Redis and a manual clock. */
class RedisTokenBucketModelTest extends TokenBucketModelContract {
  @RegisterExtension static final LocalRedis REDIS = LocalRedis.shared();

  private static final String HINTS = "local HINTS = true";

  private final ManualTime time = new ManualTime();
  private ManualTimeRedis jedis;
  private ManualTimeRedis withoutHints;

  @BeforeEach
  void connect() {
    jedis = new ManualTimeRedis(REDIS.uri(), time);
    withoutHints =
        new ManualTimeRedis(
            REDIS.uri(),
            time,
            script -> {
              if (!script.contains(HINTS)) {
                throw new AssertionError("the script has no switch for its hints");
              }
              return script.replace(HINTS, "local HINTS = false");
            });
  }

  @AfterEach
  void disconnect() {
    jedis.close();
    withoutHints.close();
  }

  @Override
  protected TokenBucket bucket(
      Map<Scope.Kind, List<RateLimit>> limits, Duration grace, boolean hints) {
    return new Processes(hints ? jedis : withoutHints, limits, time, grace);
  }

  @Override
  protected void pass(Duration duration) {
    time.advance(duration);
  }
}
