package com.huntaze.ratelimiter.jdbc;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * A process that makes a call for each of some messages unless another one does, as deliverers
 * would: from two threads a database, over all messages several times and in an order of its own.
 * Some calls do not deliver, and are made again by whoever comes next.
 */
final class BeginningProcess {
  /** Followed by the database's number and the message whose call is made. */
  static final String CALLED = "called ";

  static final String FAILED = "failed ";

  private static final Duration LEASE = Duration.ofMinutes(5);
  private static final int THREADS = 2;
  private static final int ROUNDS = 3;

  private BeginningProcess() {}

  /** The arguments: how many messages, the seed, and the databases' URLs. */
  public static void main(String[] args) throws Exception {
    int messages = Integer.parseInt(args[0]);
    Random random = new Random(Long.parseLong(args[1]));
    List<Thread> threads = new ArrayList<>();
    for (int database = 0; database < args.length - 2; database++) {
      for (int i = 0; i < THREADS; i++) {
        JdbcSentLog log =
            JdbcSentLog.builder(KeptConnection.to(args[database + 2]).dataSource()).build();
        log.notSent(new SentLog.Claim("none", 0, "none")); // connected, and its classes loaded
        String holder = random.nextLong() + "";
        String prefix = CALLED + database + " ";
        List<String> ids = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
          List<String> shuffled = new ArrayList<>();
          for (int message = 0; message < messages; message++) {
            shuffled.add("m" + message);
          }
          Collections.shuffle(shuffled, random);
          ids.addAll(shuffled);
        }
        Random own = new Random(random.nextLong());
        threads.add(new Thread(() -> deliver(log, holder, ids, prefix, own)));
      }
    }
    say(ClaimingProcess.READY);
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    if (!ClaimingProcess.GO.equals(input.readLine())) {
      return;
    }
    ClaimingProcess.endWith(input);
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
  }

  private static void deliver(
      SentLog log, String holder, List<String> ids, String prefix, Random random) {
    int number = 0;
    try {
      for (String id : ids) {
        SentLog.Claim claim = new SentLog.Claim(id, 0, holder + "-" + number++);
        if (log.begin(claim, LEASE, InDoubtPolicy.HOLD) == SentLog.Begin.STARTED) {
          if (random.nextInt(4) == 0) {
            log.notSent(claim);
          } else {
            say(prefix + id);
            log.sent(id);
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
