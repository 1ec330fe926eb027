package com.huntaze.ratelimiter.jdbc;

import static com.huntaze.ratelimiter.jdbc.TestDatabase.ask;
import static com.huntaze.ratelimiter.jdbc.TestDatabase.update;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.delivery.SentLogException;
import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
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

/** The tables by version: upgraded in place, checked before they are used. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SchemaTest {
  @RegisterExtension static final LocalPostgres postgres = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb mariaDb = LocalMariaDb.shared();

  private static final Duration LEASE = Duration.ofMinutes(1);

  @ParameterizedTest
  @EnumSource
  void tables_of_the_version_before_are_upgraded_with_their_rows(TestDatabase kind)
      throws Exception {
    Supplier<DataSource> database = kind.empty();
    applyFile(kind, database.get(), "V1__tables.sql");
    insertRowsOfVersion1(database.get());

    inParallel(
        10,
        () -> {
          JdbcFallbackStore.builder(database.get()).build().createSchema();
          return true;
        });

    JdbcFallbackStore store = JdbcFallbackStore.builder(database.get()).build();
    assertThat(store.claim(10, LEASE))
        .extracting(each -> each.message().messageId())
        .containsExactly("a1", "b1", "a2");
    assertThat(store.find("dead").orElseThrow().revivals()).isZero();
    assertThat(ask(database.get(), "SELECT version FROM onlyfans_schema ORDER BY version"))
        .containsExactly("1", "2", "3");
  }

  @ParameterizedTest
  @EnumSource
  void tables_from_before_versions_were_noted_are_upgraded_too(TestDatabase kind) throws Exception {
    DataSource database = kind.empty().get();
    applyFile(kind, database, "V1__tables.sql");
    update(database, "DROP TABLE onlyfans_schema");
    insertRowsOfVersion1(database);

    JdbcFallbackStore store = JdbcFallbackStore.builder(database).createSchema(true).build();

    assertThat(store.claim(10, LEASE)).hasSize(3);
  }

  @ParameterizedTest
  @EnumSource
  void an_upgrade_that_broke_off_is_finished(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    update(database, "DELETE FROM onlyfans_schema WHERE version >= 2");

    JdbcFallbackStore store = JdbcFallbackStore.builder(database).createSchema(true).build();

    store.store(message("a"), "down");
    assertThat(store.claim(10, LEASE)).hasSize(1);
    assertThat(ask(database, "SELECT MAX(version) FROM onlyfans_schema")).containsExactly("3");
  }

  @ParameterizedTest
  @EnumSource
  void files_applied_by_the_hosts_own_tool_are_enough(TestDatabase kind) throws Exception {
    DataSource database = kind.empty().get();
    applyFile(kind, database, "V1__tables.sql");
    applyFile(kind, database, "V2__order.sql");
    applyFile(kind, database, "V3__sent_log.sql");

    JdbcFallbackStore store = JdbcFallbackStore.builder(database).build();

    store.store(message("a"), "down");
    assertThat(store.claim(10, LEASE)).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource
  void tables_of_an_older_version_are_not_used_and_what_is_missing_is_named(TestDatabase kind)
      throws Exception {
    DataSource database = kind.empty().get();
    applyFile(kind, database, "V1__tables.sql");
    JdbcFallbackStore store = JdbcFallbackStore.builder(database).build();

    for (Runnable call :
        List.<Runnable>of(
            () -> store.store(message("a"), "down"), store::check, () -> store.claim(1, LEASE))) {
      assertThatThrownBy(call::run)
          .isInstanceOf(FallbackException.class)
          .hasMessageContaining("onlyfans_messages is of version 1, and version 3 is needed")
          .hasMessageContaining("createSchema()")
          .hasMessageContaining("V2__order.sql to V3__sent_log.sql");
    }
    assertThatThrownBy(
            () ->
                JdbcSentLog.builder(database)
                    .build()
                    .begin(new SentLog.Claim("a", 0, "holder"), LEASE, InDoubtPolicy.HOLD))
        .isInstanceOf(SentLogException.class)
        .hasMessageContaining("version 1");
    assertThat(ask(database, "SELECT id FROM onlyfans_messages")).isEmpty();
    store.createSchema();
    store.store(message("a"), "down");
  }

  @ParameterizedTest
  @EnumSource
  void tables_of_a_newer_version_are_used_as_they_are(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    update(database, "INSERT INTO onlyfans_schema VALUES (4, CURRENT_TIMESTAMP)");

    JdbcFallbackStore store = JdbcFallbackStore.builder(database).createSchema(true).build();

    store.store(message("a"), "down");
    assertThat(store.claim(10, LEASE)).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource
  void what_a_library_of_version_1_says_works_on_the_new_tables(TestDatabase kind)
      throws Exception {
    DataSource database = kind.withSchema().get();
    insertRowsOfVersion1(database);
    String due = "waiting = TRUE AND next_attempt_at <= CURRENT_TIMESTAMP";

    List<String> claimed =
        ask(
            database,
            switch (kind) {
              case POSTGRESQL ->
                  """
                  WITH due AS MATERIALIZED (
                    SELECT id FROM onlyfans_messages WHERE %s
                    ORDER BY seq LIMIT 10 FOR UPDATE SKIP LOCKED),
                  claimed AS (
                    UPDATE onlyfans_messages SET lease_owner = 'me', updated_at = CURRENT_TIMESTAMP
                    WHERE id IN (SELECT id FROM due) RETURNING seq, id)
                  SELECT id FROM claimed ORDER BY seq\
                  """
                      .formatted(due);
              case MARIADB ->
                  """
                  SELECT id FROM onlyfans_messages FORCE INDEX (onlyfans_messages_claim) WHERE %s
                  ORDER BY waiting, seq LIMIT 10 FOR UPDATE SKIP LOCKED\
                  """
                      .formatted(due);
              case H2 ->
                  "SELECT id FROM onlyfans_messages WHERE %s ORDER BY waiting, seq LIMIT 10"
                      .formatted(due);
            });

    assertThat(claimed).containsExactly("a1", "b1", "a2");
    assertThat(
            update(
                database,
                "UPDATE onlyfans_messages SET status = 'queued', queued_at = CURRENT_TIMESTAMP,"
                    + " lease_owner = NULL WHERE id IN ('a1', 'b1')"))
        .isEqualTo(2);
    assertThat(JdbcFallbackStore.builder(database).build().claim(10, LEASE)).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource
  void a_sent_log_of_version_2_is_upgraded_with_its_rows(TestDatabase kind) throws Exception {
    DataSource database = kind.empty().get();
    applyFile(kind, database, "V1__tables.sql");
    applyFile(kind, database, "V2__order.sql");
    insertCallsOfVersion2(database);

    JdbcSentLog log = JdbcSentLog.builder(database).createSchema(true).build();

    assertThat(begin(log, "sent", 1)).isEqualTo(SentLog.Begin.ALREADY_SENT);
    assertThat(begin(log, "begun", 1)).isEqualTo(SentLog.Begin.IN_PROGRESS);
    assertThat(begin(log, "doubtful", 0)).isEqualTo(SentLog.Begin.IN_DOUBT);
    assertThat(begin(log, "doubtful", 1)).isEqualTo(SentLog.Begin.STARTED);
  }

  @ParameterizedTest
  @EnumSource
  void what_a_library_of_version_2_says_of_the_sent_log_works_on_the_new_table(TestDatabase kind)
      throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcSentLog log = JdbcSentLog.builder(database).build();
    begin(log, "of version 3", 1);
    insertCallsOfVersion2(database);

    assertThat(ask(database, "SELECT state FROM onlyfans_sent_log WHERE id LIKE 'sha256:%'"))
        .containsExactly("begun");
    assertThat(
            update(
                database,
                "UPDATE onlyfans_sent_log SET state = 'sent', lease_until = NULL,"
                    + " sent_at = CURRENT_TIMESTAMP WHERE id = 'begun'"))
        .isEqualTo(1);
    assertThat(
            update(
                database,
                "DELETE FROM onlyfans_sent_log WHERE id = 'doubtful' AND state = 'begun'"))
        .isEqualTo(1);
    assertThat(begin(log, "begun", 0)).isEqualTo(SentLog.Begin.ALREADY_SENT);
    assertThat(begin(log, "doubtful", 0)).isEqualTo(SentLog.Begin.STARTED);
  }

  private static SentLog.Begin begin(JdbcSentLog log, String id, int revival) {
    return log.begin(new SentLog.Claim(id, revival, "holder"), LEASE, InDoubtPolicy.HOLD);
  }

  /** One that was sent, one under way and one in doubt, by the columns of that version. */
  private static void insertCallsOfVersion2(DataSource database) throws Exception {
    update(
        database,
        """
        INSERT INTO onlyfans_sent_log (id, state, lease_until, sent_at, created_at) VALUES
          ('sent', 'sent', NULL, '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
          ('begun', 'begun', '2099-01-01 00:00:00', NULL, '2026-01-01 00:00:00'),
          ('doubtful', 'begun', '2026-01-01 00:00:00', NULL, '2026-01-01 00:00:00')\
        """);
  }

  /** What a library of version 1 wrote: a column for each field it knew, and its payload. */
  private static void insertRowsOfVersion1(DataSource database) throws Exception {
    for (String row : List.of("a1 a failed", "b1 b failed", "dead b dead", "a2 a failed")) {
      String[] parts = row.split(" ");
      update(
          database,
          """
          INSERT INTO onlyfans_messages (
            id, user_id, creator_id, recipient_id, content, priority, payload, status,
            next_attempt_at, created_at, updated_at)
          VALUES ('%1$s', 'user', '%2$s', 'fan', 'hello', 'medium',
            '{"messageId":"%1$s","userId":"user","creatorId":"%2$s","recipientId":"fan",\
          "content":"hello","timestamp":"2026-01-01T00:00:00Z","metadata":{"source":"huntaze-app",\
          "priority":"medium"}}',
            '%3$s', '2026-01-01 00:00:00', '2026-01-01 00:00:00', '2026-01-01 00:00:00')\
          """
              .formatted((Object[]) parts));
    }
  }

  private static void applyFile(TestDatabase kind, DataSource database, String file)
      throws Exception {
    String directory =
        switch (kind) {
          case POSTGRESQL -> "postgresql";
          case MARIADB -> "mysql";
          case H2 -> "h2";
        };
    try (InputStream stream =
            JdbcFallbackStore.class.getResourceAsStream("schema/" + directory + "/" + file);
        Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      String text = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
      for (String each : text.replaceAll("(?m)^\\s*--.*$", "").strip().split(";\\s*")) {
        statement.execute(each);
      }
    }
  }

  private static OutboundMessage message(String id) {
    return OutboundMessage.builder(id, "user of " + id, Instant.parse("2026-01-01T00:00:00Z"))
        .recipientId("fan_7")
        .content("hello")
        .build();
  }

  private static void inParallel(int instances, Callable<Boolean> call) throws Exception {
    ExecutorService executor = Executors.newFixedThreadPool(instances);
    try {
      List<Callable<Boolean>> calls = new ArrayList<>();
      for (int i = 0; i < instances; i++) {
        calls.add(call);
      }
      for (Future<Boolean> done : executor.invokeAll(calls)) {
        assertThat(done.get()).isTrue();
      }
    } finally {
      executor.shutdownNow();
    }
  }
}
