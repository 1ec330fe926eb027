package com.huntaze.ratelimiter.cloudwatch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.testkit.ManualTime;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class CloudWatchMetricsSinkTest {
  private static final Map<String, String> ALL = Map.of("Environment", "test");
  private static final List<Priority> PRIORITIES = List.of(Priority.values());

  private final ManualTime time = new ManualTime();
  private LocalCloudWatch cloudWatch;
  private CloudWatchClient client;
  private CloudWatchMetricsSink sink;

  @BeforeEach
  void open() throws IOException {
    cloudWatch = new LocalCloudWatch(time);
    client = cloudWatch.client();
    sink = settings().build();
  }

  private CloudWatchMetricsSink.Builder settings() {
    return CloudWatchMetricsSink.builder(client)
        .environment("test")
        .flushInterval(Duration.ofHours(1))
        .clock(time)
        .ticker(time);
  }

  @AfterEach
  void close() {
    sink.close();
    client.close();
    cloudWatch.close();
  }

  @Test
  void a_million_events_of_eight_threads_keep_their_sums_and_their_percentiles_within_1_percent()
      throws InterruptedException {
    int threads = 8;
    int each = 125_000;
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    double[][] nanos = new double[threads][each];
    List<Thread> reporters = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      double[] mine = nanos[i];
      SplittableRandom random = new SplittableRandom(seed + i);
      Priority priority = PRIORITIES.get(i % 3);
      Runnable report =
          () -> {
            for (int n = 0; n < each; n++) {
              long took = Math.round(Math.exp(random.nextGaussian(17, 1.5)));
              mine[n] = took / 1e6;
              sink.messageQueued(priority, Duration.ofNanos(took));
            }
          };
      reporters.add(new Thread(report));
    }
    reporters.forEach(Thread::start);
    for (Thread reporter : reporters) {
      reporter.join();
    }

    assertThat(sink.flush()).isTrue();

    assertThat(cloudWatch.violations()).isEmpty();
    assertThat(cloudWatch.calls()).isEqualTo(1);
    assertThat(cloudWatch.compressed()).isEqualTo(1);
    assertThat(cloudWatch.statistics("MessagesQueued", ALL).sum()).isEqualTo(threads * each);
    double[] all = Arrays.stream(nanos).flatMapToDouble(Arrays::stream).sorted().toArray();
    assertSame(cloudWatch.statistics("QueueLatency", ALL), all);
    for (int priority = 0; priority < 3; priority++) {
      int rest = priority;
      double[] some =
          IntStream.range(0, threads)
              .filter(i -> i % 3 == rest)
              .mapToObj(i -> nanos[i])
              .flatMapToDouble(Arrays::stream)
              .sorted()
              .toArray();
      assertSame(cloudWatch.statistics("QueueLatency", of(PRIORITIES.get(priority))), some);
    }
  }

  private static void assertSame(Statistics statistics, double[] sorted) {
    assertThat(statistics.samples()).isEqualTo(sorted.length);
    double sum = DoubleStream.of(sorted).sum();
    assertThat(statistics.sum()).isCloseTo(sum, within(sum * 1e-12));
    for (double percent : new double[] {0, 0.1, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100}) {
      int rank = Math.max(1, (int) Math.ceil(percent / 100 * sorted.length));
      double exact = sorted[rank - 1];
      assertThat(statistics.percentile(percent))
          .as("percentile %s", percent)
          .isCloseTo(exact, within(exact * 0.01));
    }
  }

  @Test
  void values_that_are_few_are_sent_as_they_are() {
    for (int i = 0; i < 300; i++) {
      sink.queueDepth(1_000_003 + i % 150);
    }

    assertThat(sink.flush()).isTrue();

    assertThat(cloudWatch.data()).hasSize(1);
    Datum datum = cloudWatch.data().get(0);
    assertThat(datum.values())
        .containsExactly(
            IntStream.range(0, 150).mapToObj(i -> 1_000_003.0 + i).toArray(Double[]::new));
    assertThat(datum.counts()).containsOnly(2.0);
  }

  @Test
  void every_event_goes_by_its_name_and_unit_and_no_dimension_but_environment_and_priority() {
    for (MetricName name : MetricName.values()) {
      sink.record(name, null, 1);
      for (Priority priority : Priority.values()) {
        sink.record(name, priority, 2);
      }
    }

    assertThat(sink.flush()).isTrue();

    assertThat(cloudWatch.violations()).isEmpty();
    assertThat(cloudWatch.calls()).isEqualTo(1);
    for (MetricName name : MetricName.values()) {
      assertThat(cloudWatch.statistics(name.wireName(), ALL).sum()).isEqualTo(7);
      for (Priority priority : Priority.values()) {
        assertThat(cloudWatch.statistics(name.wireName(), of(priority)).sum()).isEqualTo(2);
      }
    }
    assertThat(cloudWatch.data()).hasSize(4 * MetricName.values().length);
    assertThat(cloudWatch.data()).map(Datum::unit).contains("Count", "Milliseconds", "Seconds");
    assertThat(cloudWatch.data())
        .filteredOn(datum -> datum.name().equals("QueueLatency"))
        .map(Datum::unit)
        .containsOnly("Milliseconds");
  }

  @Test
  void what_a_host_reports_is_rolled_up_over_priorities() {
    sink.messageSent(Priority.HIGH, Duration.ofMillis(10), Duration.ofMillis(70));
    sink.messageSent(Priority.LOW, Duration.ofMillis(30), Duration.ofMillis(-5));
    sink.deliveryEnded(true, Duration.ofMillis(12));
    sink.deliveryEnded(false, Duration.ofMillis(14));

    assertThat(sink.flush()).isTrue();

    assertThat(cloudWatch.statistics("MessagesSent", ALL).sum()).isEqualTo(2);
    assertThat(cloudWatch.statistics("MessagesSent", of(Priority.HIGH)).sum()).isEqualTo(1);
    assertThat(cloudWatch.statistics("APILatency", ALL).percentile(100)).isEqualTo(30);
    assertThat(cloudWatch.statistics("EndToEndLatency", of(Priority.LOW)).sum()).isEqualTo(-5);
    Statistics rate = cloudWatch.statistics("scraping_success_rate", ALL);
    assertThat(rate.sum() / rate.samples()).isEqualTo(50);
  }

  @Test
  void an_interval_is_as_many_requests_as_cloudwatch_takes_it_in_and_nothing_is_lost() {
    sink.close();
    sink = settings().maxBufferedBytes(64 << 20).build();
    SplittableRandom random = new SplittableRandom(7);
    for (MetricName name : MetricName.values()) {
      for (int i = 0; i < 20_000; i++) {
        sink.record(name, PRIORITIES.get(i % 3), Math.exp(random.nextDouble(20)));
      }
    }

    assertThat(sink.flush()).isTrue();

    assertThat(cloudWatch.violations()).isEmpty();
    assertThat(cloudWatch.calls()).isBetween(2, 10);
    for (MetricName name : MetricName.values()) {
      assertThat(cloudWatch.statistics(name.wireName(), ALL).samples()).isEqualTo(20_000);
    }
  }

  @Test
  void a_request_bears_the_start_of_its_interval() {
    time.advance(Duration.ofSeconds(60));
    sink.queueDepth(1);
    sink.flush();
    time.advance(Duration.ofSeconds(60));
    sink.queueDepth(2);
    sink.flush();

    Instant start = Instant.parse("2026-01-01T00:00:00Z");
    assertThat(cloudWatch.data())
        .map(Datum::timestamp)
        .containsExactly(start, start.plusSeconds(60));
  }

  @Test
  void without_events_there_is_no_request() {
    assertThat(sink.flush()).isTrue();
    sink.close();

    assertThat(cloudWatch.calls()).isZero();
  }

  @Test
  void closing_sends_what_is_left_once_and_ends_the_thread_and_leaves_the_client_open() {
    sink.messageStored(Priority.MEDIUM);
    sink.close();
    sink.messageStored(Priority.MEDIUM);
    sink.close();

    assertThat(cloudWatch.calls()).isEqualTo(1);
    assertThat(cloudWatch.statistics("MessagesStored", ALL).sum()).isEqualTo(1);
    assertThat(Threads.named("ratelimiter-cloudwatch")).isEmpty();
    sink = settings().build();
    sink.messageStored(Priority.LOW);
    assertThat(sink.flush()).isTrue();
  }

  @Test
  void an_interval_is_sent_by_itself() throws InterruptedException {
    try (CloudWatchMetricsSink often =
        CloudWatchMetricsSink.builder(client)
            .environment("test")
            .flushInterval(Duration.ofSeconds(1))
            .clock(time)
            .build()) {
      assertThat(Threads.named("ratelimiter-cloudwatch")).allMatch(Thread::isDaemon).hasSize(2);
      often.limiterClosed();
      cloudWatch.awaitCalls(1);
    }
    assertThat(cloudWatch.statistics("LimiterClosed", ALL).sum()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", ":test", "te st", "t\u00e4st"})
  void an_environment_that_cloudwatch_does_not_take_is_refused(String environment) {
    CloudWatchMetricsSink.Builder builder = CloudWatchMetricsSink.builder(client);

    assertThatThrownBy(() -> builder.environment(environment))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("environment must be");
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("environment");
  }

  @Test
  void settings_that_make_no_sense_are_refused() {
    CloudWatchMetricsSink.Builder builder = CloudWatchMetricsSink.builder(client);

    assertThatThrownBy(() -> builder.flushInterval(Duration.ofMillis(999)))
        .hasMessage("flushInterval must be from PT1S to PT24H, was PT0.999S");
    assertThatThrownBy(() -> builder.closeTimeout(Duration.ZERO)).hasMessageContaining("PT0S");
    assertThatThrownBy(() -> builder.requestTimeout(Duration.ofDays(2)))
        .hasMessageContaining("requestTimeout");
    assertThatThrownBy(() -> builder.maxBufferedBytes(1_000))
        .hasMessage("maxBufferedBytes must be at least 1048576, was 1000");
  }

  @Test
  void it_is_a_sink_like_any_other() {
    MetricsSink both = MetricsSink.NOOP.andThen(sink);
    both.messageReplayed(Priority.LOW);
    sink.flush();

    assertThat(cloudWatch.statistics("MessagesReplayed", of(Priority.LOW)).sum()).isEqualTo(1);
  }

  private static Map<String, String> of(Priority priority) {
    return Map.of("Environment", "test", "Priority", priority.wireName());
  }
}
