package com.huntaze.ratelimiter.redis;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.testkit.ContractRun;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.ManualTime;
import com.huntaze.ratelimiter.testkit.TokenBucketContract;
import com.huntaze.ratelimiter.testkit.TokenBucketModelContract;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.UnifiedJedis;

/** Each fault that is put into the script is found by the test that is about it. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class ScriptFaultsTest {
  @RegisterExtension static final LocalRedis REDIS = LocalRedis.shared();

  /** Faults the script may have: a text of it, what stands there instead, and who finds it. */
  private enum Fault {
    OPENS_A_MICROSECOND_EARLY(
        "format('(%.0f', now - window), '+inf'",
        "format('(%.0f', now - window + 1), '+inf'",
        "a_permit_comes_free_one_window_after_its_call_and_not_before"),
    OPENS_A_MICROSECOND_EARLY_ON_THE_LONG_WAY(
        "return entry[2] and entry[2] + limit.window or 0",
        "return entry[2] and entry[2] + limit.window - 1 or 0",
        "a_permit_comes_free_one_window_after_its_call_and_not_before"),
    DOES_NOT_CHECK_THE_SECOND_SCOPE(
        "if room < requests then",
        "if room < requests and s == 1 then",
        "a_request_that_one_scope_refuses_is_counted_on_none"),
    DOES_NOT_REMEMBER_IDS(
        "if at and now <= at + FRESH then",
        "if at and now < 0 then",
        "a_fresh_grant_is_told_again_under_the_same_id_and_counted_once"),
    LETS_A_SECOND_GRANT_WIPE_OUT_THE_FIRST(
        "call('ZADD', record, earlier, '\\1again:' .. earlier .. ':' .. id)",
        "",
        "an_id_that_asks_again_when_its_grant_is_stale_asks_anew_and_both_count"),
    DOES_NOT_LOOK_AHEAD(
        "'(' .. text(t - window), '(' .. text(t + window)",
        "'(' .. text(t - window), text(t)",
        "a_limit_of_three_is_answered_as_by_brute_force_with_hints_and_without"),
    KEEPS_THE_PROMISED_INSTANT_OF_A_LATE_HOLDER(
        "  return record(request, at)\nend\n\nlocal function acquire",
        "  return record(request, slot)\nend\n\nlocal function acquire",
        "ten_redeemed_late_do_not_pack_the_next_window"),
    FORGETS_WHAT_WAS_LOST(
        "set(scope, 'lost', scope.lost + #gone / 2)",
        "",
        "an_instant_whose_holder_never_came_is_counted_as_lost"),
    FREES_ONE_SCOPE_ONLY(
        "for _, name in ipairs(others and cjson.decode(others) or {}) do",
        "for _, name in ipairs({}) do",
        "a_release_frees_the_instant_on_every_scope"),
    IGNORES_ORDER(
        "request.order and request.order.promised or now",
        "now",
        "ordered_requests_of_one_creator_never_overtake_each_other"),
    DOES_NOT_CHECK_THE_EPOCH(
        "elseif not string.find(meta, ' run_id=' .. run_id .. ' ', 1, true) then",
        "elseif false then",
        "a_replica_that_lags_and_takes_over_grants_nothing_for_a_window"),
    TAKES_EMPTINESS_FOR_A_FIRST_START(
        "is_lost = not string.find(OPTIONS, 'e', 1, true)",
        "is_lost = false",
        "after_a_flush_an_idle_process_that_calls_first_is_granted_nothing_for_a_window"),
    FOLLOWS_THE_CLOCK_BACK(
        "if meta and not is_lost and server_time > last_time then",
        "if meta and not is_lost then",
        "a_clock_set_back_an_hour_neither_closes_the_gate_for_an_hour_nor_opens_it_twice"),
    EXPIRES_TOO_SOON(
        "format('%.0f', (micros + DAY) / 1000)",
        "format('%.0f', micros / 2000)",
        "a_record_outlives_its_window_by_a_day_and_so_does_everything_else"),
    DOUBTS_NOTHING_AFTER_A_LOSS(
        "for i = 1, count_unknown(scope) do",
        "for i = 1, 0 do",
        "what_nobody_remembers_of_a_long_window_counts_until_an_hour_after_the_loss"),
    ASKS_FOR_THE_RUN_ID_ONLY_WHEN_IDLE(
        "is_due and now or last_now, is_due and server_time or last_time,",
        "now, server_time,",
        "a_failover_is_noticed_although_the_server_is_never_idle_for_a_millisecond"),
    TAKES_WHAT_WAS_LOST_BEFORE_FOR_KNOWN(
        "call('ZREMRANGEBYSCORE', scope.record, '-inf', '(' .. text(lost_at))",
        "",
        "what_was_lost_twice_is_unknown_twice"),
    RECALLS_WITHOUT_EXPIRY(
        "      call('ZADD', scope.record, 'NX', at, id)\n      expire(scope.record, scope.keep)",
        "      call('ZADD', scope.record, 'NX', at, id)",
        "a_record_that_callers_filled_after_a_loss_expires_as_well"),
    BELIEVES_HINTS_FROM_BEFORE_A_CHANGE(
        "local is_current = known_config == CONFIG and",
        "local is_current = true or",
        "a_change_there_and_back_leaves_no_instant_unused_that_was_released_meanwhile"),
    LETS_HALF_A_FLEET_IGNORE_A_LIMIT(
        "return { -1 }",
        "limits_seen = {}",
        "a_limit_that_half_of_the_fleet_does_not_have_holds_for_that_half_too"),
    OVERLOOKS_THE_LAST_INSTANT_OF_A_GRACE(
        "slot + GRACE + 1",
        "slot + GRACE",
        "a_limit_of_three_is_answered_as_by_brute_force_with_hints_and_without"),
    NEVER_LOWERS_A_HINT(
        "set_hint(scope, limit, math.min(limit.hint, slot - limit.window))",
        "",
        "a_limit_of_three_is_answered_as_by_brute_force_with_hints_and_without");

    private final String text;
    private final String fault;
    private final String foundBy;

    Fault(String text, String fault, String foundBy) {
      this.text = text;
      this.fault = fault;
      this.foundBy = foundBy;
    }

    String into(String script) {
      assertThat(script).as("the script has what %s alters", this).contains(text);
      return script.replace(text, fault);
    }
  }

  private static final class Contract extends TokenBucketContract {
    private final ManualTime time = new ManualTime();
    private final ManualTimeRedis jedis;

    Contract(Fault fault) {
      jedis = new ManualTimeRedis(REDIS.uri(), time, fault::into);
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

  private static final class Model extends TokenBucketModelContract {
    private final ManualTime time = new ManualTime();
    private final ManualTimeRedis jedis;

    Model(Fault fault) {
      jedis = new ManualTimeRedis(REDIS.uri(), time, fault::into);
    }

    @Override
    protected TokenBucket bucket(
        Map<Scope.Kind, List<RateLimit>> limits, Duration grace, boolean hints) {
      return new Processes(jedis, limits, time, grace);
    }

    @Override
    protected void pass(Duration duration) {
      time.advance(duration);
    }
  }

  @ParameterizedTest
  @EnumSource
  void each_fault_is_found_by_the_test_that_is_about_it(Fault fault) {
    assertThat(failure(fault)).as(fault.foundBy).containsInstanceOf(AssertionError.class);
  }

  private static Optional<Throwable> failure(Fault fault) {
    if (ContractRun.tests(TokenBucketContract.class).contains(fault.foundBy)) {
      return ContractRun.failure(
          TokenBucketContract.class, fault.foundBy, () -> new Contract(fault));
    }
    if (ContractRun.tests(TokenBucketModelContract.class).contains(fault.foundBy)) {
      return ContractRun.failure(
          TokenBucketModelContract.class, fault.foundBy, () -> new Model(fault));
    }
    if (ContractRun.tests(ChangedLimitsTest.class).contains(fault.foundBy)) {
      return ContractRun.failure(
          ChangedLimitsTest.class,
          fault.foundBy,
          () ->
              new ChangedLimitsTest() {
                @Override
                String altered(String script) {
                  return fault.into(script);
                }
              });
    }
    return ContractRun.failure(
        LostStateTest.class,
        fault.foundBy,
        () ->
            new LostStateTest() {
              @Override
              String altered(String script) {
                return fault.into(script);
              }
            });
  }

  @Test
  void a_script_that_takes_the_callers_time_is_found_by_callers_whose_clocks_are_apart() {
    assertThat(
            ContractRun.failure(
                CallersClocksTest.class,
                "callers_whose_clocks_are_minutes_apart_share_one_window",
                () ->
                    new CallersClocksTest() {
                      @Override
                      UnifiedJedis client(ManualTime callersClock) {
                        return new ManualTimeRedis(REDIS.uri(), callersClock);
                      }
                    }))
        .containsInstanceOf(AssertionError.class);
  }
}
