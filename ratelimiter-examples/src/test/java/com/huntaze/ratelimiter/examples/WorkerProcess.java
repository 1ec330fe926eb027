package com.huntaze.ratelimiter.examples;

import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.delivery.HttpOnlyFansGateway;
import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.jdbc.JdbcSentLog;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import com.huntaze.ratelimiter.testkit.FaultySqs;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import redis.clients.jedis.RedisClient;
import software.amazon.awssdk.services.sqs.SqsClient;

/**
 * One worker of the workflow queue as a process of its own. It stops between permit and call now
 * and then, if it is told to: it says so on standard output, and goes on at the next line of its
 * input. It ends, finishing what is in hand, when its input does.
 */
final class WorkerProcess {
  static final String READY = "worker: ready";

  /** The line it prints when it has a permit and the sent-log's leave, and waits. */
  static final String PAUSED = "worker: paused";

  private WorkerProcess() {}

  /** Where everything is; handed over as arguments. */
  record Wiring(
      URI sqs,
      String queue,
      URI redis,
      String jdbcUrl,
      URI api,
      RateLimit limit,
      Duration guard,
      int pauseEach) {
    List<String> toArgs() {
      return List.of(
          sqs.toString(),
          queue,
          redis.toString(),
          jdbcUrl,
          api.toString(),
          limit.toString(),
          guard.toString(),
          Integer.toString(pauseEach));
    }

    static Wiring fromArgs(String[] args) {
      return new Wiring(
          URI.create(args[0]),
          args[1],
          URI.create(args[2]),
          args[3],
          URI.create(args[4]),
          RateLimit.parse(args[5]),
          Duration.parse(args[6]),
          Integer.parseInt(args[7]));
    }
  }

  public static void main(String[] args) throws IOException {
    Wiring wiring = Wiring.fromArgs(args);
    HikariConfig database = new HikariConfig();
    database.setJdbcUrl(wiring.jdbcUrl());
    Semaphore lines = new Semaphore(0);
    try (HikariDataSource dataSource = new HikariDataSource(database);
        RedisClient jedis = RedisClient.create(wiring.redis());
        SqsClient sqs = FaultySqs.newClient(wiring.sqs(), Duration.ofSeconds(5));
        Dispatcher worker =
            Dispatcher.builder(
                    SqsMessageSource.builder(sqs)
                        .queue(wiring.queue())
                        .visibility(Pipeline.WORKFLOW_VISIBILITY)
                        .build(),
                    RedisTokenBucket.builder(jedis)
                        .limit(wiring.limit())
                        .guard(wiring.guard())
                        .coldStart(RedisTokenBucket.ColdStart.CLOSED)
                        .build(),
                    HttpOnlyFansGateway.builder(wiring.api()).build())
                .callTimeout(Pipeline.CALL_TIMEOUT)
                // Alone where it stands still: a call under way beside it would arrive late, too.
                .concurrency(wiring.pauseEach() > 0 ? 1 : 10)
                .freshness(wiring.guard())
                .firstRetry(Duration.ofMillis(100))
                .pollWait(Duration.ofSeconds(1))
                .sentLog(
                    new PausingLog(
                        JdbcSentLog.builder(dataSource).build(),
                        wiring.pauseEach(),
                        new AtomicInteger(),
                        lines))
                .build()) {
      worker.start();
      say(READY);
      for (int read = System.in.read(); read >= 0; read = System.in.read()) {
        lines.release(read == '\n' ? 1 : 0);
      }
    }
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  /** Stops at every so manieth begin, after the log has said that the call may be made. */
  private record PausingLog(SentLog log, int each, AtomicInteger begun, Semaphore goOn)
      implements SentLog {
    @Override
    public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
      Begin begin = log.begin(claim, lease, inDoubt);
      if (begin == Begin.STARTED && each > 0 && begun.incrementAndGet() % each == 0) {
        say(PAUSED);
        goOn.acquireUninterruptibly();
      }
      return begin;
    }

    @Override
    public void sent(String messageId) {
      log.sent(messageId);
    }

    @Override
    public void notSent(Claim claim) {
      log.notSent(claim);
    }
  }
}
