package com.huntaze.ratelimiter.jdbc;

import static com.huntaze.ratelimiter.jdbc.TestDatabase.update;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
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
class DatabaseTest {
  @RegisterExtension static final LocalPostgres postgres = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb mariaDb = LocalMariaDb.shared();
  @RegisterExtension final Pools pools = new Pools();

  private static final Duration LEASE = Duration.ofMinutes(1);

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
      assertThat(
              JdbcSentLog.builder(database.get())
                  .build()
                  .begin(new SentLog.Claim("m", 0, "holder"), LEASE, InDoubtPolicy.HOLD))
          .isNotNull();
    }
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
          .hasMessageContaining("schema/");
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_table_of_another_shape_is_named(TestDatabase kind) throws Exception {
    DataSource database = kind.empty().get();
    update(database, "CREATE TABLE onlyfans_messages (id VARCHAR(10), content VARCHAR(10))");

    assertThatThrownBy(() -> store(database).store(message("a"), "down"))
        .isInstanceOf(FallbackException.class)
        .hasMessageContaining("the table onlyfans_messages is missing, or of no version");
  }

  @ParameterizedTest
  @EnumSource
  void connections_are_given_back_as_they_came(TestDatabase kind) throws Exception {
    Supplier<DataSource> database = kind.withSchema();
    for (Watched pool :
        List.of(pools.on(database.get()), pools.on(database.get()).withoutAutoCommit())) {
      JdbcFallbackStore store = store(pool.dataSource());
      store.store(message("a"), "down");
      store.store(message("a"), "down");
      List<StoredMessage> claimed = store.claim(10, LEASE);
      assertThat(claimed).hasSize(1);
      store.dead(claimed.get(0), "refused");
      assertThat(store.revive("a")).isTrue();
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

      assertThat(CompletableFuture.runAsync(() -> store.failed(claimed, "down", LEASE)))
          .failsWithin(Duration.ofSeconds(20))
          .withThrowableThat()
          .havingCause()
          .isInstanceOf(FallbackException.class)
          .withMessageContaining("could not record the failure of message a");
      assertThat(store.claim(1, LEASE)).isEmpty(); // what is locked is passed over

      other.rollback();
    }
    assertThat(store.failed(claimed, "down", LEASE)).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void what_the_database_rolls_back_is_tried_again_and_not_for_ever(TestDatabase kind) {
    Watched pool = pools.on(kind.withSchema().get());
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
    Watched pool = pools.on(TestDatabase.H2.withSchema().get());
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
