package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.delivery.SentLog.Begin;
import com.huntaze.ratelimiter.delivery.SentLog.Claim;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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

      List<Begin> answers = atOnce(16, () -> begin(log, id, LONG));

      assertThat(answers).filteredOn(Begin.STARTED::equals).as("round %s", round).hasSize(1);
      assertThat(answers).containsOnly(Begin.STARTED, Begin.IN_PROGRESS);
    }
  }

  static Claim claim(String id) {
    return new Claim(id, 0, "holder");
  }

  private static Begin begin(SentLog log, String id, Duration lease) {
    return log.begin(claim(id), lease, InDoubtPolicy.HOLD);
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

  private static List<Begin> atOnce(int threads, Callable<Begin> call) throws Exception {
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    CyclicBarrier together = new CyclicBarrier(threads);
    Callable<Begin> started =
        () -> {
          together.await(10, TimeUnit.SECONDS);
          return call.call();
        };
    try {
      List<Begin> answers = new ArrayList<>();
      for (Future<Begin> answer : executor.invokeAll(Collections.nCopies(threads, started))) {
        answers.add(answer.get());
      }
      return answers;
    } finally {
      executor.shutdownNow();
    }
  }
}
