package com.huntaze.ratelimiter.examples;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.SendResult;
import com.huntaze.ratelimiter.SendStatus;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.jdbc.JdbcFallbackStore;
import com.huntaze.ratelimiter.jdbc.JdbcSentLog;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import com.huntaze.ratelimiter.testkit.TcpProxy;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import redis.clients.jedis.RedisClient;
import software.amazon.awssdk.services.sqs.SqsClient;

/**
 * The same over a real SQS protocol, Redis and PostgreSQL, with two dispatcher processes that share
 * one limit; in the middle SQS is taken away for a while.
 */
final class FleetQuickstart {
  private static final int FIRST = 15;
  private static final int GOOD = 25;
  private static final Duration OUTAGE = Duration.ofSeconds(3);

  private final Screen screen;
  private final FakeOnlyFansApi api;
  private final RateLimit limit;

  FleetQuickstart(Screen screen, FakeOnlyFansApi api, RateLimit limit) {
    this.screen = screen;
    this.api = api;
    this.limit = limit;
  }

  Verdict run() throws IOException, InterruptedException {
    screen.say("Topology fleet: SQS (ElasticMQ), Redis and PostgreSQL, two dispatcher processes.");
    screen.say("");
    try (LocalSqs sqs = LocalSqs.start();
        LocalRedis redis = LocalRedis.start();
        LocalPostgres postgres = LocalPostgres.start();
        TcpProxy wire = TcpProxy.to(sqs.address());
        RedisClient jedis = RedisClient.create(redis.uri())) {
      screen.event("services are up");
      String queue = sqs.createQueueWithDeadLetters("quickstart", 1_000).url();
      URI endpoint = URI.create("http://127.0.0.1:" + wire.port());
      JdbcFallbackStore store = JdbcFallbackStore.builder(postgres.dataSource()).build();
      store.createSchema();
      JdbcSentLog.builder(postgres.dataSource()).build().createSchema();
      var fleet =
          new DispatcherProcess.Wiring(
              endpoint,
              queue,
              redis.uri(),
              postgres.jdbcUrl(),
              api.baseUri(),
              limit,
              Duration.ofSeconds(30));
      try (SqsClient client = sqs.newClient(endpoint);
          Fleet dispatchers = Fleet.start(2, fleet)) {
        screen.event("%d dispatchers are up", dispatchers.size());
        return send(
            RateLimitedOnlyFansClient.builder()
                .sink(SqsMessageSink.builder(client).queue(queue).build())
                .tokenBucket(
                    RedisTokenBucket.builder(jedis)
                        .limit(limit)
                        .coldStart(RedisTokenBucket.ColdStart.EMPTY)
                        .build())
                .fallbackStore(store)
                .build(),
            wire);
      }
    }
  }

  private Verdict send(RateLimitedOnlyFansClient client, TcpProxy wire) {
    List<SendResult> results = new ArrayList<>();
    try (client) {
      sendAll(client, SampleMessages.good(0, FIRST), results);
      sendAll(client, SampleMessages.bad(), results);
      screen.watch(client, api, Math.min(FIRST, limit.permits()), Duration.ofSeconds(30));

      screen.event("SQS is taken away");
      wire.cut();
      long back = System.nanoTime() + OUTAGE.toNanos();
      sendAll(client, SampleMessages.good(FIRST, GOOD), results);
      while (System.nanoTime() < back) {
        screen.watch(client, api, GOOD, Duration.ofSeconds(1));
      }
      wire.restore();
      screen.event("SQS is back");

      screen.watch(client, api, GOOD, limit.idealSpan(GOOD).plusSeconds(30));
      long replayed =
          client.queueStatus().fallback().map(f -> f.count(StoredStatus.QUEUED)).orElse(0L);
      Verdict verdict = new Verdict(api, limit, results, GOOD, SampleMessages.bad().size());
      long stored = results.stream().filter(result -> result.status() == SendStatus.STORED).count();
      verdict.line("stored while SQS was away " + stored + ", replayed " + replayed);
      verdict.check(stored == GOOD - FIRST, "stored " + stored + " while SQS was away");
      verdict.check(replayed == stored, "replayed " + replayed + " of " + stored);
      return verdict;
    }
  }

  private void sendAll(
      RateLimitedOnlyFansClient client, List<OnlyFansMessage> messages, List<SendResult> results) {
    for (OnlyFansMessage message : messages) {
      SendResult result = client.send(message);
      results.add(result);
      if (result.status() != SendStatus.QUEUED) {
        screen.event("%s %s: %s", result.messageId(), result.status(), result.error().orElse(""));
      }
    }
  }
}
