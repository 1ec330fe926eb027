package com.huntaze.ratelimiter.testkit;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import java.time.Duration;
import java.util.List;
import java.util.Map;

class InMemoryTokenBucketTest extends TokenBucketContract {
  private final ManualTime time = new ManualTime();

  static InMemoryTokenBucket.Builder builder(Map<Scope.Kind, List<RateLimit>> limits) {
    InMemoryTokenBucket.Builder builder =
        InMemoryTokenBucket.builder(requireNonNull(limits.get(Scope.Kind.GLOBAL)).get(0));
    limits.forEach(
        (kind, all) ->
            builder.limit(kind, all.get(0), all.subList(1, all.size()).toArray(RateLimit[]::new)));
    return builder;
  }

  @Override
  protected TokenBucket bucket(Map<Scope.Kind, List<RateLimit>> limits) {
    return builder(limits).guard(Duration.ZERO).grace(GRACE).clock(time).ticker(time).build();
  }

  @Override
  protected void pass(Duration duration) {
    time.advance(duration);
  }
}
