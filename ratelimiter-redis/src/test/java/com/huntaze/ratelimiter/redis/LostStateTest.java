package com.huntaze.ratelimiter.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.ManualTime;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import redis.clients.jedis.params.RestoreParams;

/**
 * Whatever Redis forgets, and whatever its clock says, no window holds more than the limit: by the
 * bucket's own instants, since each instance is asked as if it were a process of its own.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class LostStateTest {
  @RegisterExtension static final LocalRedis REDIS = LocalRedis.shared();

  private static final Duration WINDOW = Duration.ofMinutes(1);
  private static final RateLimit TEN = RateLimit.rolling(10, WINDOW);

  private final ManualTime time = new ManualTime();
  private final ManualTimeRedis jedis = new ManualTimeRedis(REDIS.uri(), time, this::altered);
  private final String namespace = UUID.randomUUID().toString();
  private final String prefix = "rate_limit:{" + namespace + "}:";
  private int asked;

  /** The script, for those who alter it to see what these tests say to that. */
  String altered(String script) {
    return script;
  }

  @AfterEach
  void disconnect() {
    jedis.close();
  }

  private RedisTokenBucket.Builder process(RateLimit limit, RateLimit... more) {
    return RedisTokenBucket.builder(jedis)
        .namespace(namespace)
        .guard(Duration.ZERO)
        .ticker(time)
        .limit(limit, more);
  }

  private RedisTokenBucket running(RateLimit limit, RateLimit... more) {
    return process(limit, more).coldStart(RedisTokenBucket.ColdStart.EMPTY).build();
  }

  private Permit ask(TokenBucket bucket) {
    return bucket.tryAcquire(PermitRequest.of("m" + ++asked));
  }

  private int grants(TokenBucket bucket, int asks) {
    int grants = 0;
    for (int i = 0; i < asks; i++) {
      grants += ask(bucket) instanceof Permit.Granted ? 1 : 0;
    }
    return grants;
  }

  private Duration refused(TokenBucket bucket) {
    Permit permit = ask(bucket);
    assertThat(permit).isInstanceOf(Permit.Refused.class);
    return ((Permit.Refused) permit).retryAfter();
  }

  private void flush() {
    jedis.keys(prefix + "*").forEach(jedis::del);
  }

  /** Another server process holds the same data now, as after a failover. */
  private void failOver() {
    for (String meta : jedis.keys(prefix + "*:meta")) {
      jedis.set(meta, jedis.get(meta).replaceAll(" run_id=\\S+ ", " run_id=0f0f "));
    }
  }

  private Map<String, byte[]> snapshot() {
    Map<String, byte[]> values = new HashMap<>();
    jedis.keys(prefix + "*").forEach(key -> values.put(key, jedis.dump(key)));
    return values;
  }

  private void restore(Map<String, byte[]> snapshot) {
    flush();
    snapshot.forEach(
        (key, value) -> jedis.restore(key, 0, value, RestoreParams.restoreParams().replace()));
  }

  @Test
  void after_a_flush_an_idle_process_that_calls_first_is_granted_nothing_for_a_window() {
    RedisTokenBucket busy = running(TEN);
    RedisTokenBucket idle = running(TEN);
    grants(idle, 1);
    time.advance(WINDOW);
    assertThat(grants(busy, 12)).isEqualTo(10);
    flush();
    time.advance(Duration.ofSeconds(1));
    assertThat(refused(idle)).isEqualTo(WINDOW);
    assertThat(grants(busy, 12)).isZero();
    time.advance(WINDOW.minusNanos(1_000));
    assertThat(grants(idle, 1)).isZero();
    time.advance(Duration.ofNanos(1_000));
    assertThat(grants(idle, 6) + grants(busy, 6)).isEqualTo(10);
  }

  @Test
  void a_closing_for_lost_state_is_told_once_and_a_first_start_is_none() {
    AtomicInteger closings = new AtomicInteger();
    RedisTokenBucket bucket =
        process(TEN)
            .metrics(
                new MetricsSink() {
                  @Override
                  public void limiterClosed() {
                    closings.incrementAndGet();
                  }
                })
            .build();
    refused(bucket);
    time.advance(WINDOW);
    assertThat(grants(bucket, 3)).isEqualTo(3);
    assertThat(closings).hasValue(0);
    flush();
    refused(bucket);
    refused(bucket);
    assertThat(closings).hasValue(1);
    time.advance(WINDOW);
    failOver();
    refused(bucket);
    assertThat(closings).hasValue(2);
  }

  @Test
  void after_a_flush_processes_that_are_all_fresh_are_granted_nothing_for_a_window() {
    assertThat(grants(running(TEN), 12)).isEqualTo(10);
    flush();
    RedisTokenBucket fresh = process(TEN).build();
    assertThat(refused(fresh)).isEqualTo(WINDOW);
    assertThat(grants(process(TEN).build(), 12)).isZero();
    time.advance(WINDOW);
    assertThat(grants(fresh, 12)).isEqualTo(10);
  }

  @Test
  void a_replica_that_lags_and_takes_over_grants_nothing_for_a_window() {
    RedisTokenBucket bucket = running(TEN);
    RedisTokenBucket other = running(TEN);
    assertThat(grants(bucket, 5)).isEqualTo(5);
    Map<String, byte[]> lagging = snapshot();
    assertThat(grants(bucket, 7)).isEqualTo(5);
    restore(lagging);
    failOver();
    time.advance(Duration.ofSeconds(1));
    assertThat(grants(other, 5)).isZero();
    assertThat(refused(other)).isEqualTo(WINDOW);
    time.advance(WINDOW);
    assertThat(grants(other, 12)).isEqualTo(10);
  }

  @Test
  void a_booking_that_falls_due_while_closed_moves_behind_the_closing() {
    RedisTokenBucket bucket = running(RateLimit.rolling(1, WINDOW));
    grants(bucket, 1);
    PermitRequest booked = PermitRequest.of("b").bookingUpTo(Duration.ofHours(1));
    bucket.tryAcquire(booked);
    time.advance(Duration.ofSeconds(30));
    failOver();
    time.advance(Duration.ofSeconds(30));
    assertThat(bucket.tryAcquire(booked))
        .isInstanceOfSatisfying(
            Permit.Booked.class,
            permit -> assertThat(permit.delay()).isBetween(WINDOW.minusNanos(1_000), WINDOW));
  }

  @Test
  void a_first_start_is_closed_for_a_window_unless_told_that_empty_is_how_it_begins() {
    assertThat(refused(process(TEN).build())).isEqualTo(WINDOW);
    flush();
    assertThat(grants(running(TEN), 1)).isEqualTo(1);
  }

  @Test
  void an_instance_that_has_spoken_to_redis_never_takes_emptiness_for_a_first_start() {
    RedisTokenBucket bucket = running(TEN);
    grants(bucket, 10);
    flush();
    assertThat(refused(bucket)).isEqualTo(WINDOW);
  }

  @Test
  void a_clock_set_back_an_hour_neither_closes_the_gate_for_an_hour_nor_opens_it_twice() {
    RedisTokenBucket bucket = running(TEN);
    RedisTokenBucket other = running(TEN);
    assertThat(grants(bucket, 12)).isEqualTo(10);
    time.stepWallClock(Duration.ofHours(-1));
    assertThat(grants(other, 1)).isZero();
    time.advance(Duration.ofSeconds(30));
    assertThat(refused(other)).isEqualTo(Duration.ofSeconds(30));
    time.advance(Duration.ofSeconds(29));
    assertThat(grants(other, 1)).isZero();
    time.advance(Duration.ofSeconds(1));
    assertThat(grants(other, 12)).isEqualTo(10);
  }

  @Test
  void a_process_never_hands_out_more_than_the_limit_whatever_redis_says() {
    RedisTokenBucket bucket = running(TEN);
    assertThat(grants(bucket, 12)).isEqualTo(10);
    time.stepWallClock(Duration.ofHours(1)); // the one fault that a server cannot notice itself
    assertThat(grants(bucket, 12)).isZero();
    time.advance(WINDOW);
    time.stepWallClock(Duration.ofHours(1));
    assertThat(grants(bucket, 12)).isEqualTo(10);
  }

  @Test
  void a_long_window_is_taken_as_full_after_a_loss_and_opens_as_callers_tell_what_they_remember() {
    Duration hour = Duration.ofHours(1);
    RateLimit limit = RateLimit.rolling(10, hour);
    RedisTokenBucket a = running(limit);
    RedisTokenBucket b = running(limit);
    assertThat(grants(a, 4)).isEqualTo(4);
    time.advance(Duration.ofMinutes(10));
    assertThat(grants(b, 3)).isEqualTo(3);
    time.advance(Duration.ofMinutes(10));
    flush();
    assertThat(grants(a, 1) + grants(b, 1)).isZero();
    assertThat(refused(a)).as("a's four are an hour old").isEqualTo(Duration.ofMinutes(40));
    time.advance(Duration.ofMinutes(40));
    assertThat(grants(a, 9)).isEqualTo(4);
    time.advance(Duration.ofMinutes(10));
    assertThat(grants(b, 9)).as("b's three").isEqualTo(3);
    time.advance(Duration.ofMinutes(10));
    assertThat(grants(b, 9)).as("three nobody could tell of, an hour after").isEqualTo(3);
  }

  @Test
  void what_nobody_remembers_of_a_long_window_counts_until_an_hour_after_the_loss() {
    Duration hour = Duration.ofHours(1);
    RateLimit limit = RateLimit.rolling(10, hour);
    grants(running(limit), 4);
    time.advance(Duration.ofMinutes(30));
    flush();
    RedisTokenBucket fresh = process(limit).build();
    assertThat(refused(fresh)).isEqualTo(hour);
    time.advance(hour);
    assertThat(grants(fresh, 12)).isEqualTo(10);
  }

  @Test
  void what_was_lost_twice_is_unknown_twice() {
    RateLimit limit = RateLimit.rolling(10, Duration.ofHours(1));
    RedisTokenBucket b = running(limit);
    assertThat(grants(b, 5)).isEqualTo(5);
    time.advance(Duration.ofMinutes(50));
    assertThat(grants(running(limit), 5)).as("by one that dies").isEqualTo(5);
    flush();
    assertThat(grants(b, 1)).isZero();
    time.advance(Duration.ofMinutes(15));
    Map<String, byte[]> lagging = snapshot();
    assertThat(grants(b, 9)).as("b's own are an hour old").isEqualTo(5);
    restore(lagging);
    failOver();
    RedisTokenBucket fresh = process(limit).build();
    assertThat(grants(fresh, 1)).isZero();
    time.advance(Duration.ofMinutes(59));
    assertThat(grants(fresh, 12) + grants(b, 12)).isZero();
    time.advance(Duration.ofMinutes(1));
    assertThat(grants(fresh, 12)).isEqualTo(10);
  }

  @Test
  void a_loss_while_two_settings_are_in_use_closes_for_the_longer_of_them() {
    assertThat(grants(running(TEN), 12)).isEqualTo(10);
    flush();
    RedisTokenBucket bursty = process(RateLimit.rolling(10, Duration.ofSeconds(10))).build();
    assertThat(grants(bursty, 1)).isZero();
    time.advance(Duration.ofSeconds(12));
    assertThat(grants(process(TEN).build(), 12)).isZero();
    time.advance(Duration.ofSeconds(48));
    assertThat(grants(process(TEN).build(), 12)).isEqualTo(10);
  }

  @Test
  void a_failover_is_noticed_although_the_server_is_never_idle_for_a_millisecond() {
    RedisTokenBucket bucket = running(RateLimit.rolling(1, WINDOW));
    grants(bucket, 1);
    failOver();
    for (int i = 0; i < 70_000; i += 1_000) {
      time.advance(Duration.ofNanos(900_000));
      grants(bucket, 1);
    }
    time.advance(WINDOW.minusMillis(62));
    assertThat(grants(bucket, 1)).as("the record has room, but it is closed").isZero();
    time.advance(Duration.ofMillis(2));
    assertThat(grants(bucket, 1)).isEqualTo(1);
  }

  @Test
  void processes_of_which_half_do_not_ask_for_the_run_id_are_not_closed_by_each_other() {
    RedisTokenBucket asks = running(TEN);
    RedisTokenBucket doesNot =
        process(TEN).withoutRunId().coldStart(RedisTokenBucket.ColdStart.EMPTY).build();
    int granted = 0;
    for (int i = 0; i < 5; i++) {
      granted += grants(asks, 5) + grants(doesNot, 5);
      time.advance(WINDOW);
    }
    assertThat(granted).isEqualTo(50);
  }

  @Test
  void a_grant_that_is_still_to_come_is_recalled_at_its_instant() {
    RateLimit limit = RateLimit.rolling(1, Duration.ofMinutes(10));
    RedisTokenBucket bucket = running(limit);
    grants(bucket, 1);
    PermitRequest next = PermitRequest.of("next").bookingUpTo(Duration.ofHours(1));
    bucket.tryAcquire(next);
    time.advance(Duration.ofMinutes(10).minusSeconds(3));
    assertThat(bucket.tryAcquire(next)).isInstanceOf(Permit.Granted.class);
    flush();
    grants(bucket, 1);
    assertThat(refused(bucket)).isEqualTo(Duration.ofMinutes(10).plusSeconds(3));
  }

  @Test
  void a_block_holds_although_the_key_with_the_clock_is_lost() {
    RedisTokenBucket bucket = running(TEN);
    grants(bucket, 1);
    bucket.blockFor(Scope.global(), Duration.ofHours(1));
    jedis.del(prefix + "edge:meta");
    grants(bucket, 1);
    time.advance(WINDOW);
    assertThat(grants(process(TEN).build(), 5)).isZero();
  }

  @Test
  void a_record_that_callers_filled_after_a_loss_expires_as_well() {
    RedisTokenBucket bucket =
        process(RateLimit.rolling(200, Duration.ofHours(1)))
            .limit(Scope.Kind.CREATOR, TEN)
            .coldStart(RedisTokenBucket.ColdStart.EMPTY)
            .build();
    bucket.tryAcquire(PermitRequest.of("m", Scope.creator("alice")));
    flush();
    grants(bucket, 1);
    assertThat(jedis.keys(prefix + "*"))
        .contains(prefix + "edge:creator:alice:record")
        .allSatisfy(key -> assertThat(jedis.pttl(key)).as(key).isPositive());
  }

  @Test
  void a_process_refuses_what_does_not_fit_and_never_moves_a_grant() {
    RedisTokenBucket a =
        process(RateLimit.rolling(1, Duration.ofSeconds(1)))
            .limit(Scope.Kind.CREATOR, RateLimit.rolling(1, Duration.ofSeconds(10)))
            .coldStart(RedisTokenBucket.ColdStart.EMPTY)
            .build();
    Scope alice = Scope.creator("alice");
    PermitRequest second = PermitRequest.of("a2", alice).bookingUpTo(Duration.ofMinutes(1));
    a.tryAcquire(PermitRequest.of("a1", alice));
    a.tryAcquire(second);
    time.advance(Duration.ofSeconds(7));
    assertThat(((Permit.Granted) a.tryAcquire(second)).delay()).isEqualTo(Duration.ofSeconds(3));
    Permit third = a.tryAcquire(PermitRequest.of("c"));
    assertThat(((Permit.Granted) third).delay()).as("as Redis recorded it").isZero();
  }

  @Test
  void a_slow_answer_never_stands_against_a_later_grant() {
    RedisTokenBucket bucket = running(TEN);
    assertThat(grants(bucket, 9)).isEqualTo(9);
    jedis.answerAfter(Duration.ofMillis(600));
    assertThat(grants(bucket, 1)).isEqualTo(1);
    jedis.answerAfter(Duration.ZERO);
    time.advance(WINDOW.minusMillis(600));
    assertThat(grants(bucket, 12)).isEqualTo(10);
  }

  @Test
  void a_scope_first_touched_after_a_loss_is_in_doubt_as_well() {
    RateLimit daily = RateLimit.rolling(2, Duration.ofHours(24));
    RedisTokenBucket bucket =
        process(TEN)
            .limit(Scope.Kind.CREATOR, daily)
            .coldStart(RedisTokenBucket.ColdStart.EMPTY)
            .build();
    RedisTokenBucket other = process(TEN).limit(Scope.Kind.CREATOR, daily).build();
    Scope creator = Scope.creator("a");
    bucket.tryAcquire(PermitRequest.of("x", creator));
    flush();
    ask(other);
    time.advance(WINDOW);
    assertThat(ask(other)).isInstanceOf(Permit.Granted.class);
    assertThat(other.tryAcquire(PermitRequest.of("y", creator))).isInstanceOf(Permit.Refused.class);
  }

  @Test
  void a_token_bucket_is_empty_after_a_loss() {
    RateLimit limit = RateLimit.tokenBucket(10, 10, WINDOW);
    assertThat(grants(running(limit), 12)).isEqualTo(10);
    flush();
    RedisTokenBucket fresh = process(limit).build();
    assertThat(refused(fresh)).isEqualTo(Duration.ofSeconds(6));
    time.advance(Duration.ofSeconds(12));
    assertThat(grants(fresh, 12)).isEqualTo(2);
  }

  @Test
  void a_record_outlives_its_window_by_a_day_and_so_does_everything_else() {
    RedisTokenBucket bucket = running(TEN);
    grants(bucket, 1);
    bucket.tryAcquire(PermitRequest.of("b").bookingUpTo(Duration.ofHours(1)));
    grants(bucket, 12);
    assertThat(jedis.keys(prefix + "*"))
        .isNotEmpty()
        .allSatisfy(
            key ->
                assertThat(Duration.ofMillis(jedis.pttl(key)))
                    .as(key)
                    .isGreaterThan(WINDOW.plusHours(23)));
  }

  @Test
  void a_server_that_does_not_tell_its_run_id_is_closed_unless_the_weaker_promise_is_asked_for() {
    try (LocalRedis own = LocalRedis.start("--rename-command", "INFO", "");
        var client = redis.clients.jedis.RedisClient.create(own.uri())) {
      RedisTokenBucket.Builder builder =
          RedisTokenBucket.builder(client).limit(TEN).coldStart(RedisTokenBucket.ColdStart.EMPTY);
      RedisTokenBucket strict = builder.build();
      assertThatThrownBy(() -> ask(strict))
          .isInstanceOf(TokenBucketException.class)
          .hasMessageContaining("withoutRunId()");
      assertThat(grants(builder.withoutRunId().build(), 12)).isEqualTo(10);
      client.flushAll();
      assertThat(grants(process(TEN).build(), 1)).as("emptiness is still noticed").isZero();
    }
  }
}
