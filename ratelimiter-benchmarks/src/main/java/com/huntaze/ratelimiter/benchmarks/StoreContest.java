package com.huntaze.ratelimiter.benchmarks;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.benchmarks.MeasuredStore.Running;
import com.huntaze.ratelimiter.benchmarks.MeasuredStore.Work;
import java.sql.SQLException;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The fallback store and its peers on one database server: storing, working off what is stored, and
 * both at once. Each has a database and a pool of its own, and finds it empty at every turn.
 */
final class StoreContest {
  private static final int ROUNDS = 3;
  private static final int THREADS = 8;

  /** Stored beforehand to be worked off, in a run whose measurements take a second. */
  private static final int BACKLOG = 20_000;

  /** Stored and worked off at the same time, in such a run. */
  private static final int PASSING = 5_000;

  private static final int PATIENCE_MINUTES = 3;
  private static final double ASKED = 3;

  private static final String OURS = "ours";
  private static final String AGAIN = ", again";

  /** How ours claims; the last way takes part twice. */
  private static final List<Claims> CLAIMS =
      List.of(
          new Claims(10, 1),
          new Claims(100, 1),
          new Claims(500, 1),
          new Claims(10, 2),
          new Claims(100, 2),
          new Claims(500, 2));

  private final MeasuredDatabase database;
  private final double seconds;
  private final StoredSamples samples = new StoredSamples();
  private final Map<String, Peer> peers = new LinkedHashMap<>();

  StoreContest(MeasuredDatabase database, double seconds) {
    this.database = database;
    this.seconds = seconds;
  }

  private record Peer(MeasuredStore store, Work work) {}

  private record Claims(int max, int claimers) {
    private String title() {
      return OURS + ", claims of " + max + ", claimers: " + claimers;
    }
  }

  void run() throws Exception {
    describe();
    try (OurStore ours = new OurStore(database, samples)) {
      OutboxStore outbox = new OutboxStore(database, samples);
      peers.put("gruelbox transaction-outbox", new Peer(outbox, outbox::work));
      for (SchedulerStore.Polling polling : SchedulerStore.Polling.on(database.kind())) {
        SchedulerStore scheduler = new SchedulerStore(database, samples, polling);
        peers.put("db-scheduler, " + polling.title(), new Peer(scheduler, scheduler::work));
      }
      run(ours);
    } finally {
      peers.values().forEach(peer -> peer.store.close());
    }
  }

  private void describe() throws SQLException {
    System.out.printf(
        "%n%s, on the same machine. Each contestant has a database of its own, a pool of %d"
            + " connections at READ COMMITTED, and messages whose JSON has %d bytes; ours, which"
            + " keeps the order of each creator's, gets %d creators. Tables are emptied before each"
            + " turn, and analyzed before a backlog is worked off. Tasks do nothing.%n",
        database.description(),
        MeasuredDatabase.CONNECTIONS,
        samples.bytes(),
        StoredSamples.CREATORS);
    System.out.printf(
        "%ngruelbox transaction-outbox: autocommit off; no bean validation. A backlog is flushed by"
            + " %d threads, %d at a time, and processed by %d; end to end, these get each message as"
            + " its transaction commits.%n",
        OutboxStore.FLUSHERS, OutboxStore.FLUSH_BATCH, OutboxStore.WORKERS);
    System.out.printf(
        "%ndb-scheduler: scheduleIfNotExists, scheduleBatch; data as raw bytes, no priorities, %d"
            + " threads, immediate execution, and a look every %d ms besides.%n",
        SchedulerStore.WORKERS, SchedulerStore.POLLING.toMillis());
  }

  private void run(OurStore ours) throws Exception {
    Map<String, Samples> ones =
        measure("messages stored, one a transaction, threads: " + THREADS, storing(ours, 1));
    Map<String, Samples> tens =
        measure(
            "messages stored, ten a transaction, threads: " + THREADS,
            storing(ours, MeasuredStore.TEN));
    Map<String, Samples> backlog =
        measure("messages of a backlog of " + backlog(1) + " completed", backlogs(ours));
    Map<String, Samples> passing =
        measure("messages stored one a transaction and completed", passing(ours, 1));
    Map<String, Samples> passingTens =
        measure(
            "messages stored ten a transaction and completed", passing(ours, MeasuredStore.TEN));

    Bars bars = new Bars("Fallback store on " + title() + ", of the better peer");
    atLeast(bars, "storing, one a transaction", OURS, ones);
    atLeast(bars, "storing, ten a transaction", OURS, tens);
    for (Claims claims : CLAIMS) {
      atLeast(bars, "completing a backlog, " + claims.title(), claims.title(), backlog);
    }
    atLeast(bars, "end to end, one a transaction", OURS, passing);
    atLeast(bars, "end to end, ten a transaction", OURS, passingTens);
  }

  private Contest storing(OurStore ours, int together) {
    Contest contest = new Contest();
    contest.add(OURS, share -> stored(ours, together, share));
    contest.add(OURS + AGAIN, share -> stored(ours, together, share));
    peers.forEach((name, peer) -> contest.add(name, share -> stored(peer.store, together, share)));
    return contest;
  }

  private Contest backlogs(OurStore ours) {
    Contest contest = new Contest();
    for (Claims claims : CLAIMS) {
      contest.add(claims.title(), share -> worked(ours, claiming(ours, claims), share));
    }
    Claims last = CLAIMS.get(CLAIMS.size() - 1);
    contest.add(last.title() + AGAIN, share -> worked(ours, claiming(ours, last), share));
    peers.forEach((name, peer) -> contest.add(name, share -> worked(peer.store, peer.work, share)));
    return contest;
  }

  private Contest passing(OurStore ours, int together) {
    Work work = ours.claiming(500, 2);
    Contest contest = new Contest();
    contest.add(OURS, share -> passed(ours, work, together, share));
    contest.add(OURS + AGAIN, share -> passed(ours, work, together, share));
    peers.forEach(
        (name, peer) -> contest.add(name, share -> passed(peer.store, peer.work, together, share)));
    return contest;
  }

  private static Work claiming(OurStore ours, Claims claims) {
    return ours.claiming(claims.max, claims.claimers);
  }

  private double stored(MeasuredStore store, int together, double share) throws Exception {
    database.empty(store.pool());
    return Load.run(thread -> store(store, together), THREADS, share * seconds).throughput();
  }

  private static int store(MeasuredStore store, int together) {
    if (together == 1) {
      store.storeOne();
    } else {
      store.storeTen();
    }
    return together;
  }

  private double worked(MeasuredStore store, Work work, double share) throws Exception {
    database.empty(store.pool());
    int messages = backlog(share);
    store(store, messages, MeasuredStore.TEN);
    database.analyze(store.pool());
    expectWaiting(store, messages);
    CountDownLatch done = new CountDownLatch(messages);
    long start = System.nanoTime();
    Running running = work.start(done);
    double seconds = secondsUntil(done, start, running);
    expectWaiting(store, 0);
    return messages / seconds;
  }

  private double passed(MeasuredStore store, Work work, int together, double share)
      throws Exception {
    database.empty(store.pool());
    int messages = tens(PASSING * share * seconds);
    CountDownLatch done = new CountDownLatch(messages);
    Running running = work.start(done);
    long start = System.nanoTime();
    store(store, messages, together);
    double seconds = secondsUntil(done, start, running);
    expectWaiting(store, 0);
    return messages / seconds;
  }

  private int backlog(double share) {
    return tens(BACKLOG * share * seconds);
  }

  private static int tens(double number) {
    return Math.max(1, (int) (number / MeasuredStore.TEN)) * MeasuredStore.TEN;
  }

  /** Stores so many messages by several threads. */
  private static void store(MeasuredStore store, int messages, int together)
      throws InterruptedException, ExecutionException {
    AtomicInteger left = new AtomicInteger(messages);
    Callable<Boolean> share =
        () -> {
          while (left.getAndAdd(-together) > 0) {
            store(store, together);
          }
          return true;
        };
    ExecutorService executor = Workers.executor("storing", THREADS);
    try {
      for (Future<Boolean> each : executor.invokeAll(Collections.nCopies(THREADS, share))) {
        each.get();
      }
    } finally {
      executor.shutdown();
    }
  }

  /** Closes what runs, which takes no part in the time. */
  private static double secondsUntil(CountDownLatch done, long start, Running running)
      throws InterruptedException {
    try (running) {
      if (!done.await(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
        throw new IllegalStateException(done.getCount() + " messages were not completed in time");
      }
      return (System.nanoTime() - start) / 1e9;
    }
  }

  private static void expectWaiting(MeasuredStore store, long expected) throws SQLException {
    long waiting = store.waiting();
    if (waiting != expected) {
      throw new IllegalStateException(waiting + " messages wait, " + expected + " should");
    }
  }

  private Map<String, Samples> measure(String what, Contest contest) throws Exception {
    Map<String, Samples> all = contest.run(ROUNDS);
    Samples peer = better(all);
    Table table =
        Table.titled(
            title() + ", " + what,
            "contestant",
            "best a second",
            "median",
            "of the better peer",
            "rounds apart, %");
    all.forEach(
        (name, rates) ->
            table.row(
                name,
                rates.best(),
                rates.median(),
                rates.best() / peer.best(),
                100 * rates.spread()));
    return all;
  }

  private void atLeast(Bars bars, String what, String ours, Map<String, Samples> all) {
    bars.atLeast(what, ASKED, requireNonNull(all.get(ours)), better(all));
  }

  /** The peer with the best round. */
  private Samples better(Map<String, Samples> all) {
    return peers.keySet().stream()
        .map(name -> requireNonNull(all.get(name)))
        .max(Comparator.comparing(Samples::best))
        .orElseThrow();
  }

  private String title() {
    return database.kind().title();
  }
}
