package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import java.lang.reflect.Field;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** What is the in-memory bucket's own: what it forgets, and permits without an id. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class InMemoryTokenBucketIdleTest {
  private static final Duration WINDOW = Duration.ofMinutes(1);
  private static final int CREATORS = 20_000;

  private final ManualTime time = new ManualTime();
  private final InMemoryTokenBucket bucket =
      InMemoryTokenBucket.builder(RateLimit.rolling(1_000_000, WINDOW))
          .limit(Scope.Kind.CREATOR, RateLimit.rolling(10, WINDOW))
          .guard(Duration.ZERO)
          .clock(time)
          .ticker(time)
          .build();

  private int scopesInMemory() {
    try {
      Field calendars = InMemoryTokenBucket.class.getDeclaredField("calendars");
      calendars.setAccessible(true);
      return ((Map<?, ?>) calendars.get(bucket)).size();
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("the bucket keeps its scopes elsewhere", e);
    }
  }

  @Test
  void scopes_that_have_fallen_idle_are_forgotten_although_one_of_them_stays_blocked() {
    bucket.blockFor(Scope.creator("blocked"), Duration.ofHours(24));
    for (int i = 0; i < CREATORS; i++) {
      bucket.tryAcquire(PermitRequest.of("m" + i, Scope.creator("c" + i)));
    }
    assertThat(scopesInMemory()).isEqualTo(CREATORS + 1);
    time.advance(WINDOW);
    for (int i = 0; i < CREATORS / 32; i++) {
      bucket.tryAcquire();
    }
    assertThat(scopesInMemory()).isEqualTo(1);
    assertThat(bucket.tryAcquire(PermitRequest.of("x", Scope.creator("blocked"))))
        .isInstanceOf(Permit.Refused.class);
  }

  @Test
  void permits_without_an_id_count_with_those_that_have_one() {
    InMemoryTokenBucket small =
        InMemoryTokenBucket.builder(RateLimit.rolling(2, WINDOW)).ticker(time).build();
    assertThat(small.tryAcquire()).isTrue();
    assertThat(small.tryAcquire(PermitRequest.of("m"))).isInstanceOf(Permit.Granted.class);
    assertThat(small.tryAcquire()).isFalse();
    assertThat(small.tryAcquire()).isFalse();
    time.advance(WINDOW.plusMillis(250));
    assertThat(small.tryAcquire()).isTrue();
  }

  @Test
  void a_guard_or_grace_out_of_range_is_refused_by_name() {
    InMemoryTokenBucket.Builder builder = InMemoryTokenBucket.builder(RateLimit.rolling(1, WINDOW));
    assertThatThrownBy(() -> builder.guard(Duration.ofSeconds(-1))).hasMessageContaining("guard");
    assertThatThrownBy(() -> builder.grace(Duration.ofHours(2)))
        .hasMessageContaining("grace must be 0 to PT1H, was PT2H");
  }
}
