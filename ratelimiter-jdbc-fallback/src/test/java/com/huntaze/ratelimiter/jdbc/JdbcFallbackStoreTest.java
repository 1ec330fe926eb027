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
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class JdbcFallbackStoreTest {
  @RegisterExtension static final LocalPostgres postgres = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb mariaDb = LocalMariaDb.shared();
  @RegisterExtension final Pools pools = new Pools();

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
  void instances_with_connections_of_their_own_share_the_work(TestDatabase kind) throws Exception {
    Supplier<DataSource> database = kind.withSchema();
    JdbcFallbackStore first = store(pools.on(database.get()).dataSource());
    IntStream.range(0, 400).forEach(i -> first.store(message("m" + i), "down"));
    Queue<String> claimed = new ConcurrentLinkedQueue<>();
    List<Callable<Boolean>> instances = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      JdbcFallbackStore instance = store(pools.on(database.get()).dataSource());
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
  void a_row_that_waits_for_a_time_no_store_sets_is_due(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = store(database);
    store.store(message("ahead"), "down");
    store.store(message("leased"), "down");
    update(
        database,
        "UPDATE onlyfans_messages SET next_attempt_at = '2199-01-01 00:00:00' WHERE id = 'ahead'");
    update(
        database,
        "UPDATE onlyfans_messages SET next_attempt_at = '2199-01-01 00:00:00',"
            + " lease_until = '2199-01-01 00:00:00', lease_owner = 'nobody' WHERE id = 'leased'");

    List<StoredMessage> claimed = store.claim(10, Duration.ofDays(9_000));

    assertThat(claimed).hasSize(2);
    assertThat(store.claim(10, LEASE)).isEmpty(); // the longest lease is not such a time
    assertThat(store.failed(claimed.get(0), "down", Duration.ofDays(9_000))).isTrue();
    assertThat(store.claim(10, LEASE)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void columns_edited_into_nonsense_stop_nobody(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = store(database);
    for (String id : List.of("odd", "minus", "good")) {
      store.store(message(id), "down");
    }
    update(
        database,
        "UPDATE onlyfans_messages SET status = 'banana', priority = 'soon' WHERE id = 'odd'");
    update(
        database, "UPDATE onlyfans_messages SET attempts = -7, revivals = -7 WHERE id = 'minus'");

    List<StoredMessage> claimed = store.claim(10, LEASE);

    assertThat(claimed).extracting(StoredMessage::attempts).containsExactly(0, 0);
    assertThat(claimed.get(0).message().revival()).isZero();
    assertThat(store.backlog().count(StoredStatus.DEAD)).isEqualTo(1);
    assertThat(store.find("odd").orElseThrow().status()).isEqualTo(StoredStatus.DEAD);
    assertThat(store.purge(LEASE, 10)).isZero(); // which puts odd rows where they are listed
    assertThat(store.list(StoredStatus.DEAD, 10, 0)).hasSize(1);
    assertThat(store.revive("odd")).isTrue();
    assertThat(store.claim(10, LEASE)).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource
  void a_read_only_database_is_named_as_one_and_keeps_what_it_has(
      TestDatabase kind, @TempDir Path directory) throws Exception {
    boolean isH2 = kind == TestDatabase.H2;
    String h2Url = "jdbc:h2:" + directory.resolve("store");
    DataSource database = isH2 ? TestDatabase.h2(h2Url) : kind.empty().get();
    JdbcFallbackStore writer = JdbcFallbackStore.builder(database).createSchema(true).build();
    writer.store(message("a"), "down");
    JdbcFallbackStore reader =
        store(isH2 ? TestDatabase.h2(h2Url + ";ACCESS_MODE_DATA=r") : readOnly(kind, database));

    for (Runnable call :
        List.<Runnable>of(
            () -> reader.store(message("b"), "down"),
            () -> reader.claim(1, LEASE),
            reader::check)) {
      assertThatThrownBy(call::run)
          .isInstanceOf(FallbackException.class)
          .hasMessageContaining("the database is read-only");
    }
    assertThat(reader.backlog().waiting()).isEqualTo(1);
    assertThat(writer.claim(10, LEASE)).hasSize(1);
  }

  private static DataSource readOnly(TestDatabase kind, DataSource database) {
    return Watched.proxy(
        DataSource.class,
        (method, arguments) -> {
          Connection connection = database.getConnection();
          try (var statement = connection.createStatement()) {
            statement.execute(
                switch (kind) {
                  case POSTGRESQL -> "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY";
                  case MARIADB -> "SET SESSION TRANSACTION READ ONLY";
                  case H2 -> "SET ACCESS_MODE_DATA 'r'";
                });
          }
          return connection;
        });
  }

  @ParameterizedTest
  @EnumSource
  void a_message_stored_in_a_transaction_of_the_callers_shares_its_fate(TestDatabase kind)
      throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = store(database);
    try (Connection connection = database.getConnection()) {
      connection.setAutoCommit(false);
      store.store(connection, message("rolled back"));
      connection.rollback();
      store.store(connection, message("committed"));
      store.store(connection, message("committed")); // known, and no harm
      assertThat(store.claim(10, LEASE)).isEmpty();
      connection.commit();
      assertThat(connection.getAutoCommit()).isFalse();

      assertThat(store.claim(10, LEASE))
          .extracting(each -> each.message().messageId())
          .containsExactly("committed");
      OutboundMessage other =
          OutboundMessage.builder("committed", "someone", Instant.EPOCH)
              .recipientId("fan_7")
              .content("another")
              .build();
      assertThatThrownBy(() -> store.store(connection, other))
          .isInstanceOf(FallbackException.class)
          .hasMessageContaining("committed")
          .hasMessageNotContaining("another text");
      connection.rollback();
      connection.setAutoCommit(true);
      assertThatThrownBy(() -> store.store(connection, message("c")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("auto-commit");
    }
    assertThat(store.find("c")).isEmpty();
  }

  @Test
  void leases_do_not_depend_on_anyones_time_zone() throws Exception {
    String mariaUrl = mariaDb.newDatabase().jdbcUrl();
    String postgresUrl = postgres.newDatabase().jdbcUrl();
    String h2Url = "jdbc:h2:mem:zones;DB_CLOSE_DELAY=-1";
    for (List<DataSource> zones :
        List.of(
            List.of(
                at(mariaUrl + "&sessionVariables=time_zone='-08:00'"),
                at(mariaUrl + "&sessionVariables=time_zone='+09:00'")),
            List.of(
                at(postgresUrl + "&options=-c%20TimeZone=America/Los_Angeles"),
                at(postgresUrl + "&options=-c%20TimeZone=Asia/Tokyo")),
            List.of(
                at(h2Url + ";TIME ZONE=America/Los_Angeles"),
                at(h2Url + ";TIME ZONE=Asia/Tokyo")))) {
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

  private static DataSource at(String url) {
    return Watched.proxy(DataSource.class, (method, arguments) -> DriverManager.getConnection(url));
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
