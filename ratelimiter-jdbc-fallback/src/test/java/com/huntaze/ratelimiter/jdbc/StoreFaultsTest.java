package com.huntaze.ratelimiter.jdbc;

import static com.huntaze.ratelimiter.jdbc.TestDatabase.ask;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.jdbc.CutDatabase.Lost;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.LocalDatabase;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A database that goes away: in the midst of any call, for a while, or without a word. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class StoreFaultsTest {
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb MARIADB = LocalMariaDb.shared();

  private static final Duration LONG_LEASE = Duration.ofMinutes(1);
  private static final Duration GIVEN_UP = Duration.ofSeconds(8);
  private static final Duration SHORT_LEASE = Duration.ofMillis(300);

  private final List<AutoCloseable> opened = new ArrayList<>();

  /** What the caller was told, and what had become of it by then. */
  private enum Outcome {
    RETURNED,
    FAILED_AND_DONE,
    FAILED_AND_NOT_DONE
  }

  private static Stream<Arguments> cuts() {
    return Stream.of(TestDatabase.POSTGRESQL, TestDatabase.MARIADB)
        .flatMap(kind -> Stream.of(Lost.values()).map(lost -> Arguments.of(kind, lost)));
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : opened) {
      each.close();
    }
  }

  @ParameterizedTest
  @MethodSource("cuts")
  void storing_again_is_safe_whichever_call_was_cut_off(TestDatabase kind, Lost lost)
      throws Exception {
    Fixture fixture = new Fixture(kind);
    List<Outcome> outcomes = new ArrayList<>();
    for (int call = 1; ; call++) {
      String id = "m" + call;
      String row = "SELECT status FROM onlyfans_messages WHERE id = '" + id + "'";
      fixture.way.cutAt(call, lost);
      Optional<FallbackException> failure = failure(() -> fixture.store.store(message(id), "down"));
      boolean isReached = fixture.way.isReached();
      List<String> found = ask(fixture.direct, row);
      outcomes.add(outcome(failure, !found.isEmpty()));
      if (failure.isEmpty()) {
        assertThat(found).as("%s, which was said to be stored", id).containsExactly("failed");
      } else {
        assertThat(failure.get()).hasMessageContaining("could not store message " + id);
      }
      fixture.way.restore();

      fixture.store.store(message(id), "down");

      assertThat(ask(fixture.direct, row)).containsExactly("failed");
      if (!isReached) {
        break; // it takes no more calls than these
      }
    }
    assertThat(outcomes).contains(wanted(lost)).endsWith(Outcome.RETURNED);
    assertThat(fixture.store.claim(100, LONG_LEASE)).hasSize(outcomes.size());
    assertThat(fixture.store.claim(100, LONG_LEASE)).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("cuts")
  void a_claim_that_was_cut_off_is_handed_out_again_after_its_lease(TestDatabase kind, Lost lost)
      throws Exception {
    Fixture fixture = new Fixture(kind);
    List<Outcome> outcomes = new ArrayList<>();
    boolean isReached = true;
    for (int call = 1; isReached; call++) {
      String id = "m" + call;
      fixture.store.store(message(id), "down");
      fixture.way.cutAt(call, lost);
      long start = System.nanoTime();
      List<StoredMessage> claimed = new ArrayList<>();
      Optional<FallbackException> failure =
          failure(() -> claimed.addAll(fixture.store.claim(10, SHORT_LEASE)));
      isReached = fixture.way.isReached();
      boolean isLeased =
          ask(fixture.direct, "SELECT lease_owner FROM onlyfans_messages WHERE id = '" + id + "'")
                  .get(0)
              != null;
      outcomes.add(outcome(failure, isLeased));
      fixture.way.restore();
      if (failure.isPresent()) {
        claimed.addAll(awaitClaim(fixture.store));
        if (isLeased) {
          assertThat(Duration.ofNanos(System.nanoTime() - start))
              .as("time until %s was handed out again", id)
              .isGreaterThanOrEqualTo(SHORT_LEASE);
        }
      }

      assertThat(claimed.stream().map(stored -> stored.message().messageId())).containsExactly(id);
      assertThat(fixture.store.replayed(claimed)).isEqualTo(1);
      assertThat(fixture.store.claim(10, LONG_LEASE)).isEmpty();
    }
    assertThat(outcomes).contains(wanted(lost)).endsWith(Outcome.RETURNED);
  }

  @ParameterizedTest
  @MethodSource("cuts")
  void what_was_replayed_is_recorded_or_handed_out_again_when_the_record_was_cut_off(
      TestDatabase kind, Lost lost) throws Exception {
    Fixture fixture = new Fixture(kind);
    List<Outcome> outcomes = new ArrayList<>();
    boolean isReached = true;
    for (int call = 1; isReached; call++) {
      String id = "m" + call;
      String status = "SELECT status FROM onlyfans_messages WHERE id = '" + id + "'";
      fixture.store.store(message(id), "down");
      List<StoredMessage> claimed = fixture.store.claim(10, SHORT_LEASE);
      fixture.way.cutAt(call, lost);
      Optional<FallbackException> failure =
          failure(() -> assertThat(fixture.store.replayed(claimed)).isEqualTo(1));
      isReached = fixture.way.isReached();
      boolean isQueued = ask(fixture.direct, status).equals(List.of("queued"));
      outcomes.add(outcome(failure, isQueued));
      assertThat(failure.isPresent() || isQueued).as("what was said to be recorded is").isTrue();
      fixture.way.restore();
      if (!isQueued) {
        List<StoredMessage> again = awaitClaim(fixture.store);
        assertThat(again).extracting(stored -> stored.message()).containsExactly(message(id));
        assertThat(fixture.store.replayed(claimed)).as("by the claimer of before").isZero();
        assertThat(fixture.store.replayed(again)).isEqualTo(1);
      }
      assertThat(ask(fixture.direct, status)).containsExactly("queued");
    }
    assertThat(outcomes).contains(wanted(lost)).endsWith(Outcome.RETURNED);
    assertThat(fixture.store.backlog().waiting()).isZero();
    assertThat(fixture.store.backlog().count(StoredStatus.QUEUED)).isEqualTo(outcomes.size());
  }

  @ParameterizedTest
  @EnumSource(names = {"POSTGRESQL", "MARIADB"})
  void a_store_works_again_when_its_database_is_back(TestDatabase kind) throws Exception {
    Fixture fixture = new Fixture(kind);
    fixture.store.store(message("before"), "down");
    List<StoredMessage> claimed = fixture.store.claim(10, LONG_LEASE);
    for (int outage = 0; outage < 3; outage++) {
      String id = "m" + outage;
      fixture.way.proxy().cut();
      long start = System.nanoTime();
      for (Runnable call :
          List.<Runnable>of(
              () -> fixture.store.store(message(id), "down"),
              () -> fixture.store.claim(10, LONG_LEASE),
              () -> fixture.store.replayed(claimed),
              fixture.store::backlog)) {
        assertThatThrownBy(call::run)
            .isInstanceOf(FallbackException.class)
            .hasMessageMatching("could not (store|claim|record|count) .*SQLState 08.*");
      }
      assertThat(failure(() -> fixture.store.store(message(id), "down")).orElseThrow())
          .hasMessageContaining("could not store message " + id);
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(GIVEN_UP);
      fixture.way.proxy().restore();

      assertThat(fixture.store.backlog().waiting()).isEqualTo(1L + outage);
      fixture.store.store(message(id), "down");
      assertThat(fixture.store.claim(10, LONG_LEASE))
          .extracting(stored -> stored.message())
          .containsExactly(message(id));
    }
    assertThat(fixture.store.replayed(claimed)).isEqualTo(1);
    assertThat(ask(fixture.direct, "SELECT id FROM onlyfans_messages ORDER BY id"))
        .containsExactly("before", "m0", "m1", "m2");
  }

  @ParameterizedTest
  @EnumSource(names = {"POSTGRESQL", "MARIADB"})
  void a_database_that_does_not_answer_a_connection_is_given_up_in_time(TestDatabase kind)
      throws Exception {
    Fixture fixture = new Fixture(kind, 1);
    fixture.way.proxy().stall();

    assertGivenUpInTime(fixture, "a");

    fixture.way.restore();
    fixture.store.store(message("a"), "down");
    assertThat(ask(fixture.direct, "SELECT id FROM onlyfans_messages")).containsExactly("a");
  }

  @ParameterizedTest
  @MethodSource("cuts")
  void a_database_that_falls_silent_is_given_up_in_time(TestDatabase kind, Lost lost)
      throws Exception {
    Fixture fixture = new Fixture(kind, 1);
    fixture.way.cutAt(Integer.MAX_VALUE, lost);
    fixture.store.store(message("before"), "down");
    fixture.way.silentAt(fixture.way.calls(), lost);

    assertGivenUpInTime(fixture, "a");

    assertThat(fixture.way.isReached()).isTrue();
    fixture.way.restore(); // and what was held back comes late
    fixture.store.store(message("a"), "down");
    assertThat(fixture.store.claim(10, LONG_LEASE)).hasSize(2);
    assertThat(ask(fixture.direct, "SELECT id FROM onlyfans_messages ORDER BY id"))
        .containsExactly("a", "before");
  }

  private static void assertGivenUpInTime(Fixture fixture, String id) {
    long start = System.nanoTime();
    assertThat(failure(() -> fixture.store.store(message(id), "down")).orElseThrow())
        .hasMessageContaining("could not store message " + id);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(GIVEN_UP);
  }

  /** A store behind a way that can be cut, and the database by a direct way. */
  private final class Fixture {
    private final DataSource direct;
    private final CutDatabase way;
    private final JdbcFallbackStore store;

    Fixture(TestDatabase kind) {
      this(kind, 10);
    }

    /** The time-out is the driver's, for connections and answers. */
    Fixture(TestDatabase kind, int timeoutSeconds) {
      boolean isPostgres = kind == TestDatabase.POSTGRESQL;
      LocalDatabase database = isPostgres ? POSTGRES.newDatabase() : MARIADB.newDatabase();
      int timeout = isPostgres ? timeoutSeconds : timeoutSeconds * 1_000;
      this.direct = database.dataSource();
      this.way =
          new CutDatabase(
              isPostgres ? POSTGRES.address() : MARIADB.address(),
              database,
              "&connectTimeout=%d&socketTimeout=%d".formatted(timeout, timeout));
      opened.add(way);
      this.store =
          JdbcFallbackStore.builder(way.dataSource())
              .queryTimeout(Duration.ofSeconds(timeoutSeconds + 1))
              .build();
      JdbcFallbackStore.builder(direct).build().createSchema();
      store.backlog();
    }
  }

  private static Outcome wanted(Lost lost) {
    return lost == Lost.THE_ANSWER ? Outcome.FAILED_AND_DONE : Outcome.FAILED_AND_NOT_DONE;
  }

  private static Outcome outcome(Optional<FallbackException> failure, boolean isDone) {
    if (failure.isEmpty()) {
      return Outcome.RETURNED;
    }
    return isDone ? Outcome.FAILED_AND_DONE : Outcome.FAILED_AND_NOT_DONE;
  }

  /** What a call failed with; anything but a {@link FallbackException} fails the test. */
  private static Optional<FallbackException> failure(Runnable call) {
    try {
      call.run();
      return Optional.empty();
    } catch (FallbackException e) {
      return Optional.of(e);
    }
  }

  private static List<StoredMessage> awaitClaim(JdbcFallbackStore store) {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    List<StoredMessage> claimed = store.claim(10, LONG_LEASE);
    while (claimed.isEmpty()) {
      assertThat(System.nanoTime()).as("it is handed out again").isLessThan(end);
      LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
      claimed = store.claim(10, LONG_LEASE);
    }
    return claimed;
  }

  private static OutboundMessage message(String id) {
    return OutboundMessage.builder(id, "user of " + id, Instant.EPOCH)
        .recipientId("fan_1")
        .content("hello")
        .build();
  }
}
