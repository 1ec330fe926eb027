package com.huntaze.ratelimiter.fallback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.ForwardingStore;
import com.huntaze.ratelimiter.LogLines;
import com.huntaze.ratelimiter.fallback.ReplayBench.Call;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a replayer does while its sink or its store fails, and how it ends. */
@Timeout(60)
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class ReplayOutageTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final ReplayBench bench = new ReplayBench();

  @Test
  void an_outage_of_a_week_makes_no_message_dead_and_counts_no_attempt() {
    bench.put(50);
    bench.down(Kind.NOT_SENT);
    bench.started();
    bench.pass(Duration.ofDays(7));

    assertThat(bench.kept.list(StoredStatus.FAILED, 100, 0))
        .hasSize(50)
        .allMatch(entry -> entry.attempts() == 0);
    bench.up();
    bench.pass(Duration.ofMinutes(6));
    assertThat(bench.taken).hasSize(50);
  }

  @Test
  void in_an_outage_the_sink_is_probed_with_one_message_ever_more_rarely() {
    bench.put(50);
    bench.down(Kind.AMBIGUOUS);
    bench.started();
    bench.pass(Duration.ofMinutes(10));

    assertThat(bench.calls.subList(0, 5)).allMatch(call -> call.ids().size() == 10);
    assertThat(bench.calls.subList(5, bench.calls.size())).allMatch(call -> call.ids().size() == 1);
    List<Long> pauses = new ArrayList<>();
    for (int i = 1; i < bench.calls.size(); i++) {
      pauses.add(bench.calls.get(i).millis() - bench.calls.get(i - 1).millis());
    }
    long ceiling = 1_000;
    for (long pause : pauses) {
      assertThat(pause).isBetween(ceiling / 2, ceiling);
      ceiling = Math.min(30_000, ceiling * 2);
    }
    assertThat(pauses.size()).isBetween(20, 60);
  }

  @Test
  void what_was_not_sent_is_given_back_at_once_when_a_call_fails() {
    bench.put(50);
    bench.down(Kind.NOT_SENT);
    bench.started();
    bench.pass(Duration.ZERO);
    assertThat(bench.kept.claim(100, SECOND)).as("all but those of the call").hasSize(40);
    bench.nanos.addAndGet(SECOND.multipliedBy(5).toNanos());
    assertThat(bench.kept.claim(100, SECOND)).as("those had their rest").hasSize(50);
  }

  @Test
  void after_a_probe_was_taken_full_chunks_go_on() {
    bench.put(200);
    bench.down(Kind.NOT_SENT);
    bench.started();
    bench.pass(Duration.ofMinutes(5));
    int before = bench.calls.size();
    bench.up();
    bench.pass(Duration.ofMinutes(1));

    List<Call> after = bench.calls.subList(before, bench.calls.size());
    assertThat(after.get(0).ids()).hasSize(1);
    assertThat(after.stream().filter(call -> call.ids().size() == 10).count())
        .isGreaterThanOrEqualTo(17);
    bench.pass(Duration.ofMinutes(6));
    assertThat(bench.taken).hasSize(200).doesNotHaveDuplicates();
  }

  @Test
  void messages_that_break_every_call_they_are_in_block_no_other_and_are_dead_in_the_end() {
    bench.put(100);
    List<String> poison =
        List.of("m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9", "m42");
    bench.duringCall =
        () -> {
          if (bench.calls.get(bench.calls.size() - 1).ids().stream().anyMatch(poison::contains)) {
            throw new IllegalStateException("breaks on it");
          }
        };
    bench.started();
    bench.pass(Duration.ofMinutes(30));
    assertThat(bench.taken).hasSize(89).doesNotContainAnyElementsOf(poison);
    for (int i = 0; bench.count(StoredStatus.DEAD) < poison.size(); i++) {
      assertThat(i).isLessThan(10_000);
      bench.put("new" + i, "new");
      bench.pass(Duration.ofMinutes(1));
    }
    assertThat(bench.kept.list(StoredStatus.DEAD, 100, 0))
        .extracting(StoredEntry::messageId)
        .containsExactlyInAnyOrderElementsOf(poison);
    assertThat(bench.kept.backlog().waiting()).isLessThan(3);
  }

  @ParameterizedTest
  @CsvSource({"0.9, false", "0.95, false", "0.9, true", "0.95, true"})
  void a_brownout_of_a_day_makes_no_message_dead(double failing, boolean eachByItself) {
    SplittableRandom random = new SplittableRandom(1);
    boolean[] callFails = new boolean[1];
    bench.put(300);
    bench.duringCall = () -> callFails[0] = random.nextDouble() < failing;
    bench.failure =
        message ->
            (eachByItself ? random.nextDouble() < failing : callFails[0]) ? Kind.NOT_SENT : null;
    bench.started();
    for (int minute = 0; minute < 24 * 60; minute++) {
      bench.put("n" + minute, "n" + minute);
      bench.pass(Duration.ofMinutes(1));
    }
    assertThat(bench.count(StoredStatus.DEAD)).isZero();
    assertThat(bench.taken).as("most get through in the end").hasSizeGreaterThan(1_200);
  }

  @Test
  void many_messages_that_break_every_call_and_were_stored_first_are_got_past() {
    bench.put(100);
    bench.duringCall =
        () -> {
          List<String> ids = bench.calls.get(bench.calls.size() - 1).ids();
          if (ids.stream().anyMatch(id -> Integer.parseInt(id.substring(1)) < 60)) {
            throw new IllegalStateException("breaks on it");
          }
        };
    bench.started();
    bench.pass(Duration.ofHours(12));
    assertThat(bench.taken).hasSize(40);
  }

  @Test
  void a_message_that_always_fails_while_nothing_else_is_sent_waits_for_ever() {
    bench.put(1);
    bench.down(Kind.NOT_SENT);
    bench.started();
    bench.pass(Duration.ofDays(1));
    assertThat(bench.entry("m0").status()).isEqualTo(StoredStatus.FAILED);
    assertThat(bench.kept.backlog().oldestWaiting()).contains(Duration.ofDays(1));
    assertThat(bench.calls.size()).as("tried about twice a minute").isGreaterThan(1_400);
  }

  @Test
  void a_full_queue_is_filled_up_again_and_again_without_a_failure_counted() {
    bench.put(100);
    int[] room = {3};
    bench.failure = message -> room[0]-- > 0 ? null : Kind.BACK_PRESSURE;
    bench.started();
    for (int i = 0; i < 600 && bench.taken.size() < 100; i++) {
      bench.pass(SECOND.multipliedBy(30));
      room[0] = 3;
    }
    assertThat(bench.taken).hasSize(100).doesNotHaveDuplicates();
  }

  @Test
  void a_replay_on_demand_tries_at_once_however_long_the_background_waits() {
    bench.put(30);
    bench.down(Kind.NOT_SENT);
    Replayer replayer = bench.started();
    bench.pass(Duration.ofHours(1));
    int before = bench.calls.size();
    assertThat(replayer.replay(30)).isZero();
    assertThat(bench.calls).hasSize(before + 1);
    bench.up();
    assertThat(replayer.replay(5)).isEqualTo(5);
    assertThat(bench.taken).hasSize(5);
  }

  @Test
  void a_sink_that_throws_answers_nothing_or_too_little_is_in_doubt_and_ends_nothing() {
    List<List<OutboundMessage>> seen = new ArrayList<>();
    MessageSink sink =
        new MessageSink() {
          @Override
          public SinkResult.Taken send(OutboundMessage message) {
            return bench.send(message);
          }

          @Override
          @SuppressWarnings("NullAway")
          public List<SinkResult> sendAll(List<OutboundMessage> messages) {
            seen.add(messages);
            return switch (seen.size()) {
              case 1 -> throw new IllegalStateException("broken");
              case 2 -> throw new StackOverflowError();
              case 3 -> null;
              case 4 -> List.of();
              case 5 -> java.util.Arrays.asList(new SinkResult[messages.size()]);
              default -> bench.sendAll(messages);
            };
          }
        };
    bench.put(10);
    Replayer.builder(bench.kept, sink)
        .ticker(bench.nanos::get)
        .scheduler(bench.scheduler)
        .build()
        .start();
    bench.pass(Duration.ofMinutes(10));
    assertThat(bench.taken).hasSize(10);
  }

  @Test
  void a_store_that_fails_is_asked_again_and_an_error_of_it_does_not_end_the_replay() {
    List<Throwable> faults =
        new ArrayList<>(
            List.of(
                new FallbackException("the store is down", null),
                new IllegalStateException("quotes a message"),
                new StackOverflowError()));
    bench.put(10);
    bench.store =
        new ForwardingStore(bench.kept) {
          @Override
          public List<StoredMessage> claim(int max, Duration lease) {
            if (!faults.isEmpty()) {
              Throwable fault = faults.remove(0);
              if (fault instanceof Error error) {
                throw error;
              }
              throw (RuntimeException) fault;
            }
            return super.claim(max, lease);
          }
        };
    try (LogLines log = new LogLines(Replayer.class)) {
      bench.started();
      bench.pass(SECOND.multipliedBy(20));
      assertThat(bench.taken).hasSize(10);
      assertThat(log.warnings()).hasSize(1).first().asString().contains("the store is down");
      assertThat(log.infos())
          .containsExactly("Replayed 10 stored messages, 0 of them stored more than 5 minutes ago");
    }
  }

  @Test
  void a_row_that_cannot_be_settled_keeps_no_other_from_being_given_back() {
    bench.put(30);
    bench.failure =
        message -> List.of("m0", "m1", "m2").contains(message.messageId()) ? Kind.NOT_SENT : null;
    List<String> unsettled = new ArrayList<>(List.of("m0"));
    bench.store =
        new ForwardingStore(bench.kept) {
          @Override
          public boolean failed(StoredMessage claimed, String error, Duration retryIn) {
            if (unsettled.remove(claimed.message().messageId())) {
              throw new FallbackException("refuses this row", null);
            }
            return super.failed(claimed, error, retryIn);
          }
        };
    bench.started();
    bench.pass(Duration.ZERO);

    assertThat(bench.entry("m0").claimed()).isFalse();
    assertThat(bench.entry("m1").attempts()).isEqualTo(1);
    assertThat(bench.entry("m2").attempts()).isEqualTo(1);
    assertThat(bench.kept.claim(100, SECOND)).as("the rest of the claim").hasSize(20);
  }

  @Test
  void what_cannot_be_recorded_is_counted_once_and_not_sent_again_while_its_lease_runs() {
    int[] counted = {0};
    bench.put(30);
    bench.failure = message -> message.messageId().equals("m3") ? Kind.NOT_SENT : null;
    bench.store =
        new ForwardingStore(bench.kept) {
          @Override
          public int replayed(List<StoredMessage> claimed) {
            if (bench.nanos.get() < SECOND.multipliedBy(20).toNanos()) {
              throw new FallbackException("the store is down", null);
            }
            return super.replayed(claimed);
          }
        };
    bench
        .replayer()
        .metrics(
            new MetricsSink() {
              @Override
              public void messageReplayed(Priority priority) {
                counted[0]++;
              }
            })
        .build()
        .start();
    bench.pass(Duration.ZERO);
    assertThat(counted[0]).isEqualTo(9);
    assertThat(bench.entry("m3").claimed()).as("put back all the same").isFalse();
    assertThat(bench.kept.claim(100, Duration.ofMillis(1))).hasSize(20);

    bench.up();
    bench.pass(Duration.ofMinutes(5));
    assertThat(bench.taken).hasSize(30).doesNotHaveDuplicates();
    assertThat(counted[0]).isEqualTo(30);
    assertThat(bench.count(StoredStatus.QUEUED)).isEqualTo(30);
  }

  @Test
  void the_store_is_looked_at_less_often_while_a_look_is_slow_and_finds_nothing() {
    List<Long> looks = new ArrayList<>();
    long[] takes = {Duration.ofMillis(500).toNanos()};
    bench.store =
        new ForwardingStore(bench.kept) {
          @Override
          public List<StoredMessage> claim(int max, Duration lease) {
            looks.add(bench.nanos.get() / 1_000_000);
            bench.nanos.addAndGet(takes[0]);
            return super.claim(max, lease);
          }
        };
    bench.started();
    bench.pass(Duration.ofMinutes(1));
    assertThat(looks).startsWith(0L, 2_500L, 7_000L, 15_500L, 31_000L, 46_500L);
    takes[0] = 0;
    bench.pass(SECOND.multipliedBy(20));
    looks.clear();
    bench.pass(SECOND.multipliedBy(10));
    assertThat(looks).as("once a second again").hasSize(10);
  }

  @Test
  void an_error_does_not_end_the_thread_of_its_own() throws Exception {
    List<Error> errors = new ArrayList<>(List.of(new StackOverflowError()));
    CountDownLatch called = new CountDownLatch(1);
    bench.put(1);
    bench.duringCall = called::countDown;
    bench.store =
        new ForwardingStore(bench.kept) {
          @Override
          public List<StoredMessage> claim(int max, Duration lease) {
            if (!errors.isEmpty()) {
              throw errors.remove(0);
            }
            return super.claim(max, lease);
          }
        };
    try (Replayer replayer =
        Replayer.builder(bench.store, bench).idle(Duration.ofMillis(10)).build()) {
      replayer.start();
      assertThat(called.await(20, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void whoever_asks_for_a_replay_hears_that_the_store_cannot_be_used() {
    bench.store =
        new ForwardingStore(bench.kept) {
          @Override
          public List<StoredMessage> claim(int max, Duration lease) {
            throw new FallbackException("the store is down", null);
          }
        };
    assertThatThrownBy(() -> bench.replayer().build().replay(1))
        .isInstanceOf(FallbackException.class);
  }

  @Test
  void an_outage_is_said_once_and_old_messages_once_with_their_number() {
    bench.put(60);
    bench.down(Kind.NOT_SENT);
    try (LogLines log = new LogLines(Replayer.class)) {
      bench.started();
      bench.pass(Duration.ofHours(1));
      assertThat(log.warnings()).hasSize(1).first().asString().contains("Replay fails");
      bench.up();
      bench.pass(SECOND.multipliedBy(40));
      assertThat(log.warnings())
          .hasSize(2)
          .last()
          .asString()
          .contains("a FIFO queue no longer recognises", "sent-log");
      assertThat(log.infos())
          .first()
          .asString()
          .matches("Replayed (\\d+) stored messages, \\1 of them stored more than 5 minutes ago");
    }
  }

  @Test
  void what_is_in_hand_at_the_close_is_another_processs_at_once_and_the_host_keeps_its_scheduler() {
    bench.put(50);
    Replayer replayer = bench.started();
    bench.pass(Duration.ofMillis(50));
    assertThat(bench.kept.claim(100, SECOND)).as("all in hand").isEmpty();

    replayer.close();

    assertThat(bench.kept.claim(100, SECOND)).hasSize(40);
    assertThat(bench.scheduler.waiting()).isZero();
    assertThat(bench.scheduler.isShutdown()).isFalse();
    replayer.close();
    replayer.start();
    assertThat(bench.scheduler.waiting()).as("closed for good").isZero();
  }

  @Test
  void the_hosts_thread_is_never_held_for_the_pace() {
    bench.put(50);
    bench.started();
    bench.scheduler.pass(0);
    assertThat(bench.calls).as("one call, and the thread is free").hasSize(1);
    assertThat(bench.nanos).hasValue(0);
    assertThat(bench.scheduler.waiting()).isEqualTo(1);
  }

  @Test
  void a_thread_of_its_own_has_a_name_is_no_reason_to_stay_and_ends_at_the_close()
      throws Exception {
    bench.put(30);
    CountDownLatch called = new CountDownLatch(1);
    Thread[] own = new Thread[1];
    bench.duringCall =
        () -> {
          own[0] = Thread.currentThread();
          called.countDown();
        };
    Replayer replayer =
        Replayer.builder(bench.kept, bench)
            .pace(com.huntaze.ratelimiter.limit.RateLimit.spaced(1, SECOND))
            .build();
    replayer.start();
    assertThat(called.await(20, TimeUnit.SECONDS)).isTrue();
    replayer.close();
    assertThat(own[0].getName()).isEqualTo("ratelimiter-replayer");
    assertThat(own[0].isDaemon()).isTrue();
    assertThat(own[0].isAlive()).isFalse();
    assertThat(bench.kept.claim(100, SECOND)).hasSize(30 - bench.taken.size());
  }

  @Test
  void a_store_that_hangs_does_not_keep_the_close() {
    CountDownLatch never = new CountDownLatch(1);
    bench.put(50);
    bench.store =
        new ForwardingStore(bench.kept) {
          @Override
          public int release(List<StoredMessage> claimed, Duration retryIn) {
            try {
              never.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
            return 0;
          }
        };
    Replayer replayer = bench.started();
    bench.pass(Duration.ofMillis(50));
    replayer.close(Duration.ofMillis(50));
    never.countDown();
  }

  @Test
  void what_was_replayed_long_ago_is_deleted_in_steps_between_the_rounds() {
    bench.put(2_500);
    bench.kept.replayed(bench.kept.claim(2_500, SECOND));
    bench.nanos.addAndGet(Duration.ofDays(14).toNanos());
    bench.put("young", "young");
    List<Integer> purged = new ArrayList<>();
    bench.store =
        new ForwardingStore(bench.kept) {
          @Override
          public int purge(Duration age, int max) {
            assertThat(age).isEqualTo(Duration.ofDays(14));
            assertThat(max).isEqualTo(1_000);
            assertThat(bench.scheduler.getQueue()).isEmpty();
            purged.add(super.purge(age, max));
            return purged.get(purged.size() - 1);
          }
        };
    bench.started();
    bench.pass(Duration.ofMinutes(1));
    assertThat(purged).as("not at the start").isEmpty();
    bench.pass(Duration.ofMinutes(9));
    assertThat(purged).containsExactly(1_000, 1_000, 500);
    assertThat(bench.count(StoredStatus.QUEUED)).isEqualTo(1);
    bench.pass(Duration.ofHours(10));
    assertThat(purged.size()).as("about once an hour").isBetween(3 + 6, 3 + 20);
  }

  @Test
  void deleting_that_fails_is_said_once_and_holds_up_nothing() {
    bench.store =
        new ForwardingStore(bench.kept) {
          @Override
          public int purge(Duration age, int max) {
            throw new FallbackException("the store refuses", null);
          }
        };
    try (LogLines log = new LogLines(Replayer.class)) {
      bench.started();
      bench.pass(Duration.ofHours(10));
      bench.put(20);
      bench.pass(SECOND.multipliedBy(3));
      assertThat(bench.taken).hasSize(20);
      assertThat(log.warnings()).hasSize(1);
    }
  }
}
