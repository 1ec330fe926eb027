package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/**
 * What every {@link TokenBucket} promises. A module that implements one extends this class in its
 * tests and says how a bucket is made and how time passes for it.
 *
 * <p>The buckets are asked for without a guard, so that instants are exact, and with a grace of
 * {@link #GRACE}.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
public abstract class TokenBucketContract {
  /** How late the holder of a booking may come, in the buckets this contract asks for. */
  protected static final Duration GRACE = Duration.ofSeconds(5);

  private static final Duration WINDOW = Duration.ofMinutes(1);
  private static final RateLimit TEN = RateLimit.rolling(10, WINDOW);
  private static final Duration HORIZON = Duration.ofHours(11);

  private int asked;

  /** For subclasses. */
  protected TokenBucketContract() {}

  /**
   * Makes a bucket with a state of its own, no guard and a grace of {@link #GRACE}.
   *
   * @param limits the limits of each kind of scope
   * @return the bucket
   */
  protected abstract TokenBucket bucket(Map<Scope.Kind, List<RateLimit>> limits);

  /**
   * Lets time pass for the bucket.
   *
   * @param time how much
   */
  protected abstract void pass(Duration time);

  private TokenBucket bucket(RateLimit limit) {
    return bucket(Map.of(Scope.Kind.GLOBAL, List.of(limit)));
  }

  private PermitRequest fresh(Scope... scopes) {
    return PermitRequest.of("fresh-" + ++asked, scopes);
  }

  private static PermitRequest booking(String id, Scope... scopes) {
    return PermitRequest.of(id, scopes).bookingUpTo(HORIZON);
  }

  private static Permit.Granted granted(Permit permit) {
    assertThat(permit).isInstanceOf(Permit.Granted.class);
    return (Permit.Granted) permit;
  }

  private static Duration bookedIn(Permit permit) {
    assertThat(permit).isInstanceOf(Permit.Booked.class);
    return ((Permit.Booked) permit).delay();
  }

  private static Duration refusedFor(Permit permit) {
    assertThat(permit).isInstanceOf(Permit.Refused.class);
    return ((Permit.Refused) permit).retryAfter();
  }

  @Test
  void the_limit_is_granted_at_once_and_not_one_more() {
    TokenBucket bucket = bucket(TEN);
    for (int left = 9; left >= 0; left--) {
      Permit.Granted permit = granted(bucket.tryAcquire(fresh()));
      assertThat(permit.delay()).isZero();
      assertThat(permit.remaining()).isEqualTo(left);
    }
    assertThat(refusedFor(bucket.tryAcquire(fresh()))).isEqualTo(WINDOW);
  }

  @Test
  void a_permit_comes_free_one_window_after_its_call_and_not_before() {
    TokenBucket bucket = bucket(RateLimit.rolling(1, WINDOW));
    granted(bucket.tryAcquire(fresh()));
    pass(WINDOW.minusNanos(1_000));
    assertThat(refusedFor(bucket.tryAcquire(fresh()))).isEqualTo(Duration.ofNanos(1_000));
    pass(Duration.ofNanos(1_000));
    granted(bucket.tryAcquire(fresh()));
  }

  @Test
  void no_window_wherever_it_starts_holds_more_than_the_limit() {
    long seed = 20_260_101;
    SplittableRandom random = new SplittableRandom(seed);
    TokenBucket bucket = bucket(RateLimit.rolling(3, WINDOW));
    List<Long> calls = new ArrayList<>();
    long now = 0;
    for (int step = 0; step < 400; step++) {
      Duration time = Duration.ofMillis(random.nextLong(30_000));
      pass(time);
      now += time.toMillis();
      if (bucket.tryAcquire(fresh()) instanceof Permit.Granted permit) {
        calls.add(now + permit.delay().toMillis());
      }
    }
    for (long start : calls) {
      long inWindow =
          calls.stream().filter(at -> at >= start && at < start + WINDOW.toMillis()).count();
      assertThat(inWindow)
          .as("calls in the window from %d ms, seed %d", start, seed)
          .isBetween(1L, 3L);
    }
    assertThat(calls.size()).as("the limit is used, seed %d", seed).isGreaterThan(200);
  }

  @Test
  void a_fresh_grant_is_told_again_under_the_same_id_and_counted_once() {
    TokenBucket bucket = bucket(RateLimit.rolling(2, WINDOW));
    Permit.Granted first = granted(bucket.tryAcquire(PermitRequest.of("m1#1")));
    pass(GRACE);
    Permit.Granted again = granted(bucket.tryAcquire(PermitRequest.of("m1#1")));
    assertThat(again.at()).isEqualTo(first.at());
    granted(bucket.tryAcquire(fresh()));
    refusedFor(bucket.tryAcquire(fresh()));
  }

  @Test
  void an_id_that_asks_again_when_its_grant_is_stale_asks_anew_and_both_count() {
    TokenBucket bucket = bucket(RateLimit.rolling(2, WINDOW));
    granted(bucket.tryAcquire(PermitRequest.of("m1#1")));
    pass(GRACE.plusSeconds(1));
    granted(bucket.tryAcquire(PermitRequest.of("m1#1")));
    assertThat(refusedFor(bucket.tryAcquire(fresh())))
        .isEqualTo(WINDOW.minus(GRACE).minusSeconds(1));
  }

  @Test
  void a_request_that_cannot_go_now_books_the_earliest_free_instant() {
    TokenBucket bucket = bucket(RateLimit.rolling(2, WINDOW));
    granted(bucket.tryAcquire(booking("a")));
    pass(Duration.ofSeconds(10));
    granted(bucket.tryAcquire(booking("b")));
    assertThat(bookedIn(bucket.tryAcquire(booking("c")))).isEqualTo(Duration.ofSeconds(50));
    assertThat(bookedIn(bucket.tryAcquire(booking("d")))).isEqualTo(Duration.ofSeconds(60));
    assertThat(bookedIn(bucket.tryAcquire(booking("e")))).isEqualTo(Duration.ofSeconds(110));
  }

  @Test
  void a_booking_is_told_again_and_redeemed_when_its_instant_comes() {
    TokenBucket bucket = bucket(RateLimit.rolling(1, WINDOW));
    granted(bucket.tryAcquire(booking("a")));
    assertThat(bookedIn(bucket.tryAcquire(booking("b")))).isEqualTo(WINDOW);
    pass(Duration.ofSeconds(30));
    assertThat(bookedIn(bucket.tryAcquire(booking("b")))).isEqualTo(Duration.ofSeconds(30));
    pass(Duration.ofSeconds(30));
    assertThat(granted(bucket.tryAcquire(booking("b"))).delay()).isZero();
  }

  @Test
  void a_holder_that_comes_a_little_early_is_granted_its_instant_and_waits_the_rest() {
    TokenBucket bucket = bucket(RateLimit.rolling(1, WINDOW));
    granted(bucket.tryAcquire(booking("a")));
    bookedIn(bucket.tryAcquire(booking("b")));
    pass(WINDOW.minusSeconds(2));
    assertThat(granted(bucket.tryAcquire(booking("b"))).delay()).isEqualTo(Duration.ofSeconds(2));
  }

  @Test
  void nobody_is_granted_an_instant_that_is_promised_to_another() {
    TokenBucket bucket = bucket(RateLimit.rolling(1, WINDOW));
    granted(bucket.tryAcquire(booking("a")));
    bookedIn(bucket.tryAcquire(booking("b")));
    pass(WINDOW);
    assertThat(refusedFor(bucket.tryAcquire(fresh()))).isEqualTo(WINDOW);
    granted(bucket.tryAcquire(booking("b")));
  }

  @Test
  void ten_redeemed_late_do_not_pack_the_next_window() {
    TokenBucket bucket = bucket(TEN);
    List<Long> calls = new ArrayList<>();
    long now = 0;
    IntStream.range(0, 10).forEach(i -> granted(bucket.tryAcquire(booking("first-" + i))));
    LongStream.range(0, 10).forEach(i -> calls.add(0L));
    IntStream.range(0, 10).forEach(i -> bookedIn(bucket.tryAcquire(booking("second-" + i))));
    IntStream.range(0, 10).forEach(i -> bookedIn(bucket.tryAcquire(booking("third-" + i))));
    pass(WINDOW.plus(GRACE));
    now += WINDOW.plus(GRACE).toMillis();
    for (int i = 0; i < 10; i++) {
      calls.add(now + granted(bucket.tryAcquire(booking("second-" + i))).delay().toMillis());
    }
    pass(WINDOW.minus(GRACE));
    now += WINDOW.minus(GRACE).toMillis();
    for (int i = 0; i < 10; i++) {
      calls.add(now + granted(bucket.tryAcquire(booking("third-" + i))).delay().toMillis());
    }
    for (long start : calls) {
      assertThat(calls.stream().filter(at -> at >= start && at < start + WINDOW.toMillis()))
          .as("calls in the window from %d ms", start)
          .hasSizeLessThanOrEqualTo(10);
    }
  }

  @Test
  void a_holder_that_comes_too_late_asks_anew_and_its_instant_is_not_lost_for_others() {
    TokenBucket bucket = bucket(RateLimit.rolling(1, WINDOW));
    granted(bucket.tryAcquire(booking("a")));
    bookedIn(bucket.tryAcquire(booking("b")));
    pass(WINDOW.plus(GRACE).plusSeconds(1));
    granted(bucket.tryAcquire(booking("c")));
    assertThat(bookedIn(bucket.tryAcquire(booking("b")))).isEqualTo(WINDOW);
  }

  @Test
  void a_released_booking_is_free_for_whoever_asks_next() {
    TokenBucket bucket = bucket(RateLimit.rolling(1, WINDOW));
    granted(bucket.tryAcquire(booking("a")));
    bookedIn(bucket.tryAcquire(booking("b")));
    assertThat(bucket.release("b")).isTrue();
    assertThat(bucket.release("b")).isFalse();
    assertThat(bookedIn(bucket.tryAcquire(booking("c")))).isEqualTo(WINDOW);
  }

  @Test
  void a_booking_beyond_the_horizon_is_refused_and_holds_nothing() {
    TokenBucket bucket = bucket(RateLimit.rolling(1, WINDOW));
    granted(bucket.tryAcquire(booking("a")));
    Permit permit = bucket.tryAcquire(PermitRequest.of("b").bookingUpTo(WINDOW.minusNanos(1_000)));
    assertThat(refusedFor(permit)).isEqualTo(WINDOW);
    assertThat(bucket.state(Scope.global()).booked()).isZero();
  }

  @Test
  void a_request_that_one_scope_refuses_is_counted_on_none() {
    TokenBucket bucket =
        bucket(
            Map.of(
                Scope.Kind.GLOBAL, List.of(RateLimit.rolling(2, WINDOW)),
                Scope.Kind.CREATOR, List.of(RateLimit.rolling(1, WINDOW))));
    granted(bucket.tryAcquire(fresh(Scope.creator("a"))));
    refusedFor(bucket.tryAcquire(fresh(Scope.creator("a"))));
    granted(bucket.tryAcquire(fresh(Scope.creator("b"))));
    refusedFor(bucket.tryAcquire(fresh(Scope.creator("c"))));
  }

  @Test
  void a_scope_without_a_limit_is_not_counted() {
    TokenBucket bucket = bucket(RateLimit.rolling(2, WINDOW));
    granted(bucket.tryAcquire(fresh(Scope.creator("a"), Scope.recipient("r"))));
    granted(bucket.tryAcquire(fresh(Scope.creator("a"), Scope.recipient("r"))));
    assertThatThrownBy(() -> bucket.state(Scope.creator("a")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("creator:a");
  }

  @Test
  void one_creators_long_backlog_does_not_delay_another() {
    TokenBucket bucket =
        bucket(
            Map.of(
                Scope.Kind.GLOBAL,
                List.of(TEN),
                Scope.Kind.CREATOR,
                List.of(RateLimit.rolling(1, WINDOW))));
    granted(bucket.tryAcquire(booking("a-0", Scope.creator("a"))));
    for (int i = 1; i < 20; i++) {
      assertThat(bookedIn(bucket.tryAcquire(booking("a-" + i, Scope.creator("a")))))
          .isEqualTo(WINDOW.multipliedBy(i));
    }
    for (int i = 0; i < 9; i++) {
      granted(bucket.tryAcquire(booking("b-" + i, Scope.creator("b-" + i))));
    }
    // The tenth of the others comes after a's next one, in the same second window: nine more fit.
    assertThat(bookedIn(bucket.tryAcquire(booking("b-9", Scope.creator("b-9"))))).isEqualTo(WINDOW);
  }

  @Test
  void a_booking_never_breaks_a_window_that_later_bookings_fill() {
    TokenBucket bucket =
        bucket(
            Map.of(
                Scope.Kind.GLOBAL, List.of(RateLimit.rolling(3, WINDOW)),
                Scope.Kind.CREATOR, List.of(RateLimit.rolling(1, Duration.ofSeconds(45)))));
    List<Long> calls = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      Permit permit = bucket.tryAcquire(booking("m" + i, Scope.creator("c" + i % 4)));
      calls.add(permit instanceof Permit.Granted ? 0 : bookedIn(permit).toMillis());
    }
    for (long start : calls) {
      assertThat(calls.stream().filter(at -> at >= start && at < start + WINDOW.toMillis()))
          .as("calls in the window from %d ms", start)
          .hasSizeLessThanOrEqualTo(3);
    }
  }

  @Test
  void many_requests_in_one_call_are_answered_in_their_order() {
    TokenBucket bucket = bucket(RateLimit.rolling(2, WINDOW));
    List<Permit> answers =
        bucket.tryAcquireAll(
            List.of(booking("a"), booking("b"), PermitRequest.of("c"), booking("d")));
    assertThat(answers.stream().map(Permit::id)).containsExactly("a", "b", "c", "d");
    granted(answers.get(0));
    granted(answers.get(1));
    assertThat(refusedFor(answers.get(2))).isEqualTo(WINDOW);
    assertThat(bookedIn(answers.get(3))).isEqualTo(WINDOW);
    assertThat(bucket.tryAcquireAll(List.of())).isEmpty();
  }

  @Test
  void a_block_closes_the_scope_and_a_shorter_one_does_not_open_it() {
    TokenBucket bucket = bucket(TEN);
    bucket.blockFor(Scope.global(), Duration.ofSeconds(30));
    bucket.blockFor(Scope.global(), Duration.ofSeconds(10));
    assertThat(refusedFor(bucket.tryAcquire(fresh()))).isEqualTo(Duration.ofSeconds(30));
    pass(Duration.ofSeconds(30));
    granted(bucket.tryAcquire(fresh()));
  }

  @Test
  void a_booking_whose_instant_falls_into_a_block_is_moved_behind_it() {
    TokenBucket bucket = bucket(RateLimit.rolling(1, WINDOW));
    granted(bucket.tryAcquire(booking("a")));
    bookedIn(bucket.tryAcquire(booking("b")));
    bucket.blockFor(Scope.global(), WINDOW.multipliedBy(3));
    pass(WINDOW);
    assertThat(bookedIn(bucket.tryAcquire(booking("b")))).isEqualTo(WINDOW.multipliedBy(2));
  }

  @Test
  void state_tells_what_is_left() {
    TokenBucket bucket = bucket(TEN);
    BucketState full = bucket.state(Scope.global());
    assertThat(full.tokens()).isEqualTo(10);
    assertThat(full.capacity()).isEqualTo(10);
    assertThat(full.refillRate()).isEqualTo(10 / 60.0);
    assertThat(full.nextPermitIn()).isZero();
    IntStream.range(0, 10).forEach(i -> granted(bucket.tryAcquire(fresh())));
    bookedIn(bucket.tryAcquire(booking("b")));
    pass(Duration.ofSeconds(15));
    BucketState empty = bucket.state(Scope.global());
    assertThat(empty.tokens()).isZero();
    assertThat(empty.booked()).isEqualTo(1);
    assertThat(empty.nextPermitIn()).isEqualTo(Duration.ofSeconds(45));
    assertThat(Duration.between(full.timestamp(), empty.timestamp()))
        .isEqualTo(Duration.ofSeconds(15));
  }

  @Test
  void several_limits_of_a_scope_all_hold() {
    TokenBucket bucket =
        bucket(
            Map.of(
                Scope.Kind.GLOBAL,
                List.of(
                    RateLimit.rolling(2, Duration.ofSeconds(10)), RateLimit.rolling(3, WINDOW))));
    granted(bucket.tryAcquire(fresh()));
    granted(bucket.tryAcquire(fresh()));
    assertThat(refusedFor(bucket.tryAcquire(fresh()))).isEqualTo(Duration.ofSeconds(10));
    pass(Duration.ofSeconds(10));
    assertThat(granted(bucket.tryAcquire(fresh())).remaining()).isZero();
    assertThat(refusedFor(bucket.tryAcquire(fresh()))).isEqualTo(Duration.ofSeconds(50));
    BucketState state = bucket.state(Scope.global());
    assertThat(state.capacity()).isEqualTo(2);
    assertThat(state.refillRate()).isEqualTo(3 / 60.0);
  }

  @Test
  void spaced_permits_come_one_by_one() {
    TokenBucket bucket = bucket(RateLimit.spaced(10, WINDOW));
    granted(bucket.tryAcquire(fresh()));
    assertThat(refusedFor(bucket.tryAcquire(fresh()))).isEqualTo(Duration.ofSeconds(6));
    assertThat(bookedIn(bucket.tryAcquire(booking("a")))).isEqualTo(Duration.ofSeconds(6));
    assertThat(bookedIn(bucket.tryAcquire(booking("b")))).isEqualTo(Duration.ofSeconds(12));
  }

  @Test
  void a_token_bucket_starts_full_and_gets_one_token_back_at_a_time() {
    TokenBucket bucket = bucket(RateLimit.tokenBucket(10, 10, WINDOW));
    for (int left = 9; left >= 0; left--) {
      assertThat(granted(bucket.tryAcquire(fresh())).remaining()).isEqualTo(left);
    }
    assertThat(refusedFor(bucket.tryAcquire(fresh()))).isEqualTo(Duration.ofSeconds(6));
    pass(Duration.ofSeconds(6).minusNanos(1_000));
    refusedFor(bucket.tryAcquire(fresh()));
    pass(Duration.ofNanos(1_000));
    granted(bucket.tryAcquire(fresh()));
    pass(Duration.ofSeconds(17));
    BucketState state = bucket.state(Scope.global());
    assertThat(state.tokens()).isEqualTo(2);
    assertThat(state.capacity()).isEqualTo(10);
    assertThat(state.refillRate()).isEqualTo(10 / 60.0);
  }

  @Test
  void a_token_bucket_grants_its_capacity_and_what_came_back_over_any_time_and_no_more() {
    long seed = 20_260_102;
    SplittableRandom random = new SplittableRandom(seed);
    TokenBucket bucket = bucket(RateLimit.tokenBucket(3, 6, WINDOW));
    TreeMap<Long, PermitRequest> waiting = new TreeMap<>();
    List<Long> calls = new ArrayList<>();
    long now = 0;
    for (int step = 0; step < 600; step++) {
      Duration time = Duration.ofMillis(random.nextLong(12_000));
      pass(time);
      now += time.toMillis();
      boolean isDue = !waiting.isEmpty() && waiting.firstKey() <= now + random.nextLong(2_000);
      PermitRequest request = isDue ? waiting.pollFirstEntry().getValue() : booking("m" + step);
      Permit permit = bucket.tryAcquire(request);
      if (permit instanceof Permit.Granted granted) {
        calls.add(now + granted.delay().toMillis());
      } else {
        waiting.put(now + bookedIn(permit).toMillis(), request);
      }
    }
    calls.sort(null);
    for (int first = 0; first < calls.size(); first++) {
      for (int last = first; last < calls.size(); last++) {
        long allowed = 3 + (calls.get(last) - calls.get(first)) / 10_000;
        assertThat((long) last - first + 1)
            .as("calls from %d to %d, seed %d", calls.get(first), calls.get(last), seed)
            .isLessThanOrEqualTo(allowed);
      }
    }
    assertThat(calls.size()).as("tokens are used, seed %d", seed).isGreaterThan(250);
  }

  @Test
  void a_token_bucket_is_booked_behind_all_others_and_takes_the_last_booking_back() {
    TokenBucket bucket = bucket(RateLimit.tokenBucket(1, 1, WINDOW));
    granted(bucket.tryAcquire(fresh()));
    assertThat(bookedIn(bucket.tryAcquire(booking("a")))).isEqualTo(WINDOW);
    assertThat(bookedIn(bucket.tryAcquire(booking("b")))).isEqualTo(WINDOW.multipliedBy(2));
    assertThat(bucket.release("b")).isTrue();
    assertThat(bookedIn(bucket.tryAcquire(booking("c")))).isEqualTo(WINDOW.multipliedBy(2));
    pass(WINDOW.plusSeconds(2));
    granted(bucket.tryAcquire(booking("a")));
    pass(WINDOW.minusSeconds(2));
    assertThat(granted(bucket.tryAcquire(booking("c"))).delay())
        .as("a was late, so the record asks for two seconds more")
        .isEqualTo(Duration.ofSeconds(2));
  }

  @Test
  void ordered_requests_of_one_creator_never_overtake_each_other() {
    TokenBucket bucket =
        bucket(
            Map.of(
                Scope.Kind.GLOBAL, List.of(TEN),
                Scope.Kind.RECIPIENT, List.of(RateLimit.rolling(1, WINDOW))));
    Scope alice = Scope.creator("alice");
    Scope full = Scope.recipient("full");
    Scope free = Scope.recipient("free");
    granted(bucket.tryAcquire(fresh(alice, full)));
    assertThat(bookedIn(bucket.tryAcquire(booking("first", alice, full).ordered())))
        .isEqualTo(WINDOW);
    assertThat(bookedIn(bucket.tryAcquire(booking("second", alice, free).ordered())))
        .isEqualTo(WINDOW);
    granted(bucket.tryAcquire(booking("other", Scope.creator("bob"), free).ordered()));
    granted(bucket.tryAcquire(booking("unordered", alice, Scope.recipient("third"))));
  }

  @Test
  void an_instant_whose_holder_never_came_is_counted_as_lost() {
    TokenBucket bucket = bucket(RateLimit.rolling(1, WINDOW));
    granted(bucket.tryAcquire(booking("a")));
    bookedIn(bucket.tryAcquire(booking("b")));
    bookedIn(bucket.tryAcquire(booking("c")));
    bucket.release("c"); // in time: whoever asks next has it
    assertThat(bucket.state(Scope.global()).lost()).isZero();
    pass(WINDOW.plus(GRACE).plusSeconds(1));
    BucketState state = bucket.state(Scope.global());
    assertThat(state.lost()).isEqualTo(1);
    assertThat(state.booked()).isZero();
  }

  @Test
  void a_release_frees_the_instant_on_every_scope() {
    TokenBucket bucket =
        bucket(
            Map.of(
                Scope.Kind.GLOBAL, List.of(RateLimit.rolling(1, Duration.ofSeconds(10))),
                Scope.Kind.CREATOR, List.of(RateLimit.rolling(1, WINDOW))));
    Scope alice = Scope.creator("alice");
    granted(bucket.tryAcquire(fresh(alice)));
    assertThat(bookedIn(bucket.tryAcquire(booking("a", alice)))).isEqualTo(WINDOW);
    assertThat(bookedIn(bucket.tryAcquire(booking("b", alice)))).isEqualTo(WINDOW.multipliedBy(2));
    assertThat(bucket.release("a")).isTrue();
    assertThat(bookedIn(bucket.tryAcquire(booking("c", alice)))).isEqualTo(WINDOW);
  }

  @Test
  void an_id_that_one_scope_still_remembers_and_another_has_forgotten_counts_twice() {
    TokenBucket bucket =
        bucket(
            Map.of(
                Scope.Kind.GLOBAL, List.of(RateLimit.rolling(9, Duration.ofSeconds(10))),
                Scope.Kind.CREATOR, List.of(RateLimit.rolling(2, WINDOW))));
    Scope alice = Scope.creator("alice");
    granted(bucket.tryAcquire(PermitRequest.of("m1", alice)));
    pass(Duration.ofSeconds(20));
    granted(bucket.tryAcquire(PermitRequest.of("m1", alice)));
    assertThat(refusedFor(bucket.tryAcquire(fresh(alice)))).isEqualTo(Duration.ofSeconds(40));
  }

  @Test
  void a_scope_that_is_not_limited_cannot_be_blocked() {
    TokenBucket bucket = bucket(TEN);
    assertThatThrownBy(() -> bucket.blockFor(Scope.creator("alice"), WINDOW))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("creator:alice");
  }

  @Test
  void a_block_and_a_horizon_may_be_as_long_as_a_duration_can_be() {
    TokenBucket bucket = bucket(RateLimit.rolling(1, WINDOW));
    Duration ever = Duration.ofSeconds(Long.MAX_VALUE);
    granted(bucket.tryAcquire(fresh()));
    assertThat(bookedIn(bucket.tryAcquire(PermitRequest.of("b").bookingUpTo(ever))))
        .isEqualTo(WINDOW);
    bucket.blockFor(Scope.global(), ever);
    assertThat(refusedFor(bucket.tryAcquire(fresh()))).isGreaterThan(Duration.ofDays(36_000));
  }

  @Test
  void one_id_twice_in_one_call_is_one_permit() {
    TokenBucket bucket =
        bucket(
            Map.of(
                Scope.Kind.GLOBAL, List.of(TEN),
                Scope.Kind.CREATOR, List.of(RateLimit.rolling(2, WINDOW))));
    PermitRequest twice = PermitRequest.of("m", Scope.creator("alice"));
    bucket.tryAcquireAll(List.of(twice, twice)).forEach(TokenBucketContract::granted);
    assertThat(bucket.state(Scope.creator("alice")).tokens()).isEqualTo(1);
    assertThat(bucket.state(Scope.global()).tokens()).isEqualTo(9);
  }

  @Test
  void a_block_of_one_creator_leaves_the_others_alone() {
    TokenBucket bucket =
        bucket(Map.of(Scope.Kind.GLOBAL, List.of(TEN), Scope.Kind.CREATOR, List.of(TEN)));
    bucket.blockFor(Scope.creator("alice"), Duration.ofSeconds(30));
    assertThat(refusedFor(bucket.tryAcquire(fresh(Scope.creator("alice")))))
        .isEqualTo(Duration.ofSeconds(30));
    granted(bucket.tryAcquire(fresh(Scope.creator("bob"))));
    assertThat(bucket.state(Scope.creator("alice")).tokens()).isZero();
  }

  @Test
  void five_hundred_that_wait_drain_at_the_limit_with_two_calls_each_although_all_come_late() {
    long seed = 20_260_103;
    SplittableRandom random = new SplittableRandom(seed);
    TokenBucket bucket = bucket(TEN);
    TreeMap<Long, PermitRequest> arrivals = new TreeMap<>();
    List<Long> calls = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      Permit permit = bucket.tryAcquire(booking("m" + i));
      if (permit instanceof Permit.Granted) {
        calls.add(0L);
      } else {
        long late = random.nextLong(20_000);
        while (arrivals.containsKey(bookedIn(permit).toNanos() / 1_000 + late)) {
          late++;
        }
        arrivals.put(bookedIn(permit).toNanos() / 1_000 + late, booking("m" + i));
      }
    }
    long now = 0;
    for (Map.Entry<Long, PermitRequest> arrival : arrivals.entrySet()) {
      pass(Duration.ofNanos((arrival.getKey() - now) * 1_000));
      now = arrival.getKey();
      calls.add(now + granted(bucket.tryAcquire(arrival.getValue())).delay().toNanos() / 1_000);
    }
    calls.sort(null);
    for (int i = 10; i < calls.size(); i++) {
      assertThat(calls.get(i) - calls.get(i - 10))
          .as("calls %d and %d, seed %d", i - 10, i, seed)
          .isGreaterThanOrEqualTo(WINDOW.toNanos() / 1_000);
    }
    assertThat(calls.get(499))
        .as("microseconds to drain, seed %d", seed)
        .isLessThanOrEqualTo(TEN.idealSpan(500).toNanos() / 1_000 + 40_000);
  }

  @Test
  void the_search_for_an_instant_goes_through_a_long_backlog() {
    Duration ten = Duration.ofSeconds(10);
    TokenBucket bucket =
        bucket(
            Map.of(
                Scope.Kind.GLOBAL, List.of(RateLimit.rolling(2, ten)),
                Scope.Kind.CREATOR, List.of(RateLimit.rolling(1_000, ten))));
    for (int i = 0; i < 302; i++) {
      bucket.tryAcquire(booking("m" + i));
    }
    bucket.release("m10"); // a hole at 50 s, which a blocked creator cannot use
    bucket.blockFor(Scope.creator("alice"), Duration.ofSeconds(200));
    assertThat(bookedIn(bucket.tryAcquire(booking("a", Scope.creator("alice")))))
        .isEqualTo(ten.multipliedBy(151));
    assertThat(bookedIn(bucket.tryAcquire(booking("b")))).isEqualTo(ten.multipliedBy(5));
  }

  @Test
  void many_threads_together_are_granted_the_limit_and_not_one_more() throws Exception {
    TokenBucket bucket = bucket(TEN);
    ExecutorService threads = Executors.newFixedThreadPool(16);
    try {
      List<Callable<Permit>> asks = new ArrayList<>();
      for (int i = 0; i < 160; i++) {
        PermitRequest request = PermitRequest.of("thread-" + i);
        asks.add(() -> bucket.tryAcquire(request));
      }
      int grants = 0;
      for (Future<Permit> answer : threads.invokeAll(asks)) {
        grants += answer.get() instanceof Permit.Granted ? 1 : 0;
      }
      assertThat(grants).isEqualTo(10);
    } finally {
      threads.shutdownNow();
    }
  }
}
