package com.huntaze.ratelimiter.jdbc;

import static com.huntaze.ratelimiter.jdbc.TestDatabase.ask;
import static com.huntaze.ratelimiter.jdbc.TestDatabase.update;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class JdbcFallbackStoreTest {
  @RegisterExtension static final LocalPostgres postgres = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb mariaDb = LocalMariaDb.shared();

  private static final Duration LEASE = Duration.ofMinutes(1);

  @ParameterizedTest
  @EnumSource
  void a_row_has_what_the_table_promises(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = store(database);
    store.store(
        OutboundMessage.builder("m1", "user_42", Instant.parse("2026-01-01T00:00:00Z"))
            .creatorId("creator_9")
            .recipientId("fan_7")
            .content("Thanks!")
            .mediaUrls(List.of("https://cdn.example.com/a.jpg"))
            .priority(Priority.HIGH)
            .traceId("trace_1")
            .metadata(Map.of("campaign", Map.of("id", 7, "tags", List.of("new \"fan\"", true))))
            .build(),
        "NOT_SENT: refused");

    for (String expected :
        List.of(
            "user_id=user_42",
            "creator_id=creator_9",
            "recipient_id=fan_7",
            "content=Thanks!",
            "media_urls=[\"https://cdn.example.com/a.jpg\"]",
            "priority=high",
            "trace_id=trace_1",
            "status=failed",
            "attempts=0",
            "last_error=NOT_SENT: refused",
            "queued_at=null",
            "sent_at=null",
            "sqs_message_id=null",
            "lease_owner=null",
            "key_id=null")) {
      String column = expected.substring(0, expected.indexOf('='));
      assertThat(
              column + "=" + ask(database, "SELECT " + column + " FROM onlyfans_messages").get(0))
          .isEqualTo(expected);
    }
    assertThat(ask(database, "SELECT metadata FROM onlyfans_messages").get(0))
        .startsWith("{\"campaign\":{")
        .contains("\"id\":7", "\"tags\":[\"new \\\"fan\\\"\",true]");
    assertThat(ask(database, "SELECT payload FROM onlyfans_messages").get(0))
        .contains("\"messageId\":\"m1\"");

    store.replayed(store.claim(1, LEASE));

    assertThat(ask(database, "SELECT status FROM onlyfans_messages")).containsExactly("queued");
    assertThat(ask(database, "SELECT queued_at FROM onlyfans_messages").get(0)).isNotNull();
  }

  @ParameterizedTest
  @EnumSource
  void ten_instances_create_the_tables_at_once(TestDatabase kind) throws Exception {
    for (int round = 0; round < 5; round++) {
      Supplier<DataSource> database = kind.empty();
      List<Callable<Boolean>> instances = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        JdbcFallbackStore store =
            JdbcFallbackStore.builder(database.get()).createSchema(true).build();
        OutboundMessage message = message("m" + i);
        instances.add(
            () -> {
              store.store(message, "down");
              return true;
            });
      }

      inParallel(instances);

      JdbcFallbackStore again = store(database.get());
      again.createSchema();
      assertThat(again.claim(20, LEASE)).hasSize(10);
      assertThat(JdbcSentLog.builder(database.get()).build().begin("m", LEASE)).isNotNull();
    }
  }

  @ParameterizedTest
  @EnumSource
  void instances_with_connections_of_their_own_share_the_work(TestDatabase kind) throws Exception {
    Supplier<DataSource> database = kind.withSchema();
    JdbcFallbackStore first = store(new Watched(database.get()).dataSource());
    IntStream.range(0, 400).forEach(i -> first.store(message("m" + i), "down"));
    Queue<String> claimed = new ConcurrentLinkedQueue<>();
    List<Callable<Boolean>> instances = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      JdbcFallbackStore instance = store(new Watched(database.get()).dataSource());
      instances.add(
          () -> {
            long end = System.nanoTime() + 30_000_000_000L;
            while (claimed.size() < 400 && System.nanoTime() < end) {
              List<StoredMessage> some = instance.claim(10, LEASE);
              some.forEach(stored -> claimed.add(stored.message().messageId()));
              instance.replayed(some);
            }
            return true;
          });
    }

    inParallel(instances);

    assertThat(claimed).hasSize(400).doesNotHaveDuplicates();
    assertThat(first.backlog().count(StoredStatus.QUEUED)).isEqualTo(400);
  }

  @ParameterizedTest
  @EnumSource
  void a_row_edited_beyond_reading_is_dead_and_its_neighbours_go_on(TestDatabase kind)
      throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = store(database);
    for (String id : List.of("cut", "foreign", "good", "blank", "last")) {
      store.store(message(id), "down");
    }
    update(database, "UPDATE onlyfans_messages SET payload = '{\"x' WHERE id = 'cut'");
    update(database, "UPDATE onlyfans_messages SET payload = '[]' WHERE id = 'blank'");
    String other = ask(database, "SELECT payload FROM onlyfans_messages WHERE id = 'good'").get(0);
    update(database, "UPDATE onlyfans_messages SET payload = '" + other + "' WHERE id = 'foreign'");

    // The first two rows are both beyond reading: there is more to claim all the same.
    List<StoredMessage> claimed = new ArrayList<>(store.claim(2, LEASE));
    claimed.addAll(store.claim(2, LEASE));

    assertThat(claimed.stream().map(stored -> stored.message().messageId()))
        .containsExactly("good", "last");
    assertThat(store.backlog().count(StoredStatus.DEAD)).isEqualTo(3);
    assertThat(
            ask(
                database,
                "SELECT last_error FROM onlyfans_messages WHERE status = 'dead' ORDER BY id"))
        .containsExactly(
            "the payload cannot be read: NOT_AN_OBJECT: body",
            "the payload cannot be read: NOT_JSON: body",
            "the payload has another message's id");
    assertThat(store.replayed(claimed)).isEqualTo(2);
  }

  @ParameterizedTest
  @EnumSource
  void a_status_set_by_hand_counts_at_once(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = store(database);
    store.store(message("stopped"), "down");
    store.store(message("limited"), "down");
    update(database, "UPDATE onlyfans_messages SET status = 'dead' WHERE id = 'stopped'");
    update(database, "UPDATE onlyfans_messages SET status = 'rate_limited' WHERE id = 'limited'");

    assertThat(store.backlog().waiting()).isEqualTo(1);
    assertThat(store.backlog().oldestWaiting()).isPresent();
    assertThat(store.claim(10, LEASE))
        .singleElement()
        .extracting(stored -> stored.message().messageId())
        .isEqualTo("limited");
  }

  @ParameterizedTest
  @EnumSource
  void a_missing_table_is_named_with_what_makes_it(TestDatabase kind) {
    JdbcFallbackStore store = store(kind.empty().get());

    List<Runnable> calls =
        List.of(
            () -> store.store(message("a"), "down"), () -> store.claim(1, LEASE), store::backlog);
    for (Runnable call : calls) {
      assertThatThrownBy(call::run)
          .isInstanceOf(FallbackException.class)
          .hasMessageContaining("onlyfans_messages")
          .hasMessageContaining("createSchema()")
          .hasMessageContaining("schema-");
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_table_of_another_shape_is_named(TestDatabase kind) throws Exception {
    DataSource database = kind.empty().get();
    update(database, "CREATE TABLE onlyfans_messages (id VARCHAR(10), content VARCHAR(10))");

    assertThatThrownBy(() -> store(database).store(message("a"), "down"))
        .isInstanceOf(FallbackException.class)
        .hasMessageContaining("the table onlyfans_messages is not as schema-");
  }

  @ParameterizedTest
  @EnumSource
  void connections_are_given_back_as_they_came(TestDatabase kind) throws Exception {
    Supplier<DataSource> database = kind.withSchema();
    for (Watched pool :
        List.of(new Watched(database.get()), new Watched(database.get()).withoutAutoCommit())) {
      JdbcFallbackStore store = store(pool.dataSource());
      store.store(message("a"), "down");
      store.store(message("a"), "down");
      List<StoredMessage> claimed = store.claim(10, LEASE);
      assertThat(claimed).hasSize(1);
      store.dead(claimed.get(0), "refused");
      store.revive("a");
      assertThat(store.replayed(store.claim(10, LEASE))).isEqualTo(1);
      assertThatThrownBy(() -> store.store(another("a"), "down"))
          .isInstanceOf(FallbackException.class);
      store.createSchema();
      pool.assertAllGivenBackInOrder();

      assertThat(store(database.get()).backlog().count(StoredStatus.QUEUED)).isEqualTo(1);
      update(database.get(), "DELETE FROM onlyfans_messages");
      update(database.get(), "ALTER TABLE onlyfans_messages RENAME TO elsewhere");
      assertThatThrownBy(() -> store.claim(10, LEASE)).isInstanceOf(FallbackException.class);
      update(database.get(), "ALTER TABLE elsewhere RENAME TO onlyfans_messages");
      pool.assertAllGivenBackInOrder();
    }
  }

  @Test
  void h2_keeps_no_time_out_of_ours_on_the_connection() throws Exception {
    DataSource database = TestDatabase.H2.withSchema().get();
    try (Connection connection = database.getConnection()) {
      JdbcFallbackStore store =
          store(
              Watched.proxy(
                  DataSource.class,
                  (method, arguments) ->
                      Watched.proxy(
                          Connection.class,
                          (call, values) ->
                              call.getName().equals("close")
                                  ? null
                                  : Watched.call(connection, call, values))));
      store.store(message("a"), "down");
      store.claim(1, LEASE);

      try (var statement = connection.createStatement()) {
        assertThat(statement.getQueryTimeout()).isZero();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"POSTGRESQL", "MARIADB"})
  void a_statement_that_waits_too_long_is_given_up(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store =
        JdbcFallbackStore.builder(database).queryTimeout(Duration.ofMillis(500)).build();
    store.store(message("a"), "down");
    StoredMessage claimed = store.claim(1, LEASE).get(0);
    try (Connection other = database.getConnection()) {
      other.setAutoCommit(false);
      try (var statement = other.createStatement()) {
        statement.executeUpdate("UPDATE onlyfans_messages SET attempts = 1");
      }

      assertThatThrownBy(() -> store.failed(claimed, "down", LEASE))
          .isInstanceOf(FallbackException.class)
          .hasMessageContaining("could not record the failure of message a");
      assertThat(store.claim(1, LEASE)).isEmpty(); // what is locked is passed over

      other.rollback();
    }
    assertThat(store.failed(claimed, "down", LEASE)).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void what_the_database_rolls_back_is_tried_again_and_not_for_ever(TestDatabase kind) {
    Watched pool = new Watched(kind.withSchema().get());
    JdbcFallbackStore store = store(pool.dataSource());
    store.backlog();
    List<Integer> failures = new ArrayList<>(List.of(1, 1));
    pool.lendThrough(
        connection ->
            Watched.proxy(
                Connection.class,
                (method, arguments) -> {
                  if (method.getName().equals("prepareStatement") && !failures.isEmpty()) {
                    failures.remove(0);
                    throw new SQLException("deadlock", "40001");
                  }
                  return Watched.call(connection, method, arguments);
                }));

    store.store(message("a"), "down");
    assertThat(store.claim(10, LEASE)).hasSize(1);

    IntStream.range(0, 100).forEach(failures::add);
    assertThatThrownBy(() -> store.store(message("b"), "down"))
        .isInstanceOf(FallbackException.class)
        .hasMessageContaining("40001");
    pool.assertAllGivenBackInOrder();
  }

  @Test
  void a_claim_on_postgresql_is_one_statement() {
    Watched pool = new Watched(TestDatabase.POSTGRESQL.withSchema().get());
    JdbcFallbackStore store = store(pool.dataSource());
    IntStream.range(0, 300).forEach(i -> store.store(message("m" + i), "down"));
    pool.forgetPrepared();

    List<StoredMessage> claimed = store.claim(300, LEASE);
    assertThat(pool.prepared()).hasSize(1);
    assertThat(store.replayed(claimed)).isEqualTo(300);
    assertThat(pool.prepared()).hasSize(2);
  }

  @Test
  void a_claim_on_postgresql_walks_the_index_in_order() throws Exception {
    DataSource database = TestDatabase.POSTGRESQL.withSchema().get();
    fill(database, "generate_series(1, 100000) AS numbers(n)");
    update(database, "ANALYZE onlyfans_messages");

    String claim = Dialect.POSTGRESQL.sql(ClaimedRow.postgresql(10)).replaceFirst("\\?", "'me'");
    String plan = String.join("\n", ask(database, "EXPLAIN " + claim.replace("?", "60000000")));

    assertThat(plan)
        .contains("Index Scan using onlyfans_messages_claim")
        .doesNotContain("Seq Scan", "Sort Key: onlyfans_messages.seq");
  }

  @ParameterizedTest
  @EnumSource(names = {"MARIADB", "H2"})
  void a_claim_elsewhere_walks_the_index_in_order(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    boolean isH2 = kind == TestDatabase.H2;
    fill(
        database,
        isH2 ? "SYSTEM_RANGE(1, 20000) AS numbers(n)" : "(SELECT seq AS n FROM seq_1_to_20000) n");
    Watched pool = new Watched(database);
    assertThat(store(pool.dataSource()).claim(10, LEASE)).hasSize(10);

    String pick =
        pool.prepared().stream()
            .filter(sql -> sql.startsWith("SELECT") && sql.contains("LIMIT"))
            .findFirst()
            .orElseThrow();
    try (Connection connection = database.getConnection();
        var statement = connection.createStatement();
        var rows = statement.executeQuery((isH2 ? "EXPLAIN " : "EXPLAIN FORMAT=JSON ") + pick)) {
      rows.next();
      assertThat(rows.getString(1))
          .containsIgnoringCase("onlyfans_messages_claim")
          .doesNotContain("filesort");
      assertThat(!isH2 || rows.getString(1).contains("index sorted")).isTrue();
    }
  }

  @Test
  void leases_do_not_depend_on_anyones_time_zone() throws Exception {
    String mariaUrl = mariaDb.newDatabase().jdbcUrl();
    String postgresUrl = postgres.newDatabase().jdbcUrl();
    String h2Url = "jdbc:h2:mem:zones;DB_CLOSE_DELAY=-1";
    for (List<DataSource> zones :
        List.of(
            List.of(
                maria(mariaUrl + "&sessionVariables=time_zone='-08:00'"),
                maria(mariaUrl + "&sessionVariables=time_zone='%2B09:00'".replace("%2B", "+"))),
            List.of(
                postgres(postgresUrl + "&options=-c%20TimeZone=America/Los_Angeles"),
                postgres(postgresUrl + "&options=-c%20TimeZone=Asia/Tokyo")),
            List.<DataSource>of(
                TestDatabase.h2(h2Url + ";TIME ZONE=America/Los_Angeles"),
                TestDatabase.h2(h2Url + ";TIME ZONE=Asia/Tokyo")))) {
      JdbcFallbackStore west = store(zones.get(0));
      JdbcFallbackStore east = store(zones.get(1));
      west.createSchema();
      west.store(message("a"), "down");

      StoredMessage claimed = east.claim(1, LEASE).get(0);
      assertThat(west.claim(1, LEASE)).isEmpty();
      assertThat(Duration.between(claimed.storedAt(), Instant.now()).abs())
          .isLessThan(Duration.ofMinutes(1));
      assertThat(west.backlog().oldestWaiting().orElseThrow()).isLessThan(Duration.ofMinutes(1));
      assertThat(west.failed(claimed, "down", Duration.ZERO)).isTrue();
      assertThat(east.claim(1, LEASE).get(0).storedAt()).isEqualTo(claimed.storedAt());
    }
  }

  @ParameterizedTest
  @EnumSource
  void text_no_table_takes_is_refused_by_all(TestDatabase kind) {
    JdbcFallbackStore store = store(kind.withSchema().get());
    OutboundMessage.Builder nul =
        OutboundMessage.builder("a", "user\0", Instant.EPOCH).recipientId("fan").content("x");
    OutboundMessage.Builder half =
        OutboundMessage.builder("b", "user", Instant.EPOCH).recipientId("fan").content("\uD83D");
    OutboundMessage.Builder longId =
        OutboundMessage.builder("c".repeat(129), "user", Instant.EPOCH).recipientId("fan");

    for (OutboundMessage.Builder each : List.of(nul, half, longId.content("x"))) {
      assertThatThrownBy(() -> store.store(each.build(), "down"))
          .isInstanceOf(FallbackException.class);
    }
    store.store(message("d"), "an error with \0 and \uD83D");

    assertThat(store.claim(10, LEASE).get(0).lastError())
        .contains("an error with \uFFFD and \uFFFD");
  }

  @ParameterizedTest
  @EnumSource
  void an_error_longer_than_its_column_is_cut(TestDatabase kind) {
    JdbcFallbackStore store = store(kind.withSchema().get());
    store.store(message("a"), "x" + "🙂".repeat(2_000));

    assertThat(store.claim(1, LEASE).get(0).lastError()).contains("x" + "🙂".repeat(499));
  }

  @ParameterizedTest
  @ValueSource(strings = {"oracle", "", "postgres", "PostgreSQL 18"})
  void an_unknown_dialect_is_refused_with_what_is_allowed(String dialect) {
    JdbcFallbackStore.Builder builder = JdbcFallbackStore.builder(refusing());

    assertThatThrownBy(() -> builder.dialect(dialect))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("dialect must be one of postgresql, mysql, mariadb, h2, was '" + dialect + "'");
  }

  @Test
  void a_dialect_is_taken_in_any_case_and_a_database_is_not_asked_for_it() {
    Watched pool = new Watched(TestDatabase.H2.withSchema().get());
    pool.lendThrough(
        connection ->
            Watched.proxy(
                Connection.class,
                (method, arguments) -> {
                  assertThat(method.getName()).isNotEqualTo("getMetaData");
                  return Watched.call(connection, method, arguments);
                }));

    JdbcFallbackStore store = JdbcFallbackStore.builder(pool.dataSource()).dialect("H2").build();

    assertThat(store.backlog().waiting()).isZero();
  }

  @Test
  void an_unknown_database_is_refused_with_what_is_allowed() {
    DataSource database =
        Watched.proxy(
            DataSource.class,
            (method, arguments) ->
                Watched.proxy(
                    Connection.class,
                    (call, values) ->
                        switch (call.getName()) {
                          case "getMetaData" ->
                              Watched.proxy(
                                  java.sql.DatabaseMetaData.class, (name, none) -> "Oracle");
                          case "getAutoCommit" -> true;
                          default -> null;
                        }));

    assertThatThrownBy(() -> store(database).backlog())
        .isInstanceOf(FallbackException.class)
        .hasMessage("the database must be one of postgresql, mysql, mariadb, h2, was Oracle");
  }

  @Test
  void a_store_is_built_while_the_database_is_down_and_says_so_when_called() {
    JdbcFallbackStore store = JdbcFallbackStore.builder(refusing()).createSchema(true).build();

    assertThatThrownBy(() -> store.store(message("a"), "down"))
        .isInstanceOf(FallbackException.class)
        .hasMessageContaining("could not create the tables")
        .hasMessageContaining("IllegalStateException")
        .hasMessageNotContaining("hunter2");
  }

  @Test
  void settings_out_of_range_are_refused() {
    JdbcFallbackStore.Builder builder = JdbcFallbackStore.builder(refusing());

    assertThatThrownBy(() -> builder.queryTimeout(Duration.ZERO)).hasMessageContaining("PT0S");
    assertThatThrownBy(() -> builder.build().claim(0, LEASE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("max");
  }

  /** What a pool does that is closed; its message holds a password. */
  private static DataSource refusing() {
    return Watched.proxy(
        DataSource.class,
        (method, arguments) -> {
          throw new IllegalStateException("jdbc:postgresql://db/x?password=hunter2 is closed");
        });
  }

  private static DataSource maria(String url) throws SQLException {
    return new org.mariadb.jdbc.MariaDbDataSource(url);
  }

  private static DataSource postgres(String url) {
    var dataSource = new org.postgresql.ds.PGSimpleDataSource();
    dataSource.setURL(url);
    return dataSource;
  }

  /** Rows as they are when half of a backlog has been replayed. */
  private static void fill(DataSource database, String numbers) throws SQLException {
    update(
        database,
        """
        INSERT INTO onlyfans_messages (
          id, user_id, priority, payload, status, next_attempt_at, created_at, updated_at)
        SELECT CONCAT('m', n), 'user', 'low',
          CONCAT('{"messageId":"m', n, '","userId":"user","recipientId":"fan","content":"hello",',
            '"timestamp":"2026-01-01T00:00:00Z"}'),
          CASE WHEN MOD(n, 2) = 0 THEN 'queued' ELSE 'failed' END,
          '2026-01-01 00:00:00', '2026-01-01 00:00:00', '2026-01-01 00:00:00'
        FROM %s\
        """
            .formatted(numbers));
  }

  private static JdbcFallbackStore store(DataSource dataSource) {
    return JdbcFallbackStore.builder(dataSource).build();
  }

  private static OutboundMessage message(String id) {
    return OutboundMessage.builder(id, "user_42", Instant.parse("2026-01-01T00:00:00Z"))
        .recipientId("fan_7")
        .content("hello")
        .build();
  }

  private static OutboundMessage another(String id) {
    return OutboundMessage.builder(id, "user_43", Instant.parse("2026-01-01T00:00:00Z"))
        .recipientId("fan_7")
        .content("hello")
        .build();
  }

  private static void inParallel(List<Callable<Boolean>> calls) throws Exception {
    ExecutorService executor = Executors.newFixedThreadPool(calls.size());
    try {
      for (Future<Boolean> done : executor.invokeAll(calls)) {
        assertThat(done.get()).isTrue();
      }
    } finally {
      executor.shutdownNow();
    }
  }
}
