package com.huntaze.ratelimiter.testkit;

import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import java.time.Duration;
import java.util.Map;

class InMemoryTokenBucketTest extends TokenBucketContract {
  private final ManualTime time = new ManualTime();

  @Override
  protected TokenBucket bucket(Map<Scope.Kind, RateLimit> limits) {
    InMemoryTokenBucket.Builder builder =
        InMemoryTokenBucket.builder(limits.get(Scope.Kind.GLOBAL));
    limits.forEach(builder::limit);
    return builder.guard(Duration.ZERO).grace(GRACE).clock(time).ticker(time).build();
  }

  @Override
  protected void pass(Duration duration) {
    time.advance(duration);
  }
}
