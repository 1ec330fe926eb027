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
