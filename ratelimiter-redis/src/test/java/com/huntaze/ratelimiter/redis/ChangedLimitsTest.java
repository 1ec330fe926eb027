package com.huntaze.ratelimiter.redis;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.ManualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * A limit is changed while it is in use: nothing is reset, and the tighter of the settings holds.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class ChangedLimitsTest {
  @RegisterExtension static final LocalRedis REDIS = LocalRedis.shared();

  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final ManualTime time = new ManualTime();
  private final ManualTimeRedis jedis = new ManualTimeRedis(REDIS.uri(), time, this::altered);
  private final String namespace = UUID.randomUUID().toString();
  private int asked;

  /** The script, for those who alter it to see what these tests say to that. */
  String altered(String script) {
    return script;
  }

  @AfterEach
  void disconnect() {
    jedis.close();
  }

  private RedisTokenBucket process(RateLimit limit, RateLimit... more) {
    return builder(limit, more).build();
  }

  private RedisTokenBucket.Builder builder(RateLimit limit, RateLimit... more) {
    return RedisTokenBucket.builder(jedis)
        .namespace(namespace)
        .guard(Duration.ZERO)
        .ticker(time)
        .coldStart(RedisTokenBucket.ColdStart.EMPTY)
        .limit(limit, more);
  }

  private int grants(RedisTokenBucket bucket, int asks) {
    int grants = 0;
    for (int i = 0; i < asks; i++) {
      Permit permit = bucket.tryAcquire(PermitRequest.of("m" + ++asked));
      grants += permit instanceof Permit.Granted ? 1 : 0;
    }
    return grants;
  }

  @Test
  void a_raised_limit_counts_what_was_granted_before_and_waits_until_the_old_one_is_unused() {
    RedisTokenBucket before = process(RateLimit.rolling(10, MINUTE));
    RedisTokenBucket after = process(RateLimit.rolling(20, MINUTE));
    assertThat(grants(before, 12)).isEqualTo(10);
    assertThat(grants(after, 12)).as("the old setting was used a moment ago").isZero();
    time.advance(MINUTE);
    assertThat(grants(after, 25)).as("for a window nobody has used it").isEqualTo(20);
  }

  @Test
  void a_lowered_limit_holds_at_once_for_those_who_still_have_the_old_one() {
    RedisTokenBucket before = process(RateLimit.rolling(10, MINUTE));
    RedisTokenBucket after = process(RateLimit.rolling(3, MINUTE));
    assertThat(grants(before, 2)).isEqualTo(2);
    assertThat(grants(after, 1)).isEqualTo(1);
    assertThat(grants(before, 12)).isZero();
    assertThat(grants(after, 12)).isZero();
  }

  @Test
  void two_settings_of_which_neither_is_stricter_are_both_kept() {
    RedisTokenBucket slow = process(RateLimit.rolling(10, MINUTE));
    RedisTokenBucket bursty = process(RateLimit.rolling(2, Duration.ofSeconds(10)));
    grants(slow, 1);
    int granted = 1;
    for (int second = 1; second < 60; second++) {
      time.advance(Duration.ofSeconds(1));
      int now = grants(bursty, 3) + grants(slow, 3);
      assertThat(now).as("second %d", second).isLessThanOrEqualTo(2);
      granted += now;
    }
    assertThat(granted).isEqualTo(10);
  }

  @Test
  void a_setting_that_nobody_has_used_for_its_window_is_not_enforced_any_more() {
    assertThat(grants(process(RateLimit.rolling(2, MINUTE)), 2)).isEqualTo(2);
    time.advance(MINUTE.plusSeconds(1));
    assertThat(grants(process(RateLimit.rolling(10, MINUTE)), 12)).isEqualTo(10);
  }

  @Test
  void a_limit_that_half_of_the_fleet_does_not_have_holds_for_that_half_too() {
    RateLimit ten = RateLimit.rolling(10, MINUTE);
    RedisTokenBucket with =
        builder(ten).limit(Scope.Kind.CREATOR, RateLimit.rolling(1, MINUTE)).build();
    RedisTokenBucket without = process(ten);
    Scope alice = Scope.creator("alice");
    assertThat(with.tryAcquire(PermitRequest.of("a", alice))).isInstanceOf(Permit.Granted.class);
    assertThat(without.tryAcquire(PermitRequest.of("b", alice))).isInstanceOf(Permit.Refused.class);
    assertThat(without.tryAcquire(PermitRequest.of("c", Scope.creator("bob"))))
        .isInstanceOf(Permit.Granted.class);
    assertThat(with.tryAcquire(PermitRequest.of("d", Scope.creator("bob"))))
        .as("what the other half did counts")
        .isInstanceOf(Permit.Refused.class);
  }

  @Test
  void a_change_there_and_back_leaves_no_instant_unused_that_was_released_meanwhile() {
    RateLimit slow = RateLimit.rolling(1, Duration.ofSeconds(1));
    RedisTokenBucket before = process(slow);
    RedisTokenBucket between = process(RateLimit.rolling(2, Duration.ofSeconds(1)));
    for (int i = 0; i < 300; i++) {
      before.tryAcquire(PermitRequest.of("b" + i).bookingUpTo(Duration.ofHours(1)));
    }
    grants(between, 1);
    time.advance(Duration.ofSeconds(2));
    for (int i = 0; i < 299; i++) {
      between.release("b" + i);
    }
    time.advance(Duration.ofSeconds(8));
    assertThat(grants(before, 1)).isEqualTo(1);
    Permit next = before.tryAcquire(PermitRequest.of("next").bookingUpTo(Duration.ofHours(1)));
    assertThat(((Permit.Booked) next).delay()).isEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void a_setting_that_is_a_part_of_another_is_another_setting() {
    RateLimit ten = RateLimit.rolling(10, MINUTE);
    RedisTokenBucket both = process(RateLimit.rolling(2, MINUTE), ten);
    RedisTokenBucket one = process(ten);
    assertThat(grants(both, 3)).isEqualTo(2);
    assertThat(grants(one, 3)).isZero();
  }

  @Test
  void a_live_change_with_three_hundred_bookings_keeps_every_limit_in_force() {
    long seed = 20_261_121;
    SplittableRandom random = new SplittableRandom(seed);
    List<RateLimit> limits =
        List.of(
            RateLimit.rolling(10, MINUTE),
            RateLimit.rolling(2, Duration.ofSeconds(10)),
            RateLimit.rolling(20, MINUTE));
    long[] lastUsed = {-1, -1, -1};
    List<PermitRequest> waiting = new ArrayList<>();
    List<Long> due = new ArrayList<>();
    List<Long> calls = new ArrayList<>();
    List<List<RateLimit>> inForce = new ArrayList<>();
    List<RedisTokenBucket> processes = limits.stream().map(this::process).toList();
    long now = 0;
    for (int i = 0; i < 300; i++) {
      waiting.add(PermitRequest.of("w" + i).bookingUpTo(Duration.ofHours(11)));
      due.add(0L);
    }
    while (!waiting.isEmpty()) {
      int next = 0;
      for (int i = 1; i < due.size(); i++) {
        next = due.get(i) < due.get(next) ? i : next;
      }
      long wait = Math.max(0, due.get(next) - now) + random.nextLong(20_000);
      time.advance(Duration.ofNanos(wait * 1_000));
      now += wait;
      // Two configurations are at work at any time; after ten minutes the second change begins.
      int setting = (now < 600_000_000L ? 0 : 1) + random.nextInt(2);
      lastUsed[setting] = now;
      Permit permit = processes.get(setting).tryAcquire(waiting.get(next));
      if (permit instanceof Permit.Granted granted) {
        calls.add(now + granted.delay().toNanos() / 1_000);
        List<RateLimit> current = new ArrayList<>();
        for (int i = 0; i < limits.size(); i++) {
          if (lastUsed[i] >= 0 && lastUsed[i] + limits.get(i).window().toNanos() / 1_000 > now) {
            current.add(limits.get(i));
          }
        }
        inForce.add(current);
        waiting.remove(next);
        due.remove(next);
      } else {
        due.set(next, now + ((Permit.Booked) permit).delay().toNanos() / 1_000);
      }
    }
    for (int i = 0; i < calls.size(); i++) {
      long at = calls.get(i);
      for (RateLimit limit : inForce.get(i)) {
        long window = limit.window().toNanos() / 1_000;
        assertThat(calls.stream().filter(call -> call > at - window && call <= at).count())
            .as("calls in the %s up to call %d, seed %d", limit, i, seed)
            .isLessThanOrEqualTo(limit.permits());
      }
    }
    assertThat(calls).hasSize(300);
  }
}
