package com.huntaze.ratelimiter.redis;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.testkit.ManualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import redis.clients.jedis.UnifiedJedis;

/**
 * Many instances of one bucket, asked in turn as if each were a process: what the script says
 * counts, since no instance makes enough calls for its own second belt to hold back any of them.
 */
final class Processes implements TokenBucket {
  private static final int COUNT = 32;

  private final List<RedisTokenBucket> instances = new ArrayList<>();
  private int asked;

  Processes(
      UnifiedJedis jedis,
      Map<Scope.Kind, List<RateLimit>> limits,
      ManualTime time,
      Duration grace) {
    RedisTokenBucket.Builder builder =
        RedisTokenBucket.builder(jedis).namespace(UUID.randomUUID().toString());
    for (Scope.Kind kind : limits.keySet()) {
      List<RateLimit> all = requireNonNull(limits.get(kind));
      builder.limit(kind, all.get(0), all.subList(1, all.size()).toArray(RateLimit[]::new));
    }
    builder.guard(Duration.ZERO).grace(grace).ticker(time);
    builder.coldStart(RedisTokenBucket.ColdStart.EMPTY);
    for (int i = 0; i < COUNT; i++) {
      instances.add(builder.build());
    }
  }

  private synchronized RedisTokenBucket next() {
    return instances.get(asked++ % COUNT);
  }

  @Override
  public List<Permit> tryAcquireAll(List<PermitRequest> requests) {
    return next().tryAcquireAll(requests);
  }

  @Override
  public boolean release(String id) {
    return next().release(id);
  }

  @Override
  public void blockFor(Scope scope, Duration duration) {
    next().blockFor(scope, duration);
  }

  @Override
  public BucketState state(Scope scope) {
    return next().state(scope);
  }
}
