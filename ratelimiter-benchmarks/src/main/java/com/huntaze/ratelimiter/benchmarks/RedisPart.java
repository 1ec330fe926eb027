package com.huntaze.ratelimiter.benchmarks;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.HdrHistogram.Histogram;

/**
 * Decisions a second on one hot key of a real Redis, always granting, through as many connections
 * as there are threads.
 *
 * <p>Each round gives every contestant a second on an empty Redis, in an order that moves on from
 * round to round; a bare {@code PING} through the same pool is one of them. Every grant is checked.
 */
final class RedisPart {
  private static final int ROUNDS = 5;
  private static final int[] THREADS = {1, 4, 16, 64};
  private static final int BATCH = 10;

  /** Never reached, and what it counts is gone after a second, so that memory stays bounded. */
  private static final RateLimit WIDE = RateLimit.rolling(1_000_000, Duration.ofSeconds(1));

  private static final String PING = "PING";
  private static final String OURS = "ours, one by one";
  private static final String OURS_BATCH = "ours, ten a round trip";
  private static final String OURS_SCOPES = "ours, three scopes";
  private static final String BUCKET4J = "Bucket4j-jedis";
  private static final String REDISSON = "Redisson";
  private static final String GATEWAY = "token bucket as in Spring Cloud Gateway";

  private final double seconds;

  RedisPart(double seconds) {
    this.seconds = seconds;
  }

  /** What a contestant did in all rounds at one number of threads. */
  private static final class Tally {
    private final Samples throughput = new Samples();
    private final Samples serverMicros = new Samples();
    private final Histogram nanos = new Histogram(3);

    private double micros(double percentile) {
      return nanos.getValueAtPercentile(percentile) / 1e3;
    }
  }

  void run() throws InterruptedException, ExecutionException {
    try (MeasuredRedis redis = MeasuredRedis.start()) {
      System.out.printf("%nRedis %s, on the same machine.%n", redis.version());
      RedisLimiters limiters = new RedisLimiters(redis);
      Map<String, Function<String, Load.Call>> contestants = contestants(redis, limiters);
      round(redis, contestants, THREADS[THREADS.length - 1], 0); // Warms up and connects.
      Map<Integer, Map<String, Tally>> tallies = new LinkedHashMap<>();
      for (int threads : THREADS) {
        Map<String, Tally> byName = new LinkedHashMap<>();
        contestants.keySet().forEach(name -> byName.put(name, new Tally()));
        for (int round = 0; round < ROUNDS; round++) {
          round(redis, contestants, threads, round)
              .forEach((name, result) -> add(requireNonNull(byName.get(name)), result));
        }
        print(threads, byName);
        tallies.put(threads, byName);
      }
      printBars(tallies);
      new BookingCost(redis, limiters).run();
    }
  }

  /** By name, how to start anew under a key. */
  private static Map<String, Function<String, Load.Call>> contestants(
      MeasuredRedis redis, RedisLimiters limiters) {
    Map<String, Function<String, Load.Call>> contestants = new LinkedHashMap<>();
    contestants.put(PING, key -> one(() -> redis.jedis().ping().equals("PONG")));
    contestants.put(OURS, key -> one(limiters.ours(key, WIDE)));
    contestants.put(
        OURS_BATCH,
        key -> {
          TokenBucket bucket = limiters.bucket(key, WIDE);
          return thread ->
              granted(
                  bucket.tryAcquireAll(
                      IntStream.range(0, BATCH)
                          .mapToObj(i -> PermitRequest.of(limiters.nextId()))
                          .toList()));
        });
    contestants.put(
        OURS_SCOPES,
        key -> {
          TokenBucket bucket = limiters.bucket(key, WIDE);
          return thread ->
              granted(
                  List.of(
                      bucket.tryAcquire(
                          PermitRequest.of(
                              limiters.nextId(),
                              Scope.creator("creator-" + thread),
                              Scope.recipient("recipient-" + thread)))));
        });
    contestants.put(BUCKET4J, key -> one(limiters.bucket4j(key, WIDE)));
    contestants.put(REDISSON, key -> one(limiters.redisson(key, WIDE)));
    contestants.put(GATEWAY, key -> one(limiters.gateway(key, WIDE.permits())));
    return contestants;
  }

  private static Load.Call one(BooleanSupplier granted) {
    return thread -> {
      if (!granted.getAsBoolean()) {
        throw new IllegalStateException("refused");
      }
      return 1;
    };
  }

  private static int granted(List<Permit> permits) {
    if (!permits.stream().allMatch(Permit.Granted.class::isInstance)) {
      throw new IllegalStateException("refused: " + permits);
    }
    return permits.size();
  }

  private record RoundResult(Load.Result load, MeasuredRedis.ServerTime serverTime) {}

  private Map<String, RoundResult> round(
      MeasuredRedis redis,
      Map<String, Function<String, Load.Call>> contestants,
      int threads,
      int round)
      throws InterruptedException, ExecutionException {
    List<String> order = new ArrayList<>(contestants.keySet());
    Collections.rotate(order, round);
    Map<String, RoundResult> results = new LinkedHashMap<>();
    for (String name : order) {
      redis.reset();
      Load.Call call = requireNonNull(contestants.get(name)).apply("hot-" + threads + "-" + round);
      Load.Result load = Load.run(call, threads, seconds);
      results.put(name, new RoundResult(load, redis.serverTime()));
    }
    return results;
  }

  private static void add(Tally tally, RoundResult result) {
    tally.throughput.add(result.load.throughput());
    tally.serverMicros.add((double) result.serverTime.micros() / result.load.decisions());
    tally.nanos.add(result.load.nanos());
  }

  private static void print(int threads, Map<String, Tally> tallies) {
    Table table =
        Table.titled(
            "Redis, threads: " + threads,
            "contestant",
            "best decisions/s",
            "median decisions/s",
            "of PING",
            "p50 µs a call",
            "p99 µs",
            "p99.9 µs",
            "server µs a decision");
    Tally ping = requireNonNull(tallies.get(PING));
    tallies.forEach(
        (name, tally) ->
            table.row(
                name,
                tally.throughput.best(),
                tally.throughput.median(),
                tally.throughput.best() / ping.throughput.best(),
                tally.micros(50),
                tally.micros(99),
                tally.micros(99.9),
                tally.serverMicros.median()));
    System.out.printf(
        "%nNoise: PING's rounds lie %.0f %% of their median apart. Server time is what Redis counted for"
            + " PING, EVAL and EVALSHA; Bucket4j's reads come on top.%n",
        100 * ping.throughput.spread());
  }

  private static void printBars(Map<Integer, Map<String, Tally>> tallies) {
    Bars bars = new Bars("On Redis");
    Samples ours = throughput(tallies, 4, OURS);
    bars.atLeast("PING, 4 threads", 0.5, ours, throughput(tallies, 4, PING));
    bars.atMost(
        "server µs a grant, 4 threads",
        20,
        requireNonNull(requireNonNull(tallies.get(4)).get(OURS)).serverMicros.median());
    Map<Integer, Double> bucket4j = new LinkedHashMap<>();
    bucket4j.put(4, 2.2);
    bucket4j.put(16, 4.0);
    bucket4j.put(64, 10.0);
    bucket4j.forEach(
        (threads, asked) ->
            bars.atLeast(
                "Bucket4j, " + threads + " threads",
                asked,
                throughput(tallies, threads, OURS),
                throughput(tallies, threads, BUCKET4J)));
    for (int threads : THREADS) {
      Samples redisson = throughput(tallies, threads, REDISSON);
      bars.atLeast(
          "Redisson, threads: " + threads, 1.2, throughput(tallies, threads, OURS), redisson);
      bars.atLeast(
          "Redisson, threads: " + threads + ", ours ten a round trip",
          5,
          throughput(tallies, threads, OURS_BATCH),
          redisson);
    }
    bars.atLeast(
        "ten a round trip against one by one, 4 threads",
        4,
        throughput(tallies, 4, OURS_BATCH),
        ours);
    bars.atLeast(
        "three scopes against one, 4 threads", 0.6, throughput(tallies, 4, OURS_SCOPES), ours);
  }

  private static Samples throughput(
      Map<Integer, Map<String, Tally>> tallies, int threads, String name) {
    return requireNonNull(requireNonNull(tallies.get(threads)).get(name)).throughput;
  }
}
