package com.huntaze.ratelimiter.jdbc;

import static com.huntaze.ratelimiter.jdbc.TestDatabase.ask;
import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog.Begin;
import com.huntaze.ratelimiter.delivery.SentLog.Claim;
import com.huntaze.ratelimiter.delivery.SentLogException;
import com.huntaze.ratelimiter.jdbc.CutDatabase.Lost;
import com.huntaze.ratelimiter.testkit.LocalDatabase;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.time.Duration;
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
import org.junit.jupiter.params.provider.MethodSource;

/** A connection that breaks in the midst of any call of a sent-log: before its commit or after. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SentLogFaultsTest {
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb MARIADB = LocalMariaDb.shared();

  private static final Duration LONG = Duration.ofMinutes(1);
  private static final Duration SHORT = Duration.ofMillis(300);

  private DataSource direct;
  private CutDatabase way;
  private JdbcSentLog log;

  private static Stream<Arguments> cuts() {
    return Stream.of(TestDatabase.POSTGRESQL, TestDatabase.MARIADB)
        .flatMap(kind -> Stream.of(Lost.values()).map(lost -> Arguments.of(kind, lost)));
  }

  private void connect(TestDatabase kind) {
    boolean isPostgres = kind == TestDatabase.POSTGRESQL;
    LocalDatabase database = isPostgres ? POSTGRES.newDatabase() : MARIADB.newDatabase();
    direct = database.dataSource();
    way =
        new CutDatabase(
            isPostgres ? POSTGRES.address() : MARIADB.address(),
            database,
            isPostgres
                ? "&connectTimeout=10&socketTimeout=10"
                : "&connectTimeout=10000&socketTimeout=10000");
    JdbcSentLog.builder(direct).build().createSchema();
    log = JdbcSentLog.builder(way.dataSource()).build();
    log.sent("known");
  }

  @AfterEach
  void close() {
    way.close();
  }

  @ParameterizedTest
  @MethodSource("cuts")
  void nobody_begins_beside_a_call_whose_begin_was_cut_off_after_its_commit(
      TestDatabase kind, Lost lost) throws Exception {
    connect(kind);
    List<Boolean> recordedAllTheSame = new ArrayList<>();
    boolean isReached = true;
    for (int call = 1; isReached; call++) {
      Claim cut = new Claim("m" + call, 0, "cut");
      Claim other = new Claim("m" + call, 0, "other");
      way.cutAt(call, lost);
      Optional<SentLogException> failure =
          failure(
              () -> assertThat(log.begin(cut, SHORT, InDoubtPolicy.HOLD)).isEqualTo(Begin.STARTED));
      isReached = way.isReached();
      boolean isRecorded = !state(cut.messageId()).isEmpty();
      way.restore();

      assertThat(failure.isPresent() || isRecorded).as("what was said to be begun is").isTrue();
      if (isRecorded) {
        assertThat(awaitEndOfLease(other)).isEqualTo(Begin.IN_DOUBT);
        log.notSent(cut);
      }
      assertThat(log.begin(other, LONG, InDoubtPolicy.HOLD)).isEqualTo(Begin.STARTED);
      failure.ifPresent(
          e -> {
            assertThat(e).hasMessageContaining("could not begin message " + cut.messageId());
            recordedAllTheSame.add(isRecorded);
          });
    }
    assertThat(recordedAllTheSame).contains(lost == Lost.THE_ANSWER);
  }

  @ParameterizedTest
  @MethodSource("cuts")
  void what_was_sent_is_recorded_by_asking_again_whichever_call_was_cut_off(
      TestDatabase kind, Lost lost) throws Exception {
    connect(kind);
    List<Boolean> recordedAllTheSame = new ArrayList<>();
    boolean isReached = true;
    for (int call = 1; isReached; call++) {
      Claim claim = new Claim("m" + call, 0, "holder");
      way.cutAt(Integer.MAX_VALUE, lost);
      log.begin(claim, LONG, InDoubtPolicy.HOLD);
      way.cutAt(call, lost);
      Optional<SentLogException> failure = failure(() -> log.sent(claim.messageId()));
      isReached = way.isReached();
      boolean isRecorded = state(claim.messageId()).equals(List.of("sent"));
      way.restore();

      assertThat(failure.isPresent() || isRecorded).as("what was said to be recorded is").isTrue();
      log.sent(claim.messageId());
      assertThat(log.begin(claim, LONG, InDoubtPolicy.RESEND)).isEqualTo(Begin.ALREADY_SENT);
      if (failure.isPresent()) {
        recordedAllTheSame.add(isRecorded);
      }
    }
    assertThat(recordedAllTheSame).contains(lost == Lost.THE_ANSWER);
  }

  private List<String> state(String id) throws Exception {
    return ask(direct, "SELECT state FROM onlyfans_sent_log WHERE id = '" + id + "'");
  }

  private Begin awaitEndOfLease(Claim claim) {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    Begin begin = log.begin(claim, LONG, InDoubtPolicy.HOLD);
    while (begin == Begin.IN_PROGRESS && System.nanoTime() < end) {
      LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
      begin = log.begin(claim, LONG, InDoubtPolicy.HOLD);
    }
    return begin;
  }

  /** What a call failed with; anything but a {@link SentLogException} fails the test. */
  private static Optional<SentLogException> failure(Runnable call) {
    try {
      call.run();
      return Optional.empty();
    } catch (SentLogException e) {
      return Optional.of(e);
    }
  }
}
