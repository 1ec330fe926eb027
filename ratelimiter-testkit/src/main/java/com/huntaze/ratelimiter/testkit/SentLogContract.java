package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.delivery.SentLog.Begin;
import com.huntaze.ratelimiter.delivery.SentLog.Claim;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/**
 * What every {@link SentLog} promises. A test class for a log extends this one and says how to make
 * it; JUnit then runs all of these.
 *
 * <p>Logs keep time by clocks of their own, so nothing here moves a clock: where a lease has to
 * end, it is a fraction of a second, waited for until it shows and for 10 s at the most.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
public abstract class SentLogContract {
  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration SHORT = Duration.ofMillis(200);

  /** Long enough for a few round trips on a busy machine, and short enough to be waited out. */
  private static final Duration A_WHILE = Duration.ofSeconds(2);

  /** For subclasses. */
  protected SentLogContract() {}

  /**
   * {@return a log that knows of no message, and that no other test uses}
   *
   * @throws Exception if it cannot be made; the test fails
   */
  protected abstract SentLog newLog() throws Exception;

  @Test
  void a_message_is_begun_once() throws Exception {
    SentLog log = newLog();

    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.STARTED);
    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.IN_PROGRESS);
    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.IN_PROGRESS);
    assertThat(begin(log, "b", LONG)).isEqualTo(Begin.STARTED);
  }

  @Test
  void a_call_whose_lease_ended_is_in_doubt_and_stays_so() throws Exception {
    SentLog log = newLog();
    begin(log, "a", SHORT);

    assertThat(awaitEndOfLease(log, "a")).isEqualTo(Begin.IN_DOUBT);
    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.IN_DOUBT);
    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.IN_DOUBT);
  }

  @Test
  void only_calls_that_nobody_ended_are_counted_as_in_doubt_where_the_log_counts()
      throws Exception {
    SentLog log = newLog();
    begin(log, "under way", LONG);
    begin(log, "sent", SHORT);
    log.sent("sent");
    begin(log, "not sent", SHORT);
    log.notSent(claim("not sent"));
    begin(log, "vanished", SHORT);
    awaitEndOfLease(log, "vanished");

    assertThat(log.inDoubt().orElse(1)).isEqualTo(1);
  }

  @Test
  void what_was_sent_is_sent_for_good() throws Exception {
    SentLog log = newLog();
    begin(log, "a", SHORT);
    begin(log, "b", SHORT);
    log.sent("a");

    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.ALREADY_SENT);
    log.notSent(claim("a"));
    awaitEndOfLease(log, "b"); // so has the lease of the other
    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.ALREADY_SENT);
    log.sent("a");
    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.ALREADY_SENT);
  }

  @Test
  void a_call_that_did_not_deliver_may_be_made_again() throws Exception {
    SentLog log = newLog();
    begin(log, "a", LONG);
    log.notSent(claim("a"));
    log.notSent(claim("unknown"));

    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.STARTED);
    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.IN_PROGRESS);
  }

  @Test
  void a_doubt_ends_when_the_outcome_is_known_after_all() throws Exception {
    SentLog log = newLog();
    begin(log, "sent", SHORT);
    begin(log, "not", SHORT);
    awaitEndOfLease(log, "sent");
    awaitEndOfLease(log, "not");

    log.sent("sent");
    log.notSent(claim("not"));

    assertThat(begin(log, "sent", LONG)).isEqualTo(Begin.ALREADY_SENT);
    assertThat(begin(log, "not", LONG)).isEqualTo(Begin.STARTED);
  }

  @Test
  void what_was_sent_without_being_begun_is_known_too() throws Exception {
    SentLog log = newLog();
    log.sent("a");

    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.ALREADY_SENT);
  }

  @Test
  void ids_that_are_nearly_the_same_are_not() throws Exception {
    SentLog log = newLog();
    String longId = "x".repeat(300);

    for (String id : List.of("a", "A", "a ", "ä", "🙂", "a'b", longId, longId + "x")) {
      assertThat(begin(log, id, LONG)).as(id).isEqualTo(Begin.STARTED);
      assertThat(begin(log, id, LONG)).as(id).isEqualTo(Begin.IN_PROGRESS);
    }
  }

  @Test
  void of_many_who_begin_at_once_one_may() throws Exception {
    SentLog log = newLog();
    for (int round = 0; round < 20; round++) {
      String id = "message-" + round;

      List<Begin> answers = atOnce(16, i -> begin(log, id, LONG));

      assertThat(answers).filteredOn(Begin.STARTED::equals).as("round %s", round).hasSize(1);
      assertThat(answers).containsOnly(Begin.STARTED, Begin.IN_PROGRESS);
    }
  }

  @Test
  void a_lease_lasts_as_long_as_was_asked_for() throws Exception {
    SentLog log = newLog();
    Duration lease = Duration.ofMillis(600);
    long start = System.nanoTime();
    begin(log, "a", lease);

    assertThat(awaitEndOfLease(log, "a")).isEqualTo(Begin.IN_DOUBT);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isBetween(lease, lease.plusSeconds(5));
  }

  @Test
  void with_resend_one_of_many_who_ask_at_once_ends_a_doubt() throws Exception {
    SentLog log = newLog();
    for (String id : inDoubt(log, 10)) {
      List<Begin> answers =
          atOnce(16, i -> log.begin(new Claim(id, 0, "holder-" + i), LONG, InDoubtPolicy.RESEND));

      assertThat(answers).filteredOn(Begin.STARTED::equals).as(id).hasSize(1);
      assertThat(answers).containsOnly(Begin.STARTED, Begin.IN_PROGRESS);
    }
  }

  @Test
  void of_many_copies_of_a_revived_message_one_ends_its_doubt() throws Exception {
    SentLog log = newLog();
    for (String id : inDoubt(log, 10)) {
      List<Begin> answers =
          atOnce(16, i -> log.begin(new Claim(id, 1, "holder-" + i), LONG, InDoubtPolicy.HOLD));

      assertThat(answers).filteredOn(Begin.STARTED::equals).as(id).hasSize(1);
      assertThat(answers).containsOnly(Begin.STARTED, Begin.IN_PROGRESS);
    }
  }

  @Test
  void a_revival_ends_a_doubt_once() throws Exception {
    SentLog log = newLog();
    begin(log, "a", SHORT);
    awaitEndOfLease(log, "a");

    assertThat(revived(log, "a", 1, A_WHILE)).isEqualTo(Begin.STARTED);
    assertThat(revived(log, "a", 1, LONG)).isEqualTo(Begin.IN_PROGRESS);
    assertThat(awaitEndOfLease(log, "a")).isEqualTo(Begin.IN_DOUBT);
    assertThat(revived(log, "a", 1, LONG)).isEqualTo(Begin.IN_DOUBT);
    assertThat(revived(log, "a", 2, LONG)).isEqualTo(Begin.STARTED);
  }

  @Test
  void a_revival_that_is_not_a_later_one_ends_no_doubt() throws Exception {
    SentLog log = newLog();
    revived(log, "a", 2, SHORT);
    awaitEndOfLease(log, "a");

    for (int revival = 0; revival <= 2; revival++) {
      assertThat(revived(log, "a", revival, LONG)).as("%s", revival).isEqualTo(Begin.IN_DOUBT);
    }
    assertThat(revived(log, "a", 3, LONG)).isEqualTo(Begin.STARTED);
  }

  @Test
  void neither_a_revival_nor_resend_goes_beside_a_call_under_way() throws Exception {
    SentLog log = newLog();
    begin(log, "a", LONG);

    assertThat(log.begin(new Claim("a", 5, "other"), LONG, InDoubtPolicy.RESEND))
        .isEqualTo(Begin.IN_PROGRESS);
    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.IN_PROGRESS);
  }

  @Test
  void what_was_sent_is_not_sent_again_however_often_it_is_revived() throws Exception {
    SentLog log = newLog();
    begin(log, "a", LONG);
    log.sent("a");

    assertThat(log.begin(new Claim("a", 5, "other"), LONG, InDoubtPolicy.RESEND))
        .isEqualTo(Begin.ALREADY_SENT);
    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.ALREADY_SENT);
  }

  @Test
  void a_holder_that_comes_back_late_ends_nobodys_call() throws Exception {
    SentLog log = newLog();
    Claim late = new Claim("a", 0, "late");
    Claim revived = new Claim("a", 1, "late");
    Claim resent = new Claim("a", 1, "resends");
    log.begin(late, SHORT, InDoubtPolicy.HOLD);
    awaitEndOfLease(log, "a");
    log.begin(revived, A_WHILE, InDoubtPolicy.HOLD);
    log.notSent(late);

    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.IN_PROGRESS);
    awaitEndOfLease(log, "a");
    assertThat(log.begin(resent, LONG, InDoubtPolicy.RESEND)).isEqualTo(Begin.STARTED);
    log.notSent(late);
    log.notSent(revived);
    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.IN_PROGRESS);
    log.notSent(resent);
    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.STARTED);
  }

  @Test
  void what_anyone_says_is_sent_is_sent_whoever_has_begun_it_since() throws Exception {
    SentLog log = newLog();
    Claim resent = new Claim("a", 0, "resends");
    begin(log, "a", SHORT);
    awaitEndOfLease(log, "a");
    log.begin(resent, LONG, InDoubtPolicy.RESEND);

    log.sent("a"); // by the one who begun it first
    log.notSent(resent);

    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.ALREADY_SENT);
  }

  @Test
  void holders_that_are_nearly_the_same_are_not() throws Exception {
    SentLog log = newLog();
    String longHolder = "x".repeat(300);
    log.begin(new Claim("a", 0, "h"), LONG, InDoubtPolicy.HOLD);
    log.begin(new Claim("b", 0, longHolder), LONG, InDoubtPolicy.HOLD);

    for (String other : List.of("H", "h ", "", "h\u0000")) {
      log.notSent(new Claim("a", 0, other));
    }
    log.notSent(new Claim("b", 0, longHolder + "x"));

    assertThat(begin(log, "a", LONG)).isEqualTo(Begin.IN_PROGRESS);
    assertThat(begin(log, "b", LONG)).isEqualTo(Begin.IN_PROGRESS);
  }

  @Test
  void a_purge_forgets_nothing_of_late() throws Exception {
    SentLog log = newLog();
    begin(log, "doubtful", SHORT);
    begin(log, "begun", LONG);
    log.sent("sent");
    awaitEndOfLease(log, "doubtful");

    log.purge();

    assertThat(begin(log, "doubtful", LONG)).isEqualTo(Begin.IN_DOUBT);
    assertThat(begin(log, "begun", LONG)).isEqualTo(Begin.IN_PROGRESS);
    assertThat(begin(log, "sent", LONG)).isEqualTo(Begin.ALREADY_SENT);
  }

  static Claim claim(String id) {
    return new Claim(id, 0, "holder");
  }

  private static Begin begin(SentLog log, String id, Duration lease) {
    return log.begin(claim(id), lease, InDoubtPolicy.HOLD);
  }

  private static Begin revived(SentLog log, String id, int revival, Duration lease) {
    return log.begin(new Claim(id, revival, "holder"), lease, InDoubtPolicy.HOLD);
  }

  /** Messages whose calls were begun by someone who vanished. */
  private static List<String> inDoubt(SentLog log, int count) {
    List<String> ids = IntStream.range(0, count).mapToObj(i -> "message-" + i).toList();
    ids.forEach(id -> begin(log, id, SHORT));
    ids.forEach(id -> awaitEndOfLease(log, id));
    return ids;
  }

  private static Begin awaitEndOfLease(SentLog log, String id) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    Begin begin = begin(log, id, LONG);
    while (begin == Begin.IN_PROGRESS && System.nanoTime() < end) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      begin = begin(log, id, LONG);
    }
    return begin;
  }

  private static List<Begin> atOnce(int threads, IntFunction<Begin> call) throws Exception {
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    CyclicBarrier together = new CyclicBarrier(threads);
    List<Callable<Begin>> calls = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      int number = i;
      calls.add(
          () -> {
            together.await(10, TimeUnit.SECONDS);
            return call.apply(number);
          });
    }
    try {
      List<Begin> answers = new ArrayList<>();
      for (Future<Begin> answer : executor.invokeAll(calls)) {
        answers.add(answer.get());
      }
      return answers;
    } finally {
      executor.shutdownNow();
    }
  }
}
