package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A bucket answers as brute force does: seeded histories of requests over random scopes, redeemed
 * in time, late or never, released and blocked, each answer compared with {@link ReferenceBucket}'s
 * to the microsecond, and every window of what was granted counted afterwards.
 *
 * <p>A module that implements a bucket extends this class in its tests beside {@link
 * TokenBucketContract}.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
public abstract class TokenBucketModelContract {
  private static final int STEPS = 900;

  /** For subclasses. */
  protected TokenBucketModelContract() {}

  /**
   * Makes a bucket with a state of its own and no guard.
   *
   * @param limits the limits of each kind of scope
   * @param grace how late the holder of a booking may come
   * @param hints whether the search for the earliest instant may use hints
   * @return the bucket
   */
  protected abstract TokenBucket bucket(
      Map<Scope.Kind, List<RateLimit>> limits, Duration grace, boolean hints);

  /**
   * Lets time pass for the buckets.
   *
   * @param time how much
   */
  protected abstract void pass(Duration time);

  @Test
  void a_limit_of_one_is_answered_as_by_brute_force_with_hints_and_without() {
    play(1, 12, 13);
  }

  @Test
  void a_limit_of_two_is_answered_as_by_brute_force_with_hints_and_without() {
    play(2, 21, 22);
  }

  @Test
  void a_limit_of_three_is_answered_as_by_brute_force_with_hints_and_without() {
    play(3, 31, 32);
  }

  @Test
  void a_limit_of_ten_is_answered_as_by_brute_force_with_hints_and_without() {
    play(10, 41, 42);
  }

  @Test
  void a_limit_of_a_hundred_is_answered_as_by_brute_force_with_hints_and_without() {
    play(100, 51);
  }

  @Test
  @Tag("slow")
  void hundreds_of_histories_are_answered_as_by_brute_force_with_hints_and_without() {
    for (int permits : new int[] {1, 2, 3, 4, 7, 10, 30}) {
      play(permits, LongStream.range(1_000, 1_040).toArray());
    }
  }

  private void play(int permits, long... seeds) {
    int granted = 0;
    for (long seed : seeds) {
      granted += new History(permits, seed).play();
    }
    assertThat(granted).as("grants in all histories of N = %d", permits).isGreaterThan(100);
  }

  /** One random history. */
  private final class History {
    private final String name;
    private final SplittableRandom random;
    private final int permits;
    private final Map<Scope.Kind, List<RateLimit>> limits = new EnumMap<>(Scope.Kind.class);
    private final ReferenceBucket reference;
    private final TokenBucket hinted;
    private final TokenBucket plain;
    private final List<PermitRequest> waiting = new ArrayList<>();
    private final List<Long> due = new ArrayList<>();
    private long now;
    private int asked;

    History(int permits, long seed) {
      this.name = "N = " + permits + ", seed " + seed;
      this.permits = permits;
      this.random = new SplittableRandom(seed);
      long window = random.nextInt(3) == 0 ? 6_000 : 60_000; // of which the graces are a large part
      limits.put(
          Scope.Kind.GLOBAL,
          random.nextBoolean()
              ? List.of(limit(permits, window))
              : List.of(limit(permits, window), limit(permits * 4, window * 10)));
      limits.put(Scope.Kind.CREATOR, List.of(limit(Math.max(1, permits / 2), window * 3 / 4)));
      limits.put(Scope.Kind.RECIPIENT, List.of(limit(1, 7_000)));
      Duration grace = Duration.ofMillis(random.nextBoolean() ? 5_000 : 500);
      this.reference = new ReferenceBucket(limits, grace);
      this.hinted = bucket(limits, grace, true);
      this.plain = bucket(limits, grace, false);
    }

    private static RateLimit limit(int permits, long millis) {
      return RateLimit.rolling(permits, Duration.ofMillis(millis));
    }

    /** Plays it, and says how much was granted. */
    int play() {
      for (int step = 0; step < STEPS; step++) {
        int dice = random.nextInt(100);
        if (dice < 45) {
          ask(request());
        } else if (dice < 75) {
          comeBack();
        } else if (dice < 79 && !waiting.isEmpty()) {
          int index = random.nextInt(waiting.size());
          String id = waiting.get(index).id();
          boolean expected = reference.releaseAt(id, now);
          assertThat(hinted.release(id)).as("%s, release of %s", name, id).isEqualTo(expected);
          assertThat(plain.release(id)).isEqualTo(expected);
          forget(index);
        } else if (dice < 80) {
          Scope scope = random.nextInt(3) == 0 ? Scope.global() : creator();
          long block = random.nextLong(20) * 1_000;
          reference.block(scope, now + block * 1_000);
          hinted.blockFor(scope, Duration.ofMillis(block));
          plain.blockFor(scope, Duration.ofMillis(block));
        } else {
          // Whole steps of half a second make instants meet; odd ones keep them from meeting.
          long odd = random.nextInt(4) == 0 ? random.nextLong(1_000_000) : 0;
          advance(random.nextLong(40) * 500_000 / Math.max(1, permits / 3) + odd);
        }
      }
      checkWindows();
      return reference.granted().getOrDefault(Scope.global(), List.of()).size();
    }

    private Scope creator() {
      return Scope.creator("c" + random.nextInt(4));
    }

    private PermitRequest request() {
      List<Scope> scopes = new ArrayList<>();
      if (random.nextInt(4) > 0) {
        scopes.add(creator());
      }
      if (random.nextInt(3) == 0) {
        scopes.add(Scope.recipient("r" + random.nextInt(5)));
      }
      PermitRequest request = PermitRequest.of("m" + ++asked, scopes.toArray(Scope[]::new));
      if (random.nextInt(10) > 0) {
        request = request.bookingUpTo(Duration.ofMinutes(random.nextInt(10) == 0 ? 1 : 600));
      }
      return random.nextInt(5) == 0 ? request.ordered() : request;
    }

    /** A holder asks again: early, in time, a little late, or too late. */
    private void comeBack() {
      if (waiting.isEmpty()) {
        return;
      }
      int index = 0;
      for (int i = 1; i < due.size(); i++) {
        index = due.get(i) < due.get(index) ? i : index;
      }
      if (random.nextInt(10) == 0) {
        index = random.nextInt(waiting.size());
      } else {
        long late =
            switch (random.nextInt(12)) {
              case 0 -> 6_000_000;
              case 1, 2, 3 -> random.nextLong(400_000);
              case 4 -> -random.nextLong(6_000_000);
              default -> 0;
            };
        advance(Math.max(0, due.get(index) + late - now));
      }
      PermitRequest request = waiting.get(index);
      forget(index);
      ask(request);
      if (random.nextInt(8) == 0) {
        ask(request); // the answer got lost
      }
    }

    private void ask(PermitRequest request) {
      ReferenceBucket.Answer expected = reference.acquire(request, now);
      Permit answer = hinted.tryAcquire(request);
      assertThat(told(answer)).as("%s, %s at %d us", name, request.id(), now).isEqualTo(expected);
      assertThat(told(plain.tryAcquire(request)))
          .as("%s, %s at %d us, without hints", name, request.id(), now)
          .isEqualTo(expected);
      if (answer instanceof Permit.Booked && waiting.stream().noneMatch(request::equals)) {
        waiting.add(request);
        due.add(now + expected.ahead());
      }
    }

    private void forget(int index) {
      waiting.remove(index);
      due.remove(index);
    }

    private void advance(long micros) {
      pass(Duration.ofNanos(micros * 1_000));
      now += micros;
    }

    private void checkWindows() {
      reference
          .granted()
          .forEach(
              (scope, calls) ->
                  limits
                      .getOrDefault(scope.kind(), List.of())
                      .forEach(limit -> checkWindows(scope, calls, limit)));
    }

    private void checkWindows(Scope scope, List<Long> calls, RateLimit limit) {
      long window = limit.window().toNanos() / 1_000;
      for (long start : calls) {
        assertThat(calls.stream().filter(at -> at >= start && at < start + window).count())
            .as("%s, %s %s, window from %d us", name, scope.key(), limit, start)
            .isLessThanOrEqualTo(limit.permits());
      }
    }
  }

  private static ReferenceBucket.Answer told(Permit permit) {
    if (permit instanceof Permit.Granted granted) {
      return new ReferenceBucket.Answer("granted", granted.delay().toNanos() / 1_000);
    }
    if (permit instanceof Permit.Booked booked) {
      return new ReferenceBucket.Answer("booked", booked.delay().toNanos() / 1_000);
    }
    return new ReferenceBucket.Answer(
        "refused", ((Permit.Refused) permit).retryAfter().toNanos() / 1_000);
  }
}
