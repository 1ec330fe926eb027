package com.huntaze.ratelimiter.testkit;

import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.List;
import java.util.Map;

class InMemoryTokenBucketModelTest extends TokenBucketModelContract {
  private final ManualTime time = new ManualTime();

  @Override
  protected TokenBucket bucket(
      Map<Scope.Kind, List<RateLimit>> limits, Duration grace, boolean hints) {
    InMemoryTokenBucket.Builder builder = InMemoryTokenBucketTest.builder(limits);
    if (!hints) {
      withoutHints(builder);
    }
    return builder.guard(Duration.ZERO).grace(grace).clock(time).ticker(time).build();
  }

  /** Hints change no answer, so they are no setting of the public builder. */
  private static void withoutHints(InMemoryTokenBucket.Builder builder) {
    try {
      Method method = InMemoryTokenBucket.Builder.class.getDeclaredMethod("withoutHints");
      method.setAccessible(true);
      method.invoke(builder);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("the bucket has no such switch", e);
    }
  }

  @Override
  protected void pass(Duration duration) {
    time.advance(duration);
  }
}
