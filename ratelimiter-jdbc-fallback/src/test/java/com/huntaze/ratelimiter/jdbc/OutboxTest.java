package com.huntaze.ratelimiter.jdbc;

import static com.huntaze.ratelimiter.jdbc.TestDatabase.ask;
import static com.huntaze.ratelimiter.jdbc.TestDatabase.update;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.jdbc.OutboxProcess.Outbox;
import com.huntaze.ratelimiter.testkit.LocalDatabase;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Messages that are stored in the caller's own transaction, and callers that are killed in it. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class OutboxTest {
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb MARIADB = LocalMariaDb.shared();

  private static final Duration LEASE = Duration.ofMinutes(1);

  /** Counts the connections that others have. */
  private static final String POSTGRES_SESSIONS =
      "SELECT COUNT(*) FROM pg_stat_activity"
          + " WHERE datname = current_database() AND pid <> pg_backend_pid()";

  private static final String MARIADB_SESSIONS =
      "SELECT COUNT(*) FROM information_schema.processlist"
          + " WHERE db = DATABASE() AND id <> CONNECTION_ID()";

  /** At once: some start while others take orders. */
  private static final int PROCESSES = 4;

  private static final int START_MILLIS = 400;
  private static final int WORK_MILLIS = 100;
  private static final int LONG_WORK_MILLIS = 800;

  @TempDir Path directory;

  private record Sum(long lost, int unheard) {}

  @ParameterizedTest
  @EnumSource
  void a_message_is_there_when_its_caller_has_committed_and_not_before(TestDatabase kind)
      throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = JdbcFallbackStore.builder(database).build();
    Outbox outbox = OutboxProcess.outbox(database);
    try (Connection connection = database.getConnection()) {
      connection.setAutoCommit(false);
      outbox.store(connection, OutboxProcess.message("a"));

      assertThat(store.claim(10, LEASE)).isEmpty();
      assertThat(store.backlog().waiting()).isZero();

      connection.commit();
      assertThat(connection.getAutoCommit()).isFalse();
      connection.rollback();
    }
    assertThat(store.claim(10, LEASE))
        .singleElement()
        .extracting(stored -> stored.message())
        .isEqualTo(OutboxProcess.message("a"));
  }

  @ParameterizedTest
  @EnumSource
  void an_order_and_its_message_are_rolled_back_together(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    update(database, OutboxProcess.ORDERS);
    Outbox outbox = OutboxProcess.outbox(database);
    try (Connection connection = database.getConnection()) {
      connection.setAutoCommit(false);
      OutboxProcess.insertOrder(connection, "a");
      outbox.store(connection, OutboxProcess.message("a"));
      connection.rollback();
      OutboxProcess.insertOrder(connection, "b");
      outbox.store(connection, OutboxProcess.message("b"));
      connection.commit();
    }
    assertThat(ask(database, "SELECT message_id FROM orders")).containsExactly("b");
    assertThat(ask(database, "SELECT id FROM onlyfans_messages")).containsExactly("b");
  }

  @ParameterizedTest
  @EnumSource
  void the_same_message_again_does_not_spoil_the_transaction(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    update(database, OutboxProcess.ORDERS);
    Outbox outbox = OutboxProcess.outbox(database);
    try (Connection connection = database.getConnection()) {
      connection.setAutoCommit(false);
      for (int i = 0; i < 2; i++) {
        outbox.store(connection, OutboxProcess.message("a"));
        outbox.store(connection, OutboxProcess.message("a"));
        OutboxProcess.insertOrder(connection, "a" + i);
        connection.commit();
      }
    }
    assertThat(ask(database, "SELECT message_id FROM orders ORDER BY id"))
        .containsExactly("a0", "a1");
    assertThat(ask(database, "SELECT id FROM onlyfans_messages")).containsExactly("a");
  }

  @ParameterizedTest
  @EnumSource
  void a_connection_that_commits_by_itself_is_refused(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    Outbox outbox = OutboxProcess.outbox(database);
    try (Connection connection = database.getConnection()) {
      assertThatThrownBy(() -> outbox.store(connection, OutboxProcess.message("a")))
          .isInstanceOf(RuntimeException.class)
          .hasMessageContaining("auto-commit");
    }
    assertThat(ask(database, "SELECT id FROM onlyfans_messages")).isEmpty();
  }

  @Test
  void an_order_and_its_message_are_kept_or_lost_together_whenever_the_caller_is_killed()
      throws Exception {
    killAndLook(POSTGRES.newDatabase(), POSTGRES_SESSIONS, 15);
  }

  @Test
  @Tag("slow")
  @Timeout(value = 20, unit = TimeUnit.MINUTES)
  void an_order_and_its_message_are_kept_or_lost_together_after_1_000_kills() throws Exception {
    Sum sum = killAndLook(POSTGRES.newDatabase(), POSTGRES_SESSIONS, 1_000);
    assertThat(sum.lost()).as("orders lost in the midst of their transaction").isPositive();
    assertThat(sum.unheard()).as("processes killed before their first transaction").isPositive();
  }

  @Test
  @Tag("slow")
  void an_order_and_its_message_are_kept_or_lost_together_on_mariadb() throws Exception {
    Sum sum = killAndLook(MARIADB.newDatabase(), MARIADB_SESSIONS, 150);
    assertThat(sum.lost()).as("orders lost in the midst of their transaction").isPositive();
  }

  private Sum killAndLook(LocalDatabase database, String sessions, int kills) throws Exception {
    long seed = System.nanoTime();
    System.out.printf("OutboxTest seed %d%n", seed);
    DataSource dataSource = database.dataSource();
    JdbcFallbackStore store = JdbcFallbackStore.builder(dataSource).build();
    store.createSchema();
    update(dataSource, OutboxProcess.ORDERS);
    long start = System.nanoTime();
    Killed killed = new Killed(image(database, sessions, kills), database.jdbcUrl());
    killed.killAll(kills, new SplittableRandom(seed));
    // The server may still be at work for those who are gone.
    awaitNone(dataSource, sessions);

    List<String> orders = ask(dataSource, "SELECT message_id FROM orders");
    List<String> messages = ask(dataSource, "SELECT id FROM onlyfans_messages");
    Set<String> kept = new HashSet<>(orders);
    long lost =
        killed.begun.stream()
            .filter(id -> !id.endsWith(OutboxProcess.UNDONE) && !kept.contains(id))
            .count();
    System.out.printf(
        "%d kills in %.0f s: %d orders committed, %d of them unheard of, %d lost;"
            + " %d processes killed before their first%n",
        kills,
        (System.nanoTime() - start) / 1e9,
        orders.size(),
        orders.size() - killed.committed.size(),
        lost,
        killed.unheard.get());
    assertThat(orders).doesNotHaveDuplicates();
    assertThat(messages).doesNotHaveDuplicates();
    assertThat(difference(orders, messages)).as("orders without a message").isEmpty();
    assertThat(difference(messages, orders)).as("messages without an order").isEmpty();
    assertThat(difference(killed.committed, orders)).as("lost after the commit").isEmpty();
    assertThat(orders).as("not rolled back").noneMatch(id -> id.endsWith(OutboxProcess.UNDONE));
    assertThat(killed.committed).isNotEmpty();
    assertThat(killed.begun).anyMatch(id -> id.endsWith(OutboxProcess.UNDONE));
    assertThat(store.backlog().waiting()).isEqualTo(orders.size());
    return new Sum(lost, killed.unheard.get());
  }

  /** Where many are started, it pays to have them start fast. */
  private JavaImage image(LocalDatabase database, String sessions, int kills) throws Exception {
    if (kills < 100) {
      return JavaImage.plain();
    }
    JavaImage image =
        JavaImage.plain()
            .prepared(
                directory,
                OutboxProcess.class,
                OutboxProcess.arguments(database.jdbcUrl(), "prepared", 1),
                OutboxProcess.COMMITTED);
    awaitNone(database.dataSource(), sessions);
    update(database.dataSource(), "DELETE FROM orders");
    update(database.dataSource(), "DELETE FROM onlyfans_messages");
    return image;
  }

  private static Set<String> difference(Iterable<String> all, List<String> without) {
    Set<String> rest = new HashSet<>();
    all.forEach(rest::add);
    rest.removeAll(new HashSet<>(without));
    return rest;
  }

  private static void awaitNone(DataSource dataSource, String sessions) throws SQLException {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!ask(dataSource, sessions).equals(List.of("0"))) {
      assertThat(System.nanoTime()).as("connections of killed processes end").isLessThan(end);
      LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
    }
  }

  /** Processes that are started and killed, and what they said before. */
  private static final class Killed {
    private final JavaImage image;
    private final String jdbcUrl;
    private final Set<String> begun = ConcurrentHashMap.newKeySet();
    private final Set<String> committed = ConcurrentHashMap.newKeySet();
    private final AtomicInteger unheard = new AtomicInteger();

    Killed(JavaImage image, String jdbcUrl) {
      this.image = image;
      this.jdbcUrl = jdbcUrl;
    }

    void killAll(int kills, SplittableRandom random) throws Exception {
      Queue<JavaProcess> started = new ConcurrentLinkedQueue<>();
      AtomicInteger next = new AtomicInteger();
      List<Callable<Void>> hosts = new ArrayList<>();
      for (int i = 0; i < PROCESSES; i++) {
        SplittableRandom own = random.split();
        hosts.add(
            () -> {
              for (int kill = next.getAndIncrement(); kill < kills; kill = next.getAndIncrement()) {
                startAndKill("k" + kill, own, started);
              }
              return null;
            });
      }
      ExecutorService threads = Executors.newFixedThreadPool(PROCESSES);
      try {
        for (Future<Void> done : threads.invokeAll(hosts)) {
          done.get();
        }
      } finally {
        threads.shutdownNow();
        started.forEach(JavaProcess::close);
      }
    }

    /** As it starts, in or after its first transaction, or after many. */
    private void startAndKill(String prefix, SplittableRandom random, Queue<JavaProcess> started)
        throws Exception {
      CountDownLatch begins = new CountDownLatch(1);
      CountDownLatch commits = new CountDownLatch(1);
      JavaProcess process =
          JavaProcess.start(
              image,
              OutboxProcess.class,
              OutboxProcess.arguments(jdbcUrl, prefix, random.nextLong()),
              line -> hear(line, begins, commits));
      started.add(process);
      int moment = random.nextInt(10);
      if (moment > 1) {
        CountDownLatch first = moment > 4 ? commits : begins;
        assertThat(first.await(60, TimeUnit.SECONDS)).as("it takes orders").isTrue();
      }
      int millis = moment > 1 ? moment > 8 ? LONG_WORK_MILLIS : WORK_MILLIS : START_MILLIS;
      assertThat(process.endsWithin(Duration.ofNanos(random.nextLong(millis * 1_000_000L))))
          .as("it ended")
          .isFalse();
      process.kill();
      started.remove(process);
      if (begins.getCount() > 0) {
        unheard.incrementAndGet();
      }
    }

    private void hear(String line, CountDownLatch begins, CountDownLatch commits) {
      String[] words = line.split(" ");
      if (words.length != 3 || !words[2].equals(OutboxProcess.END)) {
        return; // it was killed in the midst of it
      }
      if (words[0].equals(OutboxProcess.BEGINS)) {
        begun.add(words[1]);
        begins.countDown();
      } else if (words[0].equals(OutboxProcess.COMMITTED)) {
        committed.add(words[1]);
        commits.countDown();
      }
    }
  }
}
