package com.huntaze.ratelimiter.jdbc;

import static com.huntaze.ratelimiter.jdbc.TestDatabase.ask;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.delivery.SentLog.Begin;
import com.huntaze.ratelimiter.delivery.SentLogException;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class JdbcSentLogTest {
  @RegisterExtension static final LocalPostgres postgres = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb mariaDb = LocalMariaDb.shared();
  @RegisterExtension final Pools pools = new Pools();

  private static final Duration LEASE = Duration.ofMinutes(1);

  @ParameterizedTest
  @EnumSource
  void of_many_instances_one_may_begin(TestDatabase kind) throws Exception {
    Supplier<DataSource> database = kind.withSchema();
    List<JdbcSentLog> instances = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      instances.add(log(pools.on(database.get()).dataSource()));
    }
    ExecutorService executor = Executors.newFixedThreadPool(instances.size());
    try {
      for (int round = 0; round < 20; round++) {
        String id = "m" + round;
        List<Callable<Begin>> calls = new ArrayList<>();
        instances.forEach(
            instance ->
                calls.add(
                    () ->
                        instance.begin(
                            new SentLog.Claim(id, 0, "holder"), LEASE, InDoubtPolicy.HOLD)));
        List<Begin> answers = new ArrayList<>();
        for (Future<Begin> answer : executor.invokeAll(calls)) {
          answers.add(answer.get());
        }
        assertThat(answers).filteredOn(Begin.STARTED::equals).hasSize(1);
      }
    } finally {
      executor.shutdownNow();
    }
  }

  @ParameterizedTest
  @EnumSource
  void it_survives_the_process(TestDatabase kind) {
    Supplier<DataSource> database = kind.withSchema();
    log(database.get()).sent("a");
    log(database.get()).begin(new SentLog.Claim("b", 0, "holder"), LEASE, InDoubtPolicy.HOLD);

    assertThat(
            log(database.get())
                .begin(new SentLog.Claim("a", 0, "holder"), LEASE, InDoubtPolicy.HOLD))
        .isEqualTo(Begin.ALREADY_SENT);
    assertThat(
            log(database.get())
                .begin(new SentLog.Claim("b", 0, "holder"), LEASE, InDoubtPolicy.HOLD))
        .isEqualTo(Begin.IN_PROGRESS);
  }

  @ParameterizedTest
  @EnumSource
  void ids_are_kept_as_they_are_unless_a_table_would_mistake_them(TestDatabase kind)
      throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcSentLog log = log(database);
    for (String id : List.of("plain-id", "with a space", "x".repeat(129))) {
      assertThat(log.begin(new SentLog.Claim(id, 0, "holder"), LEASE, InDoubtPolicy.HOLD))
          .isEqualTo(Begin.STARTED);
    }

    assertThat(ask(database, "SELECT id FROM onlyfans_sent_log"))
        .contains("plain-id")
        .filteredOn(id -> id.startsWith("sha256:"))
        .hasSize(2);
  }

  @ParameterizedTest
  @EnumSource
  void connections_are_given_back_as_they_came(TestDatabase kind) {
    Supplier<DataSource> database = kind.withSchema();
    for (Watched pool :
        List.of(pools.on(database.get()), pools.on(database.get()).withoutAutoCommit())) {
      JdbcSentLog log = log(pool.dataSource());
      log.begin(new SentLog.Claim("a", 0, "holder"), LEASE, InDoubtPolicy.HOLD);
      log.begin(new SentLog.Claim("a", 0, "holder"), LEASE, InDoubtPolicy.HOLD);
      log.sent("a");
      log.sent("b");
      log.notSent(new SentLog.Claim("b", 0, "holder"));
      log.begin(new SentLog.Claim("c", 0, "holder"), LEASE, InDoubtPolicy.HOLD);
      log.notSent(new SentLog.Claim("c", 0, "holder"));
      pool.assertAllGivenBackInOrder();

      assertThat(
              log(database.get())
                  .begin(new SentLog.Claim("b", 0, "holder"), LEASE, InDoubtPolicy.HOLD))
          .isEqualTo(Begin.ALREADY_SENT);
      assertThat(
              log(database.get())
                  .begin(new SentLog.Claim("c", 0, "holder"), LEASE, InDoubtPolicy.HOLD))
          .isEqualTo(Begin.STARTED);
      log(database.get()).notSent(new SentLog.Claim("c", 0, "holder"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_missing_table_is_named_with_what_makes_it(TestDatabase kind) {
    JdbcSentLog log = log(kind.empty().get());

    assertThatThrownBy(
            () -> log.begin(new SentLog.Claim("a", 0, "holder"), LEASE, InDoubtPolicy.HOLD))
        .isInstanceOf(SentLogException.class)
        .hasMessageContaining("onlyfans_sent_log")
        .hasMessageContaining("createSchema()");
    log.createSchema();
    assertThat(log.begin(new SentLog.Claim("a", 0, "holder"), LEASE, InDoubtPolicy.HOLD))
        .isEqualTo(Begin.STARTED);
  }

  private static JdbcSentLog log(DataSource dataSource) {
    return JdbcSentLog.builder(dataSource).build();
  }
}
