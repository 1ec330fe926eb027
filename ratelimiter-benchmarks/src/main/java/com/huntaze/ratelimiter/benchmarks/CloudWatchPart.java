package com.huntaze.ratelimiter.benchmarks;

import com.huntaze.ratelimiter.cloudwatch.CloudWatchMetricsSink;
import com.huntaze.ratelimiter.cloudwatch.EmfMetricsSink;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.Priority;
import java.io.OutputStream;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.HdrHistogram.Histogram;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;
import software.amazon.awssdk.services.cloudwatch.model.PutMetricDataRequest;
import software.amazon.awssdk.services.cloudwatch.model.PutMetricDataResponse;

/**
 * What a host pays for telling {@code messageQueued}, which is two values: beside {@link
 * MetricsSink#NOOP}, of which the time is that of the clock. The sinks flush every second
 * meanwhile.
 */
final class CloudWatchPart {
  private static final int ROUNDS = 5;
  private static final int[] THREADS = {1, 8};
  private static final double MEDIAN_NANOS = 1_000;
  private static final int LATENCIES = 1 << 16;
  private static final String NOOP = "NOOP";

  private final double seconds;
  private final Duration[] latencies = new Duration[LATENCIES];

  /** Answers at once. */
  private static final class Answering implements CloudWatchClient {
    @Override
    public PutMetricDataResponse putMetricData(PutMetricDataRequest request) {
      return PutMetricDataResponse.builder().build();
    }

    @Override
    public String serviceName() {
      return SERVICE_NAME;
    }

    @Override
    public void close() {}
  }

  private static final class Cost {
    final Samples median = new Samples();
    final Samples p99 = new Samples();
    final Samples mean = new Samples();
  }

  CloudWatchPart(double seconds) {
    this.seconds = seconds;
    for (int i = 0; i < LATENCIES; i++) {
      latencies[i] = Duration.ofNanos(1_000_000 + (i * 7_919L) % 50_000_000);
    }
  }

  void run() throws InterruptedException, ExecutionException {
    try (CloudWatchMetricsSink cloudWatch =
            CloudWatchMetricsSink.builder(new Answering())
                .environment("benchmark")
                .flushInterval(Duration.ofSeconds(1))
                .build();
        EmfMetricsSink emf =
            EmfMetricsSink.builder()
                .environment("benchmark")
                .flushInterval(Duration.ofSeconds(1))
                .output(OutputStream.nullOutputStream())
                .build()) {
      Map<String, MetricsSink> sinks = new LinkedHashMap<>();
      sinks.put(NOOP, MetricsSink.NOOP);
      sinks.put("CloudWatch", cloudWatch);
      sinks.put("EMF", emf);
      for (int threads : THREADS) {
        run(sinks, threads);
      }
    }
  }

  private void run(Map<String, MetricsSink> sinks, int threads)
      throws InterruptedException, ExecutionException {
    Map<String, Cost> costs = new LinkedHashMap<>();
    for (int round = 0; round <= ROUNDS; round++) {
      for (Map.Entry<String, MetricsSink> sink : sinks.entrySet()) {
        Histogram nanos = Load.run(call(sink.getValue(), threads), threads, seconds).nanos();
        Cost cost = costs.computeIfAbsent(sink.getKey(), any -> new Cost());
        if (round > 0) { // the first one warms up
          cost.median.add((double) nanos.getValueAtPercentile(50));
          cost.p99.add((double) nanos.getValueAtPercentile(99));
          cost.mean.add(nanos.getMean());
        }
      }
    }
    print(costs, threads);
  }

  private Load.Call call(MetricsSink sink, int threads) {
    int[] next = new int[threads * 16];
    return thread -> {
      sink.messageQueued(Priority.MEDIUM, latencies[next[thread * 16]++ & (LATENCIES - 1)]);
      return 1;
    };
  }

  private static void print(Map<String, Cost> costs, int threads) {
    Table table =
        Table.titled(
            "messageQueued, threads: " + threads,
            "sink",
            "median ns",
            "p99 ns",
            "mean ns",
            "median over NOOP",
            "p99 over NOOP");
    Cost noop = costs.getOrDefault(NOOP, new Cost());
    costs.forEach(
        (name, cost) ->
            table.row(
                name,
                cost.median.median(),
                cost.p99.median(),
                cost.mean.median(),
                cost.median.median() - noop.median.median(),
                cost.p99.median() - noop.p99.median()));
    Bars bars = new Bars("Metrics, threads: " + threads);
    for (Map.Entry<String, Cost> each : costs.entrySet()) {
      if (!each.getKey().equals(NOOP)) {
        bars.atMost(
            each.getKey() + ", median ns over NOOP",
            MEDIAN_NANOS,
            each.getValue().median.median() - noop.median.median());
      }
    }
  }
}
