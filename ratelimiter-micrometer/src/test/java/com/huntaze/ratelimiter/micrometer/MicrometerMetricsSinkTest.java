package com.huntaze.ratelimiter.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.within;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.Priority;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class MicrometerMetricsSinkTest {
  private final PrometheusMeterRegistry prometheus =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final MetricsSink sink = new MicrometerMetricsSink(prometheus);

  /** The lines of Prometheus's text, those of help left out. */
  private List<String> lines() {
    return prometheus.scrape().lines().filter(line -> !line.startsWith("# HELP")).toList();
  }

  private static void everyEvent(MetricsSink sink) {
    sink.messageQueued(Priority.HIGH, Duration.ofMillis(20));
    sink.messageQueued(Priority.HIGH, Duration.ofMillis(40));
    sink.messageQueued(Priority.LOW, Duration.ofMillis(1));
    sink.messageSent(Priority.MEDIUM, Duration.ofMillis(150), Duration.ofSeconds(2));
    sink.messageFailed(Priority.MEDIUM);
    sink.rateLimited(Priority.MEDIUM);
    sink.messageStored(Priority.MEDIUM);
    sink.messageReplayed(Priority.MEDIUM);
    sink.circuitBreakerOpened();
    List.of(429, 500, 503, 404, 200).forEach(sink::apiAnswered);
    sink.deliveryEnded(true, Duration.ofMillis(300));
    sink.deliveryEnded(true, Duration.ofMillis(200));
    sink.deliveryEnded(false, Duration.ofMillis(100));
    sink.deliveryPaused();
    sink.limiterClosed();
    sink.queueDepth(12);
    sink.queueDepth(7);
    sink.fallbackDepth(3, Duration.ofMinutes(2));
    sink.ambiguousSends(1);
    sink.record(MetricName.METRICS_DROPPED, null, 5);
    sink.record(MetricName.RATE_LIMIT_ALLOWED, null, 8);
    sink.record(MetricName.RATE_LIMIT_REJECTED, null, 2);
    sink.record(MetricName.RATE_LIMIT_RETRIED, null, 1);
    sink.record(MetricName.RATE_LIMIT_DEAD_LETTERED, null, 1);
  }

  @Test
  void prometheus_shows_counters_timers_and_gauges_by_its_own_conventions() {
    everyEvent(sink);
    assertThat(lines())
        .contains(
            "# TYPE ratelimiter_messages_queued_total counter",
            "ratelimiter_messages_queued_total{priority=\"high\"} 2.0",
            "ratelimiter_messages_queued_total{priority=\"low\"} 1.0",
            "ratelimiter_messages_sent_total{priority=\"medium\"} 1.0",
            "ratelimiter_messages_failed_total{priority=\"medium\"} 1.0",
            "ratelimiter_messages_limited_total{priority=\"medium\"} 1.0",
            "ratelimiter_messages_stored_total{priority=\"medium\"} 1.0",
            "ratelimiter_messages_replayed_total{priority=\"medium\"} 1.0",
            "# TYPE ratelimiter_queue_latency_seconds summary",
            "ratelimiter_queue_latency_seconds_count{priority=\"high\"} 2",
            "ratelimiter_queue_latency_seconds_sum{priority=\"high\"} 0.06",
            "ratelimiter_queue_latency_seconds_max{priority=\"high\"} 0.04",
            "ratelimiter_api_latency_seconds_sum{priority=\"medium\"} 0.15",
            "ratelimiter_end_to_end_latency_seconds_sum{priority=\"medium\"} 2.0",
            "# TYPE ratelimiter_queue_depth gauge",
            "ratelimiter_queue_depth 7.0",
            "ratelimiter_fallback_depth 3.0",
            "# TYPE ratelimiter_fallback_oldest_age_seconds gauge",
            "ratelimiter_fallback_oldest_age_seconds 120.0",
            "ratelimiter_ambiguous_sends 1.0",
            "ratelimiter_circuit_breaker_openings_total 1.0",
            "ratelimiter_limiter_closings_total 1.0",
            "ratelimiter_delivery_pauses_total 1.0",
            "ratelimiter_metrics_dropped_total 5.0",
            "ratelimiter_gate_records_total{outcome=\"allowed\"} 8.0",
            "ratelimiter_gate_records_total{outcome=\"rejected\"} 2.0",
            "ratelimiter_gate_records_total{outcome=\"retried\"} 1.0",
            "ratelimiter_gate_records_total{outcome=\"dead_lettered\"} 1.0",
            "ratelimiter_deliveries_total{outcome=\"delivered\"} 2.0",
            "ratelimiter_deliveries_total{outcome=\"failed\"} 1.0",
            "ratelimiter_delivery_duration_seconds_count 3",
            "ratelimiter_api_errors_total{status=\"429\"} 1.0",
            "ratelimiter_api_errors_total{status=\"5xx\"} 2.0",
            "ratelimiter_api_errors_total{status=\"4xx\"} 1.0");
  }

  @Test
  void every_name_ends_as_its_type_wants_and_says_what_it_is() {
    everyEvent(sink);
    for (String line : lines()) {
      if (line.startsWith("# TYPE") && line.endsWith(" counter")) {
        assertThat(line).endsWith("_total counter");
      } else if (line.startsWith("# TYPE") && line.endsWith(" summary")) {
        assertThat(line).endsWith("_seconds summary");
      }
    }
    assertThat(prometheus.getMeters())
        .isNotEmpty()
        .allSatisfy(meter -> assertThat(meter.getId().getDescription()).isNotBlank());
  }

  @Test
  void every_metric_has_a_meter_or_is_left_out_on_purpose() {
    Set<MetricName> leftOut =
        Arrays.stream(MetricName.values())
            .filter(name -> MeterSpec.of(name) == null)
            .collect(Collectors.toSet());
    assertThat(leftOut).containsExactly(MetricName.CLIENT_ERROR);
    for (MetricName name : MetricName.values()) {
      SimpleMeterRegistry registry = new SimpleMeterRegistry();
      new MicrometerMetricsSink(registry).record(name, Priority.HIGH, 1);
      assertThat(registry.getMeters().isEmpty()).as(name.name()).isEqualTo(leftOut.contains(name));
    }
  }

  @Test
  void the_unit_of_a_metric_is_the_one_its_meter_reads() {
    for (MetricName name : MetricName.values()) {
      MeterSpec spec = MeterSpec.of(name);
      if (spec != null) {
        MetricName.Unit unit =
            switch (spec.kind()) {
              case COUNTER, GAUGE -> MetricName.Unit.COUNT;
              case TIMER -> MetricName.Unit.MILLISECONDS;
              case SECONDS -> MetricName.Unit.SECONDS;
              case OUTCOME -> MetricName.Unit.PERCENT;
            };
        assertThat(name.unit()).as(name.name()).isEqualTo(unit);
      }
    }
  }

  @Test
  void no_tag_is_anybodys_and_a_meter_has_the_same_tags_always() {
    everyEvent(sink);
    sink.record(MetricName.MESSAGES_QUEUED, null, 1);
    sink.record(MetricName.LIMITER_CLOSED, Priority.HIGH, 1);
    sink.record(MetricName.QUEUE_DEPTH, Priority.HIGH, 9);
    Set<String> keys = new TreeSet<>();
    prometheus
        .getMeters()
        .forEach(meter -> meter.getId().getTags().forEach(tag -> keys.add(tag.getKey())));
    assertThat(keys).containsExactly("outcome", "priority", "status");
    assertThat(lines())
        .contains(
            "ratelimiter_messages_queued_total{priority=\"none\"} 1.0",
            "ratelimiter_limiter_closings_total 2.0",
            "ratelimiter_queue_depth 9.0");
  }

  @Test
  void the_environment_is_a_common_tag_of_the_registry() {
    prometheus.config().commonTags("environment", "staging");
    sink.limiterClosed();
    assertThat(lines()).contains("ratelimiter_limiter_closings_total{environment=\"staging\"} 1.0");
  }

  @Test
  void values_that_are_no_numbers_or_negative_are_left_out() {
    sink.record(MetricName.MESSAGES_QUEUED, Priority.HIGH, 1);
    sink.record(MetricName.QUEUE_LATENCY, Priority.HIGH, 10);
    for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, -3}) {
      sink.record(MetricName.MESSAGES_QUEUED, Priority.HIGH, bad);
      sink.record(MetricName.QUEUE_LATENCY, Priority.HIGH, bad);
    }
    sink.queueDepth(4);
    sink.record(MetricName.QUEUE_DEPTH, null, Double.NaN);
    assertThat(lines())
        .contains(
            "ratelimiter_messages_queued_total{priority=\"high\"} 1.0",
            "ratelimiter_queue_latency_seconds_count{priority=\"high\"} 1",
            "ratelimiter_queue_depth 4.0");
  }

  @Test
  void a_registry_that_throws_reaches_nobody_and_is_said_once() {
    SimpleMeterRegistry broken =
        new SimpleMeterRegistry() {
          @Override
          protected Counter newCounter(Meter.Id id) {
            throw new IllegalStateException("out of " + id.getName());
          }
        };
    Logger logger = (Logger) LoggerFactory.getLogger(MicrometerMetricsSink.class);
    ListAppender<ILoggingEvent> logged = new ListAppender<>();
    logged.start();
    logger.addAppender(logged);
    try {
      MetricsSink onBroken = new MicrometerMetricsSink(broken);
      assertThatCode(() -> everyEvent(onBroken)).doesNotThrowAnyException();
      assertThat(logged.list)
          .extracting(ILoggingEvent::getFormattedMessage)
          .singleElement()
          .asString()
          .contains("java.lang.IllegalStateException", "sends go on")
          .doesNotContain("out of");
      // what does not throw goes on
      assertThat(broken.get("ratelimiter.queue.depth").gauge().value()).isEqualTo(7);
    } finally {
      logger.detachAppender(logged);
    }
  }

  @Test
  void a_registry_that_denies_or_is_closed_hears_nothing_and_harms_nobody() {
    prometheus.config().meterFilter(MeterFilter.denyNameStartsWith("ratelimiter.messages"));
    everyEvent(sink);
    assertThat(lines())
        .noneMatch(line -> line.contains("ratelimiter_messages"))
        .contains("ratelimiter_queue_depth 7.0");
    prometheus.close();
    assertThatCode(() -> everyEvent(new MicrometerMetricsSink(prometheus)))
        .doesNotThrowAnyException();
    assertThatNullPointerException().isThrownBy(() -> new MicrometerMetricsSink(null));
  }

  @Test
  void many_threads_lose_nothing() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Thread thread =
          new Thread(
              () -> {
                try {
                  go.await();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
                for (int n = 0; n < 10_000; n++) {
                  sink.messageQueued(Priority.HIGH, Duration.ofMillis(1));
                }
              });
      thread.start();
      threads.add(thread);
    }
    go.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(
            prometheus.get("ratelimiter.messages.queued").tag("priority", "high").counter().count())
        .isEqualTo(80_000);
    assertThat(prometheus.get("ratelimiter.queue.latency").timer().totalTime(TimeUnit.SECONDS))
        .isCloseTo(80, within(1e-6));
  }
}
