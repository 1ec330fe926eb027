package com.huntaze.ratelimiter.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Eight claimers a database, in four processes, some of which are killed or stand still for longer
 * than their lease. What they did is judged by what the database saw: see {@link Audit}.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class ClaimersTest {
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb MARIADB = LocalMariaDb.shared();

  private static final int PROCESSES = 4;
  private static final int CREATORS = 200;

  /** The exit code of a process that was killed. */
  private static final int KILLED = 128 + 9;

  private static final Duration LONG_LEASE = Duration.ofMinutes(10);
  private static final Duration SHORT_LEASE = Duration.ofSeconds(1);

  /**
   * What processes do to each other is the same for all tests of a run; they ask about one each.
   */
  private static final Map<Scenario, Run> RUNS = new HashMap<>();

  private enum Faults {
    NONE,
    A_FEW,
    MANY
  }

  /** The databases are worked on at once, by the same processes. */
  private record Scenario(Set<TestDatabase> databases, int rows, Faults faults, Duration hold) {
    Duration lease() {
      return faults == Faults.NONE ? LONG_LEASE : SHORT_LEASE;
    }
  }

  private record Run(Map<TestDatabase, Audit> audits, int kills, int pauses, long late) {}

  private static final Scenario UNDISTURBED =
      new Scenario(EnumSet.allOf(TestDatabase.class), 1_500, Faults.NONE, Duration.ofMillis(5));

  private static final Scenario DISTURBED =
      new Scenario(EnumSet.allOf(TestDatabase.class), 600, Faults.A_FEW, Duration.ofMillis(60));

  private static Scenario longUndisturbed(TestDatabase database) {
    return new Scenario(EnumSet.of(database), 10_000, Faults.NONE, Duration.ofMillis(5));
  }

  private static Scenario longDisturbed(TestDatabase database) {
    return new Scenario(EnumSet.of(database), 10_000, Faults.MANY, Duration.ofMillis(40));
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  void each_row_is_handed_out_once_among_processes(TestDatabase database) throws Exception {
    assertEachIsHandedOutOnce(run(UNDISTURBED).audits().get(database));
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  void a_creators_rows_are_handed_out_in_order_among_processes(TestDatabase database)
      throws Exception {
    assertThat(run(UNDISTURBED).audits().get(database).overtakings()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void each_row_is_completed_once_by_its_latest_claimer_whoever_is_killed_or_late(
      TestDatabase database) throws Exception {
    Run run = run(DISTURBED);
    assertEachIsCompletedOnce(run.audits().get(database));
    assertThat(run.audits().values().stream().mapToLong(Audit::claimsAgain).sum())
        .as("rows claimed again, since a lease had lapsed")
        .isPositive();
  }

  @ParameterizedTest
  @EnumSource
  void a_creators_rows_are_handed_out_in_order_whoever_is_killed_or_late(TestDatabase database)
      throws Exception {
    assertThat(run(DISTURBED).audits().get(database).overtakings()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  void each_of_10_000_rows_is_handed_out_once_among_processes(TestDatabase database)
      throws Exception {
    assertEachIsHandedOutOnce(run(longUndisturbed(database)).audits().get(database));
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  void a_creators_share_of_10_000_rows_is_handed_out_in_order_among_processes(TestDatabase database)
      throws Exception {
    assertThat(run(longUndisturbed(database)).audits().get(database).overtakings()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  void each_of_10_000_rows_is_completed_once_by_its_latest_claimer_whoever_is_killed_or_late(
      TestDatabase database) throws Exception {
    Run run = run(longDisturbed(database));
    assertEachIsCompletedOnce(run.audits().get(database));
    assertThat(run.kills()).as("kills").isGreaterThan(5);
    assertThat(run.pauses()).as("pauses").isGreaterThan(5);
    assertThat(run.late()).as("messages that were somebody else's by then").isPositive();
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  void a_creators_share_of_10_000_rows_is_handed_out_in_order_whoever_is_killed_or_late(
      TestDatabase database) throws Exception {
    assertThat(run(longDisturbed(database)).audits().get(database).overtakings()).isEmpty();
  }

  private static void assertEachIsHandedOutOnce(Audit audit) {
    assertThat(audit.waiting()).isEmpty();
    assertThat(audit.claims()).hasSize(audit.rows()).doesNotHaveDuplicates();
    assertThat(audit.completions()).hasSize(audit.rows()).doesNotHaveDuplicates();
    assertThat(audit.staleCompletions()).isEmpty();
    assertThat(audit.claimers()).as("claimers that got something").isGreaterThan(PROCESSES);
  }

  private static void assertEachIsCompletedOnce(Audit audit) {
    assertThat(audit.waiting()).isEmpty();
    assertThat(audit.completions()).hasSize(audit.rows()).doesNotHaveDuplicates();
    assertThat(audit.staleCompletions()).isEmpty();
  }

  private static Run run(Scenario scenario) throws Exception {
    Run known = RUNS.get(scenario);
    if (known == null) {
      try (Fleet fleet = new Fleet(scenario, System.nanoTime())) {
        known = fleet.run();
      }
      RUNS.put(scenario, known);
    }
    return known;
  }

  /** The databases and the processes of a run. */
  private static final class Fleet implements AutoCloseable {
    private final Scenario scenario;
    private final SplittableRandom random;
    private final Map<TestDatabase, String> urls = new EnumMap<>(TestDatabase.class);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Queue<JavaProcess> started = new ConcurrentLinkedQueue<>();
    private final CountDownLatch allReady = new CountDownLatch(PROCESSES);
    private final AtomicInteger kills = new AtomicInteger();
    private final AtomicInteger pauses = new AtomicInteger();
    private final AtomicLong late = new AtomicLong();
    private final Queue<String> failures = new ConcurrentLinkedQueue<>();

    Fleet(Scenario scenario, long seed) {
      System.out.printf("ClaimersTest seed %d: %s%n", seed, scenario);
      this.scenario = scenario;
      this.random = new SplittableRandom(seed);
    }

    Run run() throws Exception {
      long start = System.nanoTime();
      List<Callable<Void>> stores = new ArrayList<>();
      for (TestDatabase database : scenario.databases()) {
        String url =
            switch (database) {
              case POSTGRESQL -> POSTGRES.newDatabase().jdbcUrl();
              case MARIADB -> MARIADB.newDatabase().jdbcUrl();
              case H2 -> SharedH2.newDatabase();
            };
        urls.put(database, url);
        SplittableRandom own = random.split();
        stores.add(() -> store(database, url, own));
      }
      inParallel(stores);
      long stored = System.nanoTime();
      List<Callable<Void>> hosts = new ArrayList<>();
      for (int i = 0; i < PROCESSES; i++) {
        int number = i;
        SplittableRandom own = random.split();
        hosts.add(() -> host(number, own));
      }
      inParallel(hosts);
      assertThat(failures).as("claimers that failed").isEmpty();
      Map<TestDatabase, Audit> audits = new EnumMap<>(TestDatabase.class);
      for (TestDatabase database : scenario.databases()) {
        try (KeptConnection connection = KeptConnection.to(urls.get(database))) {
          audits.put(database, Audit.read(connection.dataSource()));
        }
      }
      System.out.printf(
          "stored in %.1f s, claimed in %.1f s: %d kills, %d pauses, %d late%n",
          (stored - start) / 1e9,
          (System.nanoTime() - stored) / 1e9,
          kills.get(),
          pauses.get(),
          late.get());
      audits.forEach(
          (database, audit) ->
              System.out.printf(
                  "%s: %d claims and completions, %d claimed again, %d claimers,"
                      + " %d overtakings%n",
                  database,
                  audit.events(),
                  audit.claimsAgain(),
                  audit.claimers(),
                  audit.overtakings().size()));
      return new Run(audits, kills.get(), pauses.get(), late.get());
    }

    /** Stores messages of many creators, some of whom have many times as many as others. */
    private Void store(TestDatabase database, String url, SplittableRandom random)
        throws SQLException {
      try (KeptConnection connection = KeptConnection.to(url)) {
        JdbcFallbackStore store = JdbcFallbackStore.builder(connection.dataSource()).build();
        store.createSchema();
        store(store, random);
        Audit.begin(database, connection.dataSource());
      }
      return null;
    }

    private void store(JdbcFallbackStore store, SplittableRandom random) {
      for (int i = 0; i < scenario.rows(); i++) {
        double some = random.nextDouble();
        int number = (int) (CREATORS * some * some);
        OutboundMessage.Builder message =
            number % 2 == 0
                ? OutboundMessage.builder("m" + i, "creator_" + number, Instant.EPOCH)
                : OutboundMessage.builder("m" + i, "agency", Instant.EPOCH)
                    .creatorId("creator_" + number);
        store.store(message.recipientId("fan_" + i).content("hello").build(), "down");
      }
    }

    /** Runs one process after the other until one ends since nothing waits any more. */
    private Void host(int number, SplittableRandom random) throws Exception {
      boolean first = true;
      for (int starts = 0; ; starts++) {
        CountDownLatch ready = new CountDownLatch(1);
        JavaProcess process =
            JavaProcess.start(
                JavaImage.plain(),
                ClaimingProcess.class,
                ClaimingProcess.arguments(
                    scenario.lease(),
                    scenario.hold(),
                    random.nextLong(),
                    List.copyOf(urls.values())),
                line -> hear(line, ready));
        started.add(process);
        if (scenario.faults() == Faults.MANY && !first && random.nextInt(4) == 0) {
          if (!process.endsWithin(Duration.ofMillis(random.nextInt(1_000)))) {
            kill(process); // maybe before it has done anything at all
            continue;
          }
        }
        assertThat(ready.await(60, TimeUnit.SECONDS)).as("a process is ready").isTrue();
        if (first) {
          allReady.countDown();
          assertThat(allReady.await(60, TimeUnit.SECONDS)).as("all are ready").isTrue();
          first = false;
        }
        process.tell(ClaimingProcess.GO);
        boolean ended =
            switch (scenario.faults()) {
              case NONE -> false;
              case A_FEW -> disturbOnce(process, number, starts, random);
              case MANY -> disturb(process, random);
            };
        if (!ended) {
          assertThat(process.endsWithin(Duration.ofMinutes(4))).as("it ended").isTrue();
        }
        if (process.exitCode() == 0) {
          return null;
        }
        assertThat(process.exitCode()).as("exit code").isEqualTo(KILLED);
      }
    }

    /** Two of the processes are killed, another one stands still; returns whether it ended. */
    private boolean disturbOnce(
        JavaProcess process, int number, int starts, SplittableRandom random) throws Exception {
      if (starts > 0 || number == PROCESSES - 1) {
        return false;
      }
      if (process.endsWithin(Duration.ofMillis(100 + random.nextInt(300)))) {
        return true;
      }
      if (number == 0) {
        standStill(process, Duration.ofMillis(1_300 + random.nextInt(500)));
        return false;
      }
      kill(process);
      return true;
    }

    /** It stands still now and then, and is killed in the end, unless it ends before. */
    private boolean disturb(JavaProcess process, SplittableRandom random) throws Exception {
      while (!process.endsWithin(Duration.ofMillis(random.nextInt(1_500)))) {
        if (random.nextInt(3) == 0) {
          kill(process);
        } else {
          standStill(process, Duration.ofMillis(random.nextInt(2_500)));
        }
      }
      return true;
    }

    private void kill(JavaProcess process) throws InterruptedException {
      process.kill();
      kills.incrementAndGet();
    }

    private void standStill(JavaProcess process, Duration time) throws Exception {
      process.pause();
      pauses.incrementAndGet();
      process.endsWithin(time);
      process.resume();
    }

    private void hear(String line, CountDownLatch ready) {
      if (line.equals(ClaimingProcess.READY)) {
        ready.countDown();
      } else if (line.startsWith(ClaimingProcess.LATE)) {
        late.addAndGet(Long.parseLong(line.substring(ClaimingProcess.LATE.length())));
      } else if (line.startsWith(ClaimingProcess.FAILED)) {
        failures.add(line);
      }
    }

    private void inParallel(List<Callable<Void>> calls) throws Exception {
      for (Future<Void> done : threads.invokeAll(calls, 8, TimeUnit.MINUTES)) {
        done.get();
      }
    }

    @Override
    public void close() {
      started.forEach(JavaProcess::close);
      threads.shutdownNow();
    }
  }
}
