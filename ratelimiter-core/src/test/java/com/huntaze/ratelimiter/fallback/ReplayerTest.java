package com.huntaze.ratelimiter.fallback;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.ForwardingStore;
import com.huntaze.ratelimiter.fallback.ReplayBench.Call;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How a replayer sends: in order, in tens, at its pace, within its lease. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class ReplayerTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final ReplayBench bench = new ReplayBench();

  private static List<String> ids(int count) {
    return IntStream.range(0, count).mapToObj(i -> "m" + i).toList();
  }

  @Test
  void everything_that_is_due_is_replayed_once_and_in_order() {
    bench.put(235);
    Replayer replayer = bench.replayer().build();

    assertThat(replayer.replay(1_000)).isEqualTo(235);

    assertThat(bench.taken).isEqualTo(ids(235));
    assertThat(bench.count(StoredStatus.QUEUED)).isEqualTo(235);
    assertThat(replayer.replay(1_000)).isZero();
  }

  @Test
  void no_more_is_replayed_than_was_asked_for() {
    bench.put(35);
    assertThat(bench.replayer().build().replay(12)).isEqualTo(12);
    assertThat(bench.taken).hasSize(12);
    assertThat(bench.kept.claim(100, SECOND)).hasSize(23);
  }

  @Test
  void a_hundred_are_claimed_at_once_and_sent_in_tens() {
    bench.put(200);
    bench.started();
    bench.pass(SECOND.multipliedBy(3));

    assertThat(bench.taken).hasSize(200);
    assertThat(bench.claims.stream().filter(max -> max == 100).limit(3)).hasSize(3);
    assertThat(bench.calls).hasSize(20).allMatch(call -> call.ids().size() == 10);
  }

  @Test
  void no_more_is_claimed_than_the_pace_sends_in_a_third_of_the_lease() {
    bench.put(50);
    Replayer replayer = bench.replayer().pace(RateLimit.spaced(10, Duration.ofMinutes(1))).build();
    replayer.start();
    bench.pass(Duration.ofMinutes(10));

    assertThat(bench.claims).isNotEmpty().allMatch(max -> max == 3); // a message in 6 s, for 20 s
    assertThat(bench.taken).isEqualTo(ids(50));
  }

  @Test
  void calls_are_as_far_apart_as_the_pace_says_and_not_faster_after_a_pause() {
    bench.put(30);
    bench.started();
    bench.pass(SECOND);
    bench.pass(Duration.ofHours(1));
    for (int i = 0; i < 30; i++) {
      bench.put("n" + i, "u" + i);
    }
    bench.pass(SECOND.multipliedBy(2));

    List<Long> first = bench.calls.subList(0, 3).stream().map(Call::millis).toList();
    List<Long> later = bench.calls.subList(3, 6).stream().map(Call::millis).toList();
    assertThat(first).containsExactly(0L, 100L, 200L);
    assertThat(later).containsExactly(later.get(0), later.get(0) + 100, later.get(0) + 200);
  }

  @Test
  void a_replay_on_demand_keeps_the_pace_too() {
    bench.put(35);
    bench.replayer().build().replay(35);
    assertThat(bench.calls).extracting(Call::millis).containsExactly(0L, 100L, 200L, 300L);
  }

  @Test
  void the_background_and_a_replay_on_demand_share_one_pace_and_send_nothing_twice() {
    bench.put(150);
    Replayer replayer = bench.started();
    bench.pass(Duration.ofMillis(50));
    assertThat(replayer.replay(15)).isEqualTo(15);
    bench.pass(SECOND.multipliedBy(10));

    assertThat(bench.taken).isEqualTo(ids(150));
    assertThat(bench.calls).extracting(Call::millis).startsWith(0L, 100L, 200L, 250L);
  }

  @Test
  void where_order_is_kept_no_call_has_two_of_a_creator_and_each_creators_are_in_order() {
    bench.ordered = true;
    for (int i = 0; i < 60; i++) {
      bench.put("c" + i % 3 + "-" + i, "creator" + i % 3);
    }
    bench.replayer().build().replay(100);

    assertThat(bench.taken).hasSize(60).doesNotHaveDuplicates();
    assertThat(bench.calls)
        .allSatisfy(
            call ->
                assertThat(call.ids().stream().map(id -> id.substring(0, 2)))
                    .doesNotHaveDuplicates());
    for (int creator = 0; creator < 3; creator++) {
      String its = "c" + creator;
      List<Integer> order =
          bench.taken.stream()
              .filter(id -> id.startsWith(its))
              .map(id -> Integer.valueOf(id.substring(3)))
              .toList();
      assertThat(order).hasSize(20).isSorted();
    }
  }

  @Test
  void where_order_is_kept_and_creators_are_many_ten_still_share_a_call() {
    bench.ordered = true;
    for (int i = 0; i < 1_000; i++) {
      bench.put("m" + i, "creator" + i * 7919 % 50);
    }
    bench.replayer().build().replay(1_000);
    assertThat(bench.taken).hasSize(1_000);
    assertThat(bench.calls.size()).isLessThanOrEqualTo(110);
  }

  @Test
  void a_creators_later_messages_wait_for_one_that_was_not_taken_and_others_do_not() {
    bench.ordered = true;
    for (int i = 0; i < 3; i++) {
      bench.put("a" + i, "a");
      bench.put("b" + i, "b");
    }
    List<String> failOnce = new ArrayList<>(List.of("a0"));
    bench.failure = message -> failOnce.remove(message.messageId()) ? Kind.NOT_SENT : null;
    Replayer replayer = bench.started();
    bench.pass(Duration.ofMillis(400));

    assertThat(bench.taken).containsExactly("b0", "b1", "b2");
    assertThat(bench.entry("a1").claimed()).as("given back").isFalse();
    bench.pass(SECOND.multipliedBy(10));
    assertThat(bench.taken).containsExactly("b0", "b1", "b2", "a0", "a1", "a2");
    replayer.close();
  }

  @Test
  void what_is_in_hand_as_the_lease_nears_its_end_is_given_back_and_not_sent() {
    bench.put(30);
    List<Integer> claimsBefore = new ArrayList<>();
    bench.duringCall =
        () -> {
          claimsBefore.add(bench.claims.size());
          bench.nanos.addAndGet(Duration.ofSeconds(25).toNanos());
        };
    bench.started();
    bench.pass(Duration.ofMinutes(2)); // calls at 0, at 25 and, of 60 too late, at 50 s

    assertThat(claimsBefore).as("the third is of a new claim").containsExactly(1, 1, 2);
    assertThat(bench.calls.get(2).millis()).as("at once").isEqualTo(50_000);
    assertThat(bench.taken).isEqualTo(ids(30));
  }

  @Test
  void a_replayer_that_was_paused_past_its_lease_sends_nothing_of_what_it_held() {
    bench.put(30);
    bench.duringCall =
        () -> {
          bench.duringCall = () -> {};
          bench.nanos.addAndGet(Duration.ofMinutes(2).toNanos());
          // Another process has the rest now.
          assertThat(bench.kept.claim(100, Duration.ofHours(1))).hasSize(30);
        };
    bench.started();
    bench.pass(Duration.ofMinutes(5));
    assertThat(bench.taken).isEqualTo(ids(10));
    assertThat(bench.calls).hasSize(1);
  }

  @Test
  void a_message_the_queue_refuses_is_dead_at_once_and_the_creators_next_goes_on() {
    bench.put("a0", "a");
    bench.put("a1", "a");
    bench.failure = message -> message.messageId().equals("a0") ? Kind.MESSAGE_REFUSED : null;
    bench.started();
    bench.pass(SECOND);
    assertThat(bench.entry("a0").status()).isEqualTo(StoredStatus.DEAD);
    assertThat(bench.taken).containsExactly("a1");
  }

  @Test
  void a_failed_message_waits_longer_each_time_and_is_dead_in_the_end() {
    bench.put("bad", "bad");
    bench.failure = message -> message.messageId().equals("bad") ? Kind.NOT_SENT : null;
    bench.started();
    List<Long> dueIn = new ArrayList<>();
    int seen = 0;
    for (int i = 0; bench.entry("bad").status() != StoredStatus.DEAD; i++) {
      bench.put("good" + i, "good"); // the sink takes something all the time
      bench.pass(SECOND);
      if (bench.entry("bad").attempts() > seen) {
        seen = bench.entry("bad").attempts();
        dueIn.add(bench.entry("bad").dueIn().toMillis());
      }
    }
    assertThat(bench.entry("bad").attempts()).isEqualTo(20);
    assertThat(dueIn).allMatch(millis -> millis <= 300_000).anyMatch(millis -> millis > 100_000);
    assertThat(bench.taken).noneMatch(id -> id.equals("bad"));

    bench.up();
    assertThat(bench.kept.revive("bad")).isTrue();
    bench.pass(SECOND.multipliedBy(5));
    assertThat(bench.taken).contains("bad");
  }

  @ParameterizedTest
  @EnumSource(
      value = Kind.class,
      names = {"NO_CREDENTIALS", "BACK_PRESSURE", "ACCESS_REFUSED", "THROTTLED"})
  void what_is_no_fault_of_a_message_is_not_counted_even_while_others_are_taken(Kind kind) {
    bench.put(20);
    bench.failure = message -> message.messageId().equals("m3") ? kind : null;
    bench.started();
    bench.pass(Duration.ofHours(1));
    assertThat(bench.taken).hasSize(19);
    assertThat(bench.entry("m3").attempts()).isZero();
    bench.up();
    bench.pass(Duration.ofMinutes(6));
    assertThat(bench.taken).hasSize(20);
  }

  @ParameterizedTest
  @EnumSource(value = Kind.class, names = "MESSAGE_REFUSED", mode = EnumSource.Mode.EXCLUDE)
  void a_few_messages_that_are_never_taken_hold_up_nobody(Kind kind) {
    for (int every : List.of(1, 250)) { // the 20 oldest, or one here and there
      ReplayBench fresh = new ReplayBench();
      fresh.put(5_000);
      fresh.failure =
          message -> {
            int number = Integer.parseInt(message.messageId().substring(1));
            return number % every == 0 && number / every < 20 ? kind : null;
          };
      fresh.started();
      fresh.pass(SECOND.multipliedBy(60)); // 1.2 times what the pace allows

      assertThat(fresh.taken).as("one in %s", every).hasSize(4_980).doesNotHaveDuplicates();
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Kind.class,
      names = {"NOT_SENT", "AMBIGUOUS"})
  void messages_that_fail_alone_beside_a_sink_that_works_are_dead_in_the_end(Kind kind) {
    bench.put(20);
    bench.failure = message -> message.messageId().startsWith("m") ? kind : null;
    bench.started();
    for (int i = 0; i < 12 * 60; i++) {
      bench.put("good" + i, "good" + i);
      bench.pass(Duration.ofMinutes(1));
    }
    assertThat(bench.kept.list(StoredStatus.DEAD, 100, 0))
        .hasSize(20)
        .allMatch(entry -> entry.attempts() == 20);
    assertThat(bench.taken).hasSizeGreaterThan(715);
  }

  @Test
  void a_queue_that_lets_nobody_in_holds_up_no_other_queue() {
    for (int i = 0; i < 3_000; i++) {
      bench.put((i % 3 == 0 ? "high" : "low") + i, "u" + i);
    }
    bench.failure = message -> message.messageId().startsWith("high") ? Kind.ACCESS_REFUSED : null;
    bench.started();
    bench.pass(SECOND.multipliedBy(24)); // 1.2 times what the pace allows
    assertThat(bench.taken).hasSize(2_000);
    bench.up();
    bench.pass(Duration.ofMinutes(6));
    assertThat(bench.taken).hasSize(3_000);
  }

  @Test
  void what_was_taken_and_could_not_be_recorded_is_recorded_later_and_not_sent_again() {
    bench.put(10);
    List<FallbackException> faults =
        new ArrayList<>(
            List.of(
                new FallbackException("the store is down", null),
                new FallbackException("the store is down", null)));
    bench.store =
        new ForwardingStore(bench.kept) {
          @Override
          public int replayed(List<StoredMessage> claimed) {
            if (!faults.isEmpty()) {
              throw faults.remove(0);
            }
            return super.replayed(claimed);
          }
        };
    bench.started();
    bench.pass(Duration.ofMinutes(5));
    assertThat(bench.taken).isEqualTo(ids(10));
    assertThat(bench.count(StoredStatus.QUEUED)).isEqualTo(10);
  }

  @Test
  void a_replayed_message_is_recorded_before_the_next_call() {
    bench.put(20);
    List<Long> recorded = new ArrayList<>();
    bench.duringCall = () -> recorded.add(bench.count(StoredStatus.QUEUED));
    bench.started();
    bench.pass(SECOND);
    assertThat(recorded).containsExactly(0L, 10L);
  }

  @Test
  void the_message_that_is_sent_says_how_often_it_was_revived() {
    OutboundMessage[] seen = new OutboundMessage[1];
    bench.failure =
        message -> {
          seen[0] = message;
          return message.revival() == 0 ? Kind.MESSAGE_REFUSED : null;
        };
    bench.put(1);
    bench.started();
    bench.pass(SECOND);
    bench.kept.revive("m0");
    bench.pass(SECOND.multipliedBy(2));
    assertThat(seen[0].revival()).isEqualTo(1);
    assertThat(bench.taken).containsExactly("m0");
  }
}
