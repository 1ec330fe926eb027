package com.huntaze.ratelimiter.jdbc;

import static com.huntaze.ratelimiter.jdbc.TestDatabase.update;
import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.fallback.NotQueued;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How databases carry statements out: by an index, whatever the size of the table. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class PlansTest {
  @RegisterExtension static final LocalPostgres postgres = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb mariaDb = LocalMariaDb.shared();
  @RegisterExtension final Pools pools = new Pools();

  private static final Duration LEASE = Duration.ofMinutes(1);

  @Test
  void a_claim_on_postgresql_is_one_statement() {
    Watched pool = pools.on(TestDatabase.POSTGRESQL.withSchema().get());
    JdbcFallbackStore store = store(pool.dataSource());
    IntStream.range(0, 300).forEach(i -> store.store(message("m" + i), "down"));
    pool.forgetPrepared();

    List<StoredMessage> claimed = store.claim(300, LEASE);
    assertThat(pool.prepared()).hasSize(1);
    assertThat(store.replayed(claimed)).isEqualTo(300);
    assertThat(pool.prepared()).hasSize(2);
  }

  @ParameterizedTest
  @EnumSource
  void ten_messages_are_one_statement(TestDatabase kind) {
    Watched pool = pools.on(kind.withSchema().get());
    JdbcFallbackStore store = store(pool.dataSource());
    store.backlog();
    pool.forgetPrepared();

    store.storeAll(
        IntStream.range(0, 10).mapToObj(i -> new NotQueued(message("m" + i), "down")).toList());

    assertThat(pool.prepared()).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource
  void no_statement_reads_the_whole_of_a_large_table(TestDatabase kind) throws Exception {
    assertPlans(kind, kind == TestDatabase.H2 ? 20_000 : 100_000);
  }

  @Tag("slow")
  @ParameterizedTest
  @EnumSource(names = {"POSTGRESQL", "MARIADB"})
  void no_statement_reads_the_whole_of_a_million_rows(TestDatabase kind) throws Exception {
    assertPlans(kind, 1_000_000);
  }

  private void assertPlans(TestDatabase kind, int rows) throws Exception {
    DataSource database = kind.withSchema().get();
    fill(database, kind, rows);
    Watched pool = pools.on(database);
    JdbcFallbackStore store = store(pool.dataSource());
    store.check();

    String claim =
        plan(kind, database, pool, () -> assertThat(store.claim(100, LEASE)).hasSize(100));
    assertThat(claim).contains("onlyfans_messages_claim", "onlyfans_messages_order");
    // The waiting half of the table would be sorted if the order were not the index's.
    assertThat(claim).doesNotContain("sort key: onlyfans_messages.seq", "filesort");

    assertThat(plan(kind, database, pool, () -> store.waiting(Set.of("user 7", "user 8"))))
        .contains("onlyfans_messages_order");
    assertThat(plan(kind, database, pool, () -> store.list(StoredStatus.QUEUED, 10, 5)))
        .contains("onlyfans_messages_standing");
    assertThat(plan(kind, database, pool, () -> store.list(StoredStatus.FAILED, 10, 5)))
        .contains("onlyfans_messages_");
    assertThat(plan(kind, database, pool, () -> assertThat(store.backlog().waiting()).isPositive()))
        .contains("onlyfans_messages_standing");
    assertThat(
            plan(
                kind,
                database,
                pool,
                () -> assertThat(store.purge(LEASE.multipliedBy(999_999_999), 10)).isZero()))
        .contains("onlyfans_messages_standing"); // where it looks for rows of an odd status
    assertThat(plan(kind, database, pool, () -> store.purge(Duration.ofDays(1), 10)))
        .contains(kind == TestDatabase.H2 ? "onlyfans_messages_" : "onlyfans_messages_queued");
    assertThat(plan(kind, database, pool, () -> store.eraseUser("user 7")))
        .contains("onlyfans_messages_user");
    assertThat(store.claim(10, LEASE)).hasSize(10);
  }

  @ParameterizedTest
  @EnumSource
  void no_statement_of_the_sent_log_reads_the_whole_of_it(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    fillSentLog(database, kind, kind == TestDatabase.H2 ? 20_000 : 100_000);
    Watched pool = pools.on(database);
    JdbcSentLog log = JdbcSentLog.builder(pool.dataSource()).build();
    SentLog.Claim doubtful = new SentLog.Claim("m1", 1, "holder");
    SentLog.Claim sent = new SentLog.Claim("m2", 1, "holder");
    log.sent("m0");

    plan(kind, database, pool, () -> log.begin(doubtful, LEASE, InDoubtPolicy.HOLD));
    plan(kind, database, pool, () -> log.begin(sent, LEASE, InDoubtPolicy.RESEND));
    plan(kind, database, pool, () -> log.notSent(doubtful));
    plan(kind, database, pool, () -> log.sent("m3"));
    assertThat(plan(kind, database, pool, log::purge)).contains("onlyfans_sent_log_created");
  }

  private static void fillSentLog(DataSource database, TestDatabase kind, int rows)
      throws SQLException {
    update(
        database,
        """
        INSERT INTO onlyfans_sent_log (id, state, lease_until, sent_at, created_at)
        SELECT CONCAT('m', n), CASE WHEN MOD(n, 2) = 0 THEN 'sent' ELSE 'begun' END,
          CASE WHEN MOD(n, 2) = 1 THEN TIMESTAMP '2026-01-01 00:00:00' END,
          CASE WHEN MOD(n, 2) = 0 THEN TIMESTAMP '2026-01-01 00:00:00' END, '2026-01-01 00:00:00'
        FROM\
        """
            + " "
            + numbers(kind).formatted(rows));
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(
          (kind == TestDatabase.POSTGRESQL ? "ANALYZE " : "ANALYZE TABLE ") + "onlyfans_sent_log");
    }
  }

  private static String numbers(TestDatabase kind) {
    return switch (kind) {
      case POSTGRESQL -> "generate_series(1, %d) AS numbers(n)";
      case MARIADB -> "(SELECT seq AS n FROM seq_1_to_%d) n";
      case H2 -> "SYSTEM_RANGE(1, %d) AS numbers(n)";
    };
  }

  /** The plans of all that a call does, none of which reads the table from end to end. */
  private static String plan(TestDatabase kind, DataSource database, Watched pool, Runnable call)
      throws SQLException {
    pool.forgetPrepared();
    call.run();
    StringBuilder plans = new StringBuilder();
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      for (String sql : pool.prepared()) {
        if (sql.startsWith("SET LOCAL")) {
          statement.execute(sql);
        } else if (!sql.startsWith("SET")) {
          assertThat(explained(kind, statement, sql))
              .as(sql)
              .doesNotContain("Seq Scan", "\"access_type\": \"ALL\"", "tableScan")
              .satisfies(plan -> plans.append(plan).append('\n'));
        }
      }
      connection.rollback();
    }
    return plans.toString().toLowerCase(Locale.ROOT);
  }

  private static String explained(TestDatabase kind, Statement statement, String sql)
      throws SQLException {
    String explain = kind == TestDatabase.MARIADB ? "EXPLAIN FORMAT=JSON " : "EXPLAIN ";
    StringBuilder plan = new StringBuilder();
    try (ResultSet lines = statement.executeQuery(explain + sql.replace("?", "'7'"))) {
      while (lines.next()) {
        plan.append(lines.getString(1)).append('\n');
      }
    }
    return plan.toString();
  }

  /** Rows as they are when half of a backlog has been replayed. */
  private static void fill(DataSource database, TestDatabase kind, int rows) throws SQLException {
    update(
        database,
        """
        INSERT INTO onlyfans_messages (
          id, user_id, recipient_id, priority, payload, status, next_attempt_at, queued_at,
          created_at, updated_at)
        SELECT CONCAT('m', n), CONCAT('user ', MOD(n, 1000)), CONCAT('fan ', MOD(n, 5000)), 'low',
          CONCAT('{"messageId":"m', n, '","userId":"user","recipientId":"fan","content":"hello",',
            '"timestamp":"2026-01-01T00:00:00Z"}'),
          CASE WHEN MOD(n, 2) = 0 THEN 'queued' ELSE 'failed' END,
          '2026-01-01 00:00:00',
          CASE WHEN MOD(n, 2) = 0 THEN TIMESTAMP '2026-01-01 00:00:00' END,
          '2026-01-01 00:00:00', '2026-01-01 00:00:00'
        FROM\
        """
            + " "
            + numbers(kind).formatted(rows));
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(
          switch (kind) {
            case POSTGRESQL -> "ANALYZE onlyfans_messages";
            case MARIADB -> "ANALYZE TABLE onlyfans_messages";
            case H2 -> "ANALYZE TABLE onlyfans_messages";
          });
    }
  }

  private static JdbcFallbackStore store(DataSource dataSource) {
    return JdbcFallbackStore.builder(dataSource).build();
  }

  private static OutboundMessage message(String id) {
    return OutboundMessage.builder(id, "user of " + id, Instant.parse("2026-01-01T00:00:00Z"))
        .recipientId("fan_7")
        .content("hello")
        .build();
  }
}
