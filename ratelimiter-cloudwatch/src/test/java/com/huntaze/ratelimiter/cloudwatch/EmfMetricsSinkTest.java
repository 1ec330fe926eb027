package com.huntaze.ratelimiter.cloudwatch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.testkit.ManualTime;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class EmfMetricsSinkTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ManualTime time = new ManualTime();
  private final ByteArrayOutputStream output = new ByteArrayOutputStream();

  private EmfMetricsSink sink(OutputStream output) {
    return EmfMetricsSink.builder()
        .environment("test")
        .flushInterval(Duration.ZERO)
        .clock(time)
        .output(output)
        .build();
  }

  private List<JsonNode> lines() throws JsonProcessingException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : output.toString(UTF_8).lines().toList()) {
      assertThat(line.getBytes(UTF_8)).hasSizeLessThan(256 * 1_024);
      lines.add(JSON.readTree(line));
    }
    return lines;
  }

  @Test
  void what_has_no_priority_is_one_line_in_cloudwatchs_format() {
    EmfMetricsSink sink = sink(output);
    sink.queueDepth(7);
    sink.limiterClosed();
    sink.limiterClosed();
    sink.flush();

    assertThat(output.toString(UTF_8))
        .isEqualTo(
            "{\"_aws\":{\"Timestamp\":1767225600000,\"CloudWatchMetrics\":[{\"Namespace\":"
                + "\"Huntaze/OnlyFans\",\"Dimensions\":[[\"Environment\"]],\"Metrics\":["
                + "{\"Name\":\"QueueDepth\",\"Unit\":\"Count\"},"
                + "{\"Name\":\"LimiterClosed\",\"Unit\":\"Count\"}]}]},"
                + "\"Environment\":\"test\",\"QueueDepth\":7.0,\"LimiterClosed\":"
                + "{\"Values\":[1.0],\"Counts\":[2],\"Max\":1.0,\"Min\":1.0,\"Count\":2,\"Sum\":2.0}"
                + "}\n");
  }

  @Test
  void a_priority_has_a_line_and_counts_under_both_sets_of_dimensions() throws IOException {
    EmfMetricsSink sink = sink(output);
    sink.messageStored(Priority.HIGH);
    sink.messageStored(Priority.LOW);
    sink.flush();

    assertThat(lines()).hasSize(2);
    JsonNode high = lines().get(0);
    assertThat(high.path("_aws").path("CloudWatchMetrics").path(0).path("Dimensions").toString())
        .isEqualTo("[[\"Environment\"],[\"Environment\",\"Priority\"]]");
    assertThat(high.path("Priority").asText()).isEqualTo("high");
    assertThat(lines().get(1).path("Priority").asText()).isEqualTo("low");
    assertThat(high.path("MessagesStored").asInt()).isEqualTo(1);
  }

  @Test
  void sums_are_exact_and_a_metric_has_at_most_100_values_a_line() throws IOException {
    EmfMetricsSink sink = sink(output);
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    SplittableRandom random = new SplittableRandom(seed);
    Map<MetricName, Double> sums = new LinkedHashMap<>();
    for (MetricName name : MetricName.values()) {
      for (int i = 0; i < 10_000; i++) {
        double value = Math.exp(random.nextDouble(6));
        sink.record(name, Priority.MEDIUM, value);
        sums.merge(name, value, Double::sum);
      }
    }
    sink.flush();

    Map<MetricName, Double> written = new LinkedHashMap<>();
    for (JsonNode line : lines()) {
      JsonNode directive = line.path("_aws").path("CloudWatchMetrics").path(0);
      Set<String> names = new HashSet<>();
      directive.path("Metrics").forEach(metric -> names.add(metric.path("Name").asText()));
      assertThat(names).hasSize(directive.path("Metrics").size()).hasSizeLessThanOrEqualTo(100);
      for (MetricName name : sums.keySet()) {
        JsonNode cell = line.path(name.wireName());
        assertThat(names.contains(name.wireName())).isEqualTo(!cell.isMissingNode());
        assertThat(cell.path("Values").size()).isLessThanOrEqualTo(100);
        assertThat(cell.path("Counts").size()).isEqualTo(cell.path("Values").size());
        double sum = cell.isNumber() ? cell.asDouble() : cell.path("Sum").asDouble();
        written.merge(name, sum, Double::sum);
      }
    }
    sums.forEach((name, sum) -> assertThat(written.get(name)).isCloseTo(sum, within(sum * 1e-9)));
  }

  @Test
  void nothing_recorded_nothing_written_and_nothing_is_written_twice() throws IOException {
    EmfMetricsSink sink = sink(output);
    sink.flush();
    sink.messageFailed(Priority.LOW);
    sink.flush();
    sink.flush();
    sink.close();
    sink.close();

    assertThat(lines()).hasSize(1);
    assertThat(Threads.named("ratelimiter-emf")).isEmpty();
  }

  @Test
  void an_interval_is_written_by_itself_and_the_thread_ends_with_the_sink()
      throws InterruptedException {
    CountDownLatch written = new CountDownLatch(1);
    OutputStream counting =
        new OutputStream() {
          @Override
          public void write(int b) {}

          @Override
          public void write(byte[] bytes, int offset, int length) {
            written.countDown();
          }
        };
    EmfMetricsSink sink =
        EmfMetricsSink.builder()
            .environment("test")
            .flushInterval(Duration.ofSeconds(1))
            .output(counting)
            .build();
    assertThat(Threads.named("ratelimiter-emf")).hasSize(1).allMatch(Thread::isDaemon);
    sink.messageFailed(Priority.LOW);
    written.await();
    sink.close();

    assertThat(Threads.named("ratelimiter-emf")).isEmpty();
  }

  @Test
  void what_cannot_be_written_is_given_up_counted_and_said_once() throws IOException {
    boolean[] full = {true};
    OutputStream disk =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            if (full[0]) {
              throw new IOException("no space left on device");
            }
            output.write(b);
          }
        };
    EmfMetricsSink sink = sink(disk);
    try (LogLines log = new LogLines()) {
      for (int i = 0; i < 3; i++) {
        sink.queueDepth(i);
        sink.record(MetricName.QUEUE_DEPTH, null, Double.NaN);
        sink.flush();
      }
      assertThat(log.all())
          .filteredOn(line -> line.contains("cannot be written"))
          .containsExactly(
              "Metrics cannot be written: java.io.IOException; they are given up and counted as"
                  + " MetricsDropped, sends go on");
    }
    full[0] = false;
    sink.flush();
    sink.queueDepth(9);
    sink.flush();

    assertThat(lines()).hasSize(2);
    assertThat(lines().get(0).path("MetricsDropped").asInt()).isEqualTo(6);
    assertThat(lines().get(1).path("QueueDepth").asInt()).isEqualTo(9);
    assertThat(lines().get(1).has("MetricsDropped")).isFalse();
  }

  @Test
  void an_environment_is_required() {
    assertThatThrownBy(() -> EmfMetricsSink.builder().build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("environment");
    assertThatThrownBy(() -> EmfMetricsSink.builder().flushInterval(Duration.ofMillis(1)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
