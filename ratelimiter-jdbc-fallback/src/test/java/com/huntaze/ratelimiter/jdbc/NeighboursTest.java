package com.huntaze.ratelimiter.jdbc;

import static com.huntaze.ratelimiter.jdbc.TestDatabase.aesKey;
import static com.huntaze.ratelimiter.jdbc.TestDatabase.ask;
import static com.huntaze.ratelimiter.jdbc.TestDatabase.update;
import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.NotQueued;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.crypto.SecretKey;
import javax.sql.DataSource;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What one row, one purge or one upgrade does to all others: nothing. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class NeighboursTest {
  @RegisterExtension static final LocalPostgres postgres = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb mariaDb = LocalMariaDb.shared();
  @RegisterExtension final Pools pools = new Pools();

  private static final Duration LEASE = Duration.ofMinutes(1);

  @ParameterizedTest
  @EnumSource(names = {"POSTGRESQL", "MARIADB"})
  void a_row_with_an_impossible_date_stops_nobody(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = store(database);
    storeAll(store, "odd", "good");
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      if (kind == TestDatabase.MARIADB) {
        statement.execute("SET SESSION sql_mode = ''");
      }
      String never = kind == TestDatabase.MARIADB ? "0000-00-00 00:00:00" : "-infinity";
      statement.executeUpdate(
          "UPDATE onlyfans_messages SET created_at = '%1$s', next_attempt_at = '%1$s' WHERE id = 'odd'"
              .formatted(never));
    }

    assertThat(store.list(StoredStatus.FAILED, 10, 0)).hasSize(2);
    assertThat(store.backlog().waiting()).isEqualTo(2);
    List<StoredMessage> claimed = store.claim(10, LEASE);
    assertThat(claimed)
        .extracting(each -> each.message().messageId())
        .containsExactly("odd", "good");
    assertThat(store.replayed(claimed)).isEqualTo(2);
  }

  @ParameterizedTest
  @EnumSource
  void a_known_message_whose_key_is_missing_keeps_no_other_out(TestDatabase kind) {
    DataSource database = kind.withSchema().get();
    storeAll(encrypting(database, "old"), "a");
    JdbcFallbackStore store = encrypting(database, "new");

    List<Optional<FallbackException>> refusals = storeAll(store, "b", "a", "c");

    assertThat(refusals.stream().map(Optional::isPresent)).containsExactly(false, true, false);
    assertThat(refusals.get(1).orElseThrow()).hasMessageContaining("no key 'old'");
    assertThat(store.claim(10, LEASE)).hasSize(2);
  }

  @ParameterizedTest
  @EnumSource
  void a_creator_waits_for_a_missing_key_twenty_times_and_not_for_ever(TestDatabase kind)
      throws Exception {
    DataSource database = kind.withSchema().get();
    storeAll(encrypting(database, "old"), "a");
    JdbcFallbackStore store = encrypting(database, "new");
    update(database, "UPDATE onlyfans_messages SET attempts = 18");

    assertThat(store.claim(10, LEASE)).isEmpty();
    assertThat(store.find("a").orElseThrow().status()).isEqualTo(StoredStatus.FAILED);
    update(database, "UPDATE onlyfans_messages SET next_attempt_at = created_at");
    assertThat(store.claim(10, LEASE)).isEmpty();

    assertThat(store.find("a").orElseThrow().status()).isEqualTo(StoredStatus.DEAD);
    assertThat(store.delete("a")).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void nothing_of_a_creator_overtakes_a_row_whose_key_is_missing(TestDatabase kind) {
    DataSource database = kind.withSchema().get();
    encrypting(database, "old").store(of("a", "a1"), "down");
    JdbcFallbackStore store = encrypting(database, "new");
    for (OutboundMessage each : List.of(of("a", "a2"), of("b", "b1"), of("a", "a3"))) {
      store.store(each, "down");
    }

    assertThat(store.claim(10, LEASE))
        .extracting(each -> each.message().messageId())
        .containsExactly("b1");
    assertThat(store.find("a2").orElseThrow().claimed()).isFalse();
    assertThat(store.waiting(Set.of("a", "b", "c"))).containsExactlyInAnyOrder("a", "b");
  }

  @ParameterizedTest
  @EnumSource
  void a_key_service_that_is_down_for_long_makes_no_row_dead(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    EncryptionKeys keys = EncryptionKeys.of("k", Map.of("k", aesKey()));
    AtomicBoolean down = new AtomicBoolean();
    JdbcFallbackStore store =
        JdbcFallbackStore.builder(database)
            .encryption(
                new EncryptionKeys() {
                  @Override
                  public String currentId() {
                    return keys.currentId();
                  }

                  @Override
                  public Optional<SecretKey> key(String id) {
                    if (down.get()) {
                      throw new IllegalStateException("no answer");
                    }
                    return keys.key(id);
                  }
                })
            .build();
    store.store(message("a"), "down");
    down.set(true);

    for (int i = 0; i < 30; i++) {
      assertThat(store.claim(10, LEASE)).isEmpty();
      update(database, "UPDATE onlyfans_messages SET next_attempt_at = created_at");
    }

    down.set(false);
    assertThat(store.claim(10, LEASE)).extracting(StoredMessage::attempts).containsExactly(0);
  }

  @Test
  void on_mariadb_ids_that_differ_by_a_blank_are_erased_apart() {
    JdbcFallbackStore store = store(TestDatabase.MARIADB.withSchema().get());
    for (String user : List.of("bob", "bob ")) {
      store.store(
          OutboundMessage.builder("of '" + user + "'", user, Instant.EPOCH)
              .recipientId("fan_7")
              .content("hello")
              .build(),
          "down");
    }

    assertThat(store.eraseUser("bob")).isEqualTo(1);
    assertThat(store.find("of 'bob '")).isPresent();
  }

  @ParameterizedTest
  @EnumSource
  void a_row_whose_key_is_missing_keeps_no_other_from_being_encrypted_again(TestDatabase kind) {
    DataSource database = kind.withSchema().get();
    storeAll(encrypting(database, "old"), "a");
    storeAll(store(database), "b", "c");

    assertThat(encrypting(database, "new").encryptAgain()).isEqualTo(2);
  }

  @ParameterizedTest
  @EnumSource
  void what_came_after_the_callers_snapshot_is_known_all_the_same(TestDatabase kind)
      throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = store(database);
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.executeQuery("SELECT COUNT(*) FROM onlyfans_messages").close();
      storeAll(store, "a");

      store.store(connection, message("a"));
      connection.commit();
    }
    assertThat(store.claim(10, LEASE)).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource
  void an_attempt_counter_at_its_end_is_counted_no_further(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = store(database);
    storeAll(store, "a");
    update(database, "UPDATE onlyfans_messages SET attempts = 2147483647, revivals = 2147483647");

    assertThat(store.failed(store.claim(1, LEASE).get(0), "down", Duration.ZERO)).isTrue();
    assertThat(store.dead(store.claim(1, LEASE).get(0), "refused")).isTrue();
    assertThat(store.revive("a")).isTrue();
    assertThat(store.claim(1, LEASE)).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource
  void a_delivered_row_that_does_not_say_when_it_was_queued_is_purged(TestDatabase kind)
      throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = store(database);
    storeAll(store, "a", "b");
    update(
        database,
        "UPDATE onlyfans_messages SET status = 'sent', sent_at = '2020-01-01 00:00:00'"
            + " WHERE id = 'a'");

    assertThat(store.purge(Duration.ofDays(1), 10)).isEqualTo(1);
    assertThat(store.backlog().waiting()).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource
  void a_purge_under_way_holds_up_nobody_who_stores(TestDatabase kind) throws Exception {
    Supplier<DataSource> database = kind.withSchema();
    JdbcFallbackStore store =
        JdbcFallbackStore.builder(database.get()).queryTimeout(Duration.ofSeconds(5)).build();
    storeAll(store, IntStream.range(0, 50).mapToObj(i -> "old" + i).toArray(String[]::new));
    store.replayed(store.claim(50, LEASE));
    update(database.get(), "UPDATE onlyfans_messages SET queued_at = '2020-01-01 00:00:00'");
    storeAll(store, "waits");
    CountDownLatch atCommit = new CountDownLatch(1);
    CountDownLatch mayCommit = new CountDownLatch(1);
    Watched pool = pools.on(database.get());
    JdbcFallbackStore purging = store(pool.dataSource());
    purging.check();
    pool.lendThrough(
        connection ->
            Watched.proxy(
                Connection.class,
                (method, arguments) -> {
                  boolean deleted =
                      pool.prepared().stream().anyMatch(sql -> sql.contains("queued_at <"));
                  if (method.getName().equals("commit") && deleted) {
                    atCommit.countDown();
                    assertThat(mayCommit.await(30, TimeUnit.SECONDS)).isTrue();
                  }
                  return Watched.call(connection, method, arguments);
                }));
    CompletableFuture<Integer> purge =
        CompletableFuture.supplyAsync(() -> purging.purge(Duration.ofDays(1), 1_000));
    try {
      assertThat(atCommit.await(20, TimeUnit.SECONDS)).isTrue();

      assertThat(storeAll(store, "a", "b", "c")).containsOnly(Optional.empty());
      store.store(message("d"), "down");
      assertThat(store.replayed(store.claim(10, LEASE))).isEqualTo(5);
    } finally {
      mayCommit.countDown();
    }
    assertThat(purge.get(20, TimeUnit.SECONDS)).isEqualTo(50);
  }

  @Test
  void on_mariadb_no_schema_is_changed_without_its_lock_however_long_it_takes() throws Exception {
    Supplier<DataSource> database = TestDatabase.MARIADB.empty();
    try (Connection other = database.get().getConnection();
        Statement statement = other.createStatement()) {
      statement.execute("SELECT GET_LOCK(CONCAT('onlyfans_schema_', MD5(DATABASE())), 60)");
      JdbcFallbackStore store =
          JdbcFallbackStore.builder(database.get())
              .queryTimeout(Duration.ofSeconds(1))
              .createSchema(true)
              .build();
      CompletableFuture<Void> storing =
          CompletableFuture.runAsync(() -> store.store(message("a"), "down"));

      awaitUserLock(database.get());
      assertThat(storing).isNotDone();
      assertThat(ask(database.get(), "SHOW TABLES")).isEmpty();

      statement.execute("SELECT RELEASE_LOCK(CONCAT('onlyfans_schema_', MD5(DATABASE())))");
      storing.get(30, TimeUnit.SECONDS);
    }
  }

  /** Waits until somebody has waited for a lock for longer than a statement of theirs may take. */
  private static void awaitUserLock(DataSource database) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (ask(
            database,
            "SELECT id FROM information_schema.processlist"
                + " WHERE state = 'User lock' AND time >= 2 AND db = DATABASE()")
        .isEmpty()) {
      assertThat(System.nanoTime()).as("nobody waits for the lock").isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
  }

  private static JdbcFallbackStore store(DataSource database) {
    return JdbcFallbackStore.builder(database).build();
  }

  private static JdbcFallbackStore encrypting(DataSource database, String keyId) {
    return JdbcFallbackStore.builder(database)
        .encryption(EncryptionKeys.of(keyId, Map.of(keyId, aesKey())))
        .build();
  }

  private static List<Optional<FallbackException>> storeAll(
      JdbcFallbackStore store, String... ids) {
    return store.storeAll(Stream.of(ids).map(id -> new NotQueued(message(id), "down")).toList());
  }

  private static OutboundMessage of(String creator, String id) {
    return OutboundMessage.builder(id, "user", Instant.parse("2026-01-01T00:00:00Z"))
        .creatorId(creator)
        .recipientId("fan_7")
        .content("hello")
        .build();
  }

  private static OutboundMessage message(String id) {
    return OutboundMessage.builder(id, "user of " + id, Instant.parse("2026-01-01T00:00:00Z"))
        .recipientId("fan_7")
        .content("hello")
        .build();
  }
}
