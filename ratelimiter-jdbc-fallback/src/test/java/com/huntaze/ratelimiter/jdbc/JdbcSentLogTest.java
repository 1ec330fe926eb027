package com.huntaze.ratelimiter.jdbc;

import static com.huntaze.ratelimiter.jdbc.TestDatabase.ask;
import static com.huntaze.ratelimiter.jdbc.TestDatabase.update;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.delivery.SentLog.Begin;
import com.huntaze.ratelimiter.delivery.SentLogException;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
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

  @ParameterizedTest
  @EnumSource
  void each_step_is_one_statement(TestDatabase kind) {
    Watched pool = pools.on(kind.withSchema().get());
    JdbcSentLog log = log(pool.dataSource());
    log.sent("known");
    SentLog.Claim claim = new SentLog.Claim("a", 0, "holder");

    for (Runnable step :
        List.<Runnable>of(
            () -> assertThat(begin(log, claim)).isEqualTo(Begin.STARTED),
            () -> log.notSent(claim),
            () -> assertThat(begin(log, claim)).isEqualTo(Begin.STARTED),
            () -> log.sent("a"))) {
      pool.forgetPrepared();
      step.run();
      assertThat(pool.prepared()).hasSize(1);
    }
  }

  @Test
  void to_end_a_doubt_on_postgresql_is_one_statement_too() throws Exception {
    Watched pool = pools.on(TestDatabase.POSTGRESQL.withSchema().get());
    JdbcSentLog log = log(pool.dataSource());
    begin(log, new SentLog.Claim("a", 0, "holder"));
    update(pool.dataSource(), "UPDATE onlyfans_sent_log SET lease_until = created_at");
    pool.forgetPrepared();

    assertThat(begin(log, new SentLog.Claim("a", 1, "holder"))).isEqualTo(Begin.STARTED);
    assertThat(pool.prepared()).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource
  void what_is_older_than_the_retention_is_purged_in_small_steps_and_nothing_else(TestDatabase kind)
      throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcSentLog log = log(database);
    log.sent("sent now");
    for (int i = 0; i < 25; i++) {
      insert(database, 100, i, "'sent'", "NULL", ago(kind, 31), ago(kind, 31));
    }
    insert(database, 1, 25, "'begun'", ago(kind, 31), "NULL", ago(kind, 31));
    insert(database, 1, 26, "'sent'", "NULL", ago(kind, 29), ago(kind, 29));
    insert(database, 1, 27, "'sent'", "NULL", ago(kind, 29), ago(kind, 99)); // begun long ago
    insert(database, 1, 28, "'begun'", ago(kind, 29), "NULL", ago(kind, 99)); // by revival
    insert(database, 1, 29, "'begun'", ago(kind, 29), "NULL", ago(kind, 29));
    Watched pool = pools.on(database);
    JdbcSentLog purging = log(pool.dataSource());
    purging.sent("sent now");
    pool.forgetPrepared();

    purging.purge();

    assertThat(ask(database, "SELECT id FROM onlyfans_sent_log ORDER BY id"))
        .containsExactly("m26-1", "m27-1", "m28-1", "m29-1", keyOf(database));
    assertThat(pool.prepared()).filteredOn(sql -> sql.startsWith("DELETE")).hasSize(3);
    assertThat(begin(log, new SentLog.Claim("sent now", 0, "h"))).isEqualTo(Begin.ALREADY_SENT);
    assertThat(begin(log, new SentLog.Claim("m28-1", 0, "h"))).isEqualTo(Begin.IN_DOUBT);
  }

  @ParameterizedTest
  @EnumSource
  void the_retention_is_settable(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    insert(database, 1, 1, "'sent'", "NULL", ago(kind, 15), ago(kind, 15));
    insert(database, 1, 2, "'sent'", "NULL", ago(kind, 13), ago(kind, 13));

    JdbcSentLog.builder(database).retention(Duration.ofDays(14)).build().purge();

    assertThat(ask(database, "SELECT id FROM onlyfans_sent_log")).containsExactly("m2-1");
  }

  @Test
  void a_retention_of_less_than_14_days_is_refused() {
    JdbcSentLog.Builder builder = JdbcSentLog.builder(TestDatabase.H2.empty().get());

    assertThatThrownBy(() -> builder.retention(Duration.ofDays(14).minusMillis(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("retention must be 14 days or more, was PT335H59M59.999S");
  }

  @ParameterizedTest
  @EnumSource
  void what_a_strict_database_rolls_back_is_tried_again(TestDatabase kind) throws Exception {
    Supplier<DataSource> database = kind.withSchema();
    int threads = 8;
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    try {
      for (int round = 0; round < 20; round++) {
        String id = "m" + round;
        CyclicBarrier together = new CyclicBarrier(threads);
        List<Callable<Begin>> calls = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
          JdbcSentLog log = log(strict(database.get()));
          SentLog.Claim claim = new SentLog.Claim(id, 0, "holder " + i);
          calls.add(
              () -> {
                together.await(10, TimeUnit.SECONDS);
                Begin begin = begin(log, claim);
                together.await(10, TimeUnit.SECONDS);
                log.notSent(claim);
                Begin again = begin(log, claim);
                log.sent(id);
                assertThat(begin(log, claim)).isEqualTo(Begin.ALREADY_SENT);
                assertThat(again).isNotEqualTo(Begin.IN_DOUBT);
                return begin;
              });
        }
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

  /** Every call is a transaction of the strictest isolation, on a connection of its own. */
  private static DataSource strict(DataSource database) {
    return Watched.proxy(
        DataSource.class,
        (method, arguments) -> {
          Connection connection = database.getConnection();
          connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
          connection.setAutoCommit(false);
          return connection;
        });
  }

  private static Begin begin(JdbcSentLog log, SentLog.Claim claim) {
    return log.begin(claim, LEASE, InDoubtPolicy.HOLD);
  }

  private static String keyOf(DataSource database) throws Exception {
    return ask(database, "SELECT id FROM onlyfans_sent_log WHERE id LIKE 'sha256:%'").get(0);
  }

  private static String ago(TestDatabase kind, int days) {
    return switch (kind) {
      case POSTGRESQL -> "CURRENT_TIMESTAMP - INTERVAL '%d' DAY".formatted(days);
      case MARIADB -> "UTC_TIMESTAMP(6) - INTERVAL %d DAY".formatted(days);
      case H2 -> "CURRENT_TIMESTAMP - INTERVAL '%d' DAY(3)".formatted(days);
    };
  }

  private static void insert(
      DataSource database,
      int rows,
      int kindOfRow,
      String state,
      String leaseUntil,
      String sentAt,
      String createdAt)
      throws Exception {
    String values =
        "('m%d-%%d', %s, %s, %s, %s)".formatted(kindOfRow, state, leaseUntil, sentAt, createdAt);
    update(
        database,
        "INSERT INTO onlyfans_sent_log (id, state, lease_until, sent_at, created_at) VALUES "
            + IntStream.rangeClosed(1, rows)
                .mapToObj(values::formatted)
                .collect(Collectors.joining(", ")));
  }

  private static JdbcSentLog log(DataSource dataSource) {
    return JdbcSentLog.builder(dataSource).build();
  }
}
