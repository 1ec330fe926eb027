package com.huntaze.ratelimiter.jdbc;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.huntaze.ratelimiter.fallback.StoredMessage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * A process that claims stored messages and records them as replayed, from two threads a database
 * and on one connection each, until none waits. Between the two it takes a little time, as a queue
 * would.
 */
final class ClaimingProcess {
  static final String READY = "ready";
  static final String GO = "go";

  /** Followed by how many messages of a claim were somebody else's when it came to record them. */
  static final String LATE = "late ";

  /** Followed by what a claimer ended with, before its work was done. */
  static final String FAILED = "failed ";

  private static final int CLAIMERS = 2;
  private static final int MOST = 10;
  private static final Duration IDLE = Duration.ofMillis(20);

  private final Duration lease;
  private final long holdNanos;

  private ClaimingProcess(Duration lease, Duration hold) {
    this.lease = lease;
    this.holdNanos = hold.toNanos();
  }

  static List<String> arguments(Duration lease, Duration hold, long seed, List<String> jdbcUrls) {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of(lease.toString(), hold.toString(), Long.toString(seed)));
    arguments.addAll(jdbcUrls);
    return arguments;
  }

  public static void main(String[] args) throws Exception {
    ClaimingProcess process = new ClaimingProcess(Duration.parse(args[0]), Duration.parse(args[1]));
    SplittableRandom random = new SplittableRandom(Long.parseLong(args[2]));
    List<Thread> claimers = new ArrayList<>();
    for (String jdbcUrl : List.of(args).subList(3, args.length)) {
      for (int i = 0; i < CLAIMERS; i++) {
        JdbcFallbackStore store =
            JdbcFallbackStore.builder(KeptConnection.to(jdbcUrl).dataSource()).build();
        store.backlog(); // connected, and its classes loaded, before anyone begins
        SplittableRandom own = random.split();
        claimers.add(new Thread(() -> process.claimUntilNoneWaits(store, own), "claimer"));
      }
    }
    say(READY);
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    if (!GO.equals(input.readLine())) {
      return;
    }
    endWith(input);
    claimers.forEach(Thread::start);
    for (Thread claimer : claimers) {
      claimer.join();
    }
  }

  /** Ends the process when whoever started it is gone. */
  static void endWith(BufferedReader input) {
    Thread watch =
        new Thread(
            () -> {
              try {
                while (input.readLine() != null) {
                  // nothing more is said
                }
              } catch (IOException e) {
                // as good as the end
              }
              Runtime.getRuntime().halt(2);
            },
            "input");
    watch.setDaemon(true);
    watch.start();
  }

  private void claimUntilNoneWaits(JdbcFallbackStore store, SplittableRandom random) {
    try {
      boolean waiting = true;
      while (waiting) {
        List<StoredMessage> claimed = store.claim(1 + random.nextInt(MOST), lease);
        if (claimed.isEmpty()) {
          LockSupport.parkNanos(IDLE.toNanos());
          waiting = store.backlog().waiting() > 0;
        } else {
          LockSupport.parkNanos(1 + random.nextLong(2 * holdNanos));
          int late = claimed.size() - store.replayed(claimed);
          if (late > 0) {
            say(LATE + late);
          }
        }
      }
    } catch (RuntimeException e) {
      say(FAILED + e);
    }
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }
}
