package com.huntaze.ratelimiter.benchmarks;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Acquires a second in one process: {@link MemoryBenchmark} under JMH, at one and two threads.
 *
 * <p>Every round measures every contestant in a fresh JVM, so that a slow minute of the machine
 * hits them all.
 */
final class MemoryPart {
  private static final int ROUNDS = 3;
  private static final int ITERATIONS = 2;
  private static final int[] THREADS = {1, 2};
  private static final List<Class<? extends MemoryBenchmark>> CASES =
      List.of(GrantingBenchmark.class, RefusingBenchmark.class);
  private static final String OURS = "oursWithoutIds";
  private static final String OURS_WITH_IDS = "oursWithIds";
  private static final List<String> PEERS =
      List.of("bucket4j", "guava", "resilience4j", "failsafe");

  private final TimeValue time;
  private final Map<String, Samples> samples = new TreeMap<>();

  MemoryPart(double seconds) {
    this.time = TimeValue.milliseconds(Math.round(seconds * 1_000));
  }

  void run() throws RunnerException {
    for (int round = 0; round < ROUNDS; round++) {
      for (int threads : THREADS) {
        measure(threads);
      }
    }
    for (Class<?> benchmark : CASES) {
      for (int threads : THREADS) {
        printThroughput(benchmark, threads);
      }
    }
    printBars();
  }

  private void measure(int threads) throws RunnerException {
    OptionsBuilder options = new OptionsBuilder();
    CASES.forEach(benchmark -> options.include(benchmark.getSimpleName()));
    options
        .threads(threads)
        .forks(1)
        .warmupIterations(1)
        .warmupTime(time)
        .measurementIterations(ITERATIONS)
        .measurementTime(time)
        .verbosity(VerboseMode.SILENT)
        .shouldFailOnError(true);
    Collection<RunResult> results = new Runner(options.build()).run();
    for (RunResult result : results) {
      String key = key(result.getParams().getBenchmark(), threads);
      result.getBenchmarkResults().stream()
          .flatMap(fork -> fork.getIterationResults().stream())
          .map(IterationResult::getPrimaryResult)
          .forEach(
              iteration ->
                  samples
                      .computeIfAbsent(key, unused -> new Samples())
                      .add(iteration.getScore() / 1e6));
    }
  }

  private void printThroughput(Class<?> benchmark, int threads) {
    Table table =
        Table.titled(
            benchmark.getSimpleName() + ", threads: " + threads,
            "limiter",
            "best M/s",
            "median M/s",
            "spread",
            "ours without ids / it");
    Samples ours = samples(benchmark, OURS, threads);
    List<String> limiters = new ArrayList<>(List.of(OURS, OURS_WITH_IDS));
    limiters.addAll(PEERS);
    for (String limiter : limiters) {
      Samples it = samples(benchmark, limiter, threads);
      table.row(limiter, it.best(), it.median(), it.spread(), ours.best() / it.best());
    }
  }

  private void printBars() {
    Bars bars = new Bars("In memory, ours against the fastest peer");
    for (Class<?> benchmark : CASES) {
      for (int threads : THREADS) {
        Samples peer =
            PEERS.stream()
                .map(name -> samples(benchmark, name, threads))
                .max(Comparator.comparingDouble(Samples::best))
                .orElseThrow();
        String where = benchmark.getSimpleName() + ", threads: " + threads;
        bars.atLeast(
            where + ", without ids",
            threads == 1 ? 1 : 0.75,
            samples(benchmark, OURS, threads),
            peer);
        bars.atLeast(where + ", with ids", 0.5, samples(benchmark, OURS_WITH_IDS, threads), peer);
      }
    }
  }

  private Samples samples(Class<?> benchmark, String limiter, int threads) {
    return requireNonNull(samples.get(key(benchmark.getName() + "." + limiter, threads)));
  }

  private static String key(String method, int threads) {
    return method + "/" + threads;
  }
}
