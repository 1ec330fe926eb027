package com.huntaze.ratelimiter.cloudwatch;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.SendStatus;
import com.huntaze.ratelimiter.cloudwatch.LocalCloudWatch.Mood;
import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.testkit.ManualTime;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;

/** CloudWatch as it should not be. The send never notices, and the log says it once. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class CloudWatchFaultsTest {
  private static final Map<String, String> ALL = Map.of("Environment", "test");
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final int LEAST_BUFFER = 1 << 20;

  private final ManualTime time = new ManualTime();
  private final ManualTime cloudWatchTime = new ManualTime();
  private final LogLines log = new LogLines();
  private LocalCloudWatch cloudWatch;
  private CloudWatchClient client;
  private CloudWatchMetricsSink sink;

  @BeforeEach
  void open() throws IOException {
    cloudWatch = new LocalCloudWatch(cloudWatchTime);
    client = cloudWatch.client();
    sink = settings().build();
  }

  private CloudWatchMetricsSink.Builder settings() {
    return CloudWatchMetricsSink.builder(client)
        .environment("test")
        .flushInterval(MINUTE)
        .maxBufferedBytes(LEAST_BUFFER)
        .clock(time)
        .ticker(time);
  }

  @AfterEach
  void close() {
    cloudWatch.mood(Mood.TAKES);
    sink.close();
    client.close();
    cloudWatch.close();
    log.close();
  }

  private void minutePasses() {
    time.advance(MINUTE);
    cloudWatchTime.advance(MINUTE);
  }

  private double dropped() {
    return cloudWatch.statistics("MetricsDropped", ALL).sum();
  }

  /** What a client looks at by itself would be counted too. */
  private MetricsSink withoutGauges() {
    return new MetricsSink() {
      @Override
      public void record(MetricName name, @Nullable Priority priority, double value) {
        if (name != MetricName.QUEUE_DEPTH) {
          sink.record(name, priority, value);
        }
      }
    };
  }

  @Test
  void down_for_an_hour_memory_is_bounded_and_what_was_dropped_is_counted_and_sends_go_on() {
    SplittableRandom random = new SplittableRandom(60);
    long events = 0;
    cloudWatch.mood(Mood.FAILS);
    try (RateLimitedOnlyFansClient sender =
        RateLimitedOnlyFansClient.builder()
            .sink(new InMemoryQueue(100))
            .metrics(withoutGauges())
            .build()) {
      for (int minute = 0; minute < 60; minute++) {
        assertThat(sender.send(message(minute)).status()).isEqualTo(SendStatus.QUEUED);
        events += 2;
        for (int i = 0; i < 5_000; i++) {
          sink.record(MetricName.API_LATENCY, Priority.LOW, Math.exp(random.nextDouble(12)));
          events++;
        }
        minutePasses();
        assertThat(sink.flush()).isFalse();
        assertThat(sink.bufferedBytes()).isLessThanOrEqualTo(LEAST_BUFFER);
      }
      assertThat(sink.bufferedBytes()).isGreaterThan(LEAST_BUFFER / 2);

      cloudWatch.mood(Mood.TAKES);
      assertThat(sink.flush()).isTrue();
    }

    double arrived =
        cloudWatch.statistics("APILatency", ALL).samples()
            + cloudWatch.statistics("MessagesQueued", ALL).samples()
            + cloudWatch.statistics("QueueLatency", ALL).samples();
    assertThat(dropped()).isPositive();
    assertThat(arrived + dropped()).isEqualTo((double) events);
    assertThat(arrived).isPositive();
    assertThat(sink.bufferedBytes()).isZero();
    assertThat(log.all())
        .containsExactly(
            "CloudWatch does not take metrics: InternalFailure, status 500; they are kept for a"
                + " while, sends go on",
            "CloudWatch takes metrics again");
  }

  private static OnlyFansMessage message(int number) {
    return OnlyFansMessage.builder()
        .userId("user")
        .recipientId("fan" + number)
        .content("hello")
        .build();
  }

  @Test
  void what_could_not_be_sent_is_sent_when_cloudwatch_is_back_with_the_time_of_its_interval() {
    cloudWatch.mood(Mood.THROTTLES);
    sink.queueDepth(1);
    minutePasses();
    sink.flush();
    sink.queueDepth(2);
    minutePasses();
    sink.flush();
    cloudWatch.mood(Mood.TAKES);
    sink.queueDepth(3);

    assertThat(sink.flush()).isTrue();

    assertThat(cloudWatch.data())
        .map(datum -> datum.values().get(0))
        .containsExactly(1.0, 2.0, 3.0);
    assertThat(cloudWatch.data()).map(Datum::timestamp).doesNotHaveDuplicates();
    assertThat(log.all()).hasSize(2);
    assertThat(log.all().get(0)).contains("does not take metrics: Throttling, status 400");
  }

  @ParameterizedTest
  @EnumSource(
      value = Mood.class,
      names = {"FAILS", "THROTTLES"})
  void after_a_fault_it_is_tried_again_soon_after_pauses_that_grow(Mood mood) {
    cloudWatch.mood(mood);
    sink.queueDepth(1);
    minutePasses();

    long longest = Duration.ofSeconds(1).toNanos();
    for (int i = 0; i < 20; i++) {
      longest = Math.min(2 * longest, MINUTE.toNanos());
      assertThat(sink.step()).isBetween(1L, longest);
    }
    assertThat(cloudWatch.calls()).isEqualTo(20);
    assertThat(log.all()).hasSize(1);
    cloudWatch.mood(Mood.TAKES);

    assertThat(sink.step()).isEqualTo(MINUTE.toNanos());
    assertThat(cloudWatch.data()).hasSize(1);
  }

  @Test
  void a_caller_who_is_refused_is_not_tried_again_within_the_interval() {
    cloudWatch.mood(Mood.DENIES);
    sink.queueDepth(1);
    minutePasses();

    assertThat(sink.step()).isEqualTo(MINUTE.toNanos());
    minutePasses();
    assertThat(sink.step()).isEqualTo(MINUTE.toNanos());
    assertThat(cloudWatch.calls()).isEqualTo(2);
    assertThat(log.all()).hasSize(1);
    assertThat(log.all().get(0))
        .isEqualTo(
            "CloudWatch refuses metrics: AccessDenied, status 403; may this role call"
                + " cloudwatch:PutMetricData, and is this host's clock right? They are kept for a"
                + " while, sends go on");

    cloudWatch.mood(Mood.TAKES);
    assertThat(sink.flush()).isTrue();
    assertThat(cloudWatch.statistics("QueueDepth", ALL).sum()).isEqualTo(1);
    assertThat(dropped()).isZero();
  }

  @Test
  void while_a_call_hangs_nobody_who_reports_waits_and_nothing_is_lost() throws Exception {
    cloudWatch.mood(Mood.HANGS);
    sink.queueDepth(1);
    Thread flush = new Thread(sink::flush);
    flush.start();
    cloudWatch.awaitHanging();

    for (int i = 0; i < 100_000; i++) {
      sink.messageFailed(Priority.HIGH);
    }
    assertThat(flush.isAlive()).isTrue();

    cloudWatch.mood(Mood.TAKES);
    flush.join();
    assertThat(sink.flush()).isTrue();
    assertThat(cloudWatch.statistics("MessagesFailed", ALL).sum()).isEqualTo(100_000);
    assertThat(cloudWatch.statistics("QueueDepth", ALL).sum()).isEqualTo(1);
    assertThat(log.all()).hasSize(2);
    assertThat(log.all().get(0))
        .contains("metrics: software.amazon.awssdk.core.exception.ApiCallTimeoutException; they");
  }

  @Test
  void closing_while_cloudwatch_hangs_ends_within_its_deadline_and_says_what_is_lost()
      throws InterruptedException {
    cloudWatch.mood(Mood.HANGS);
    CloudWatchMetricsSink hanging =
        CloudWatchMetricsSink.builder(client)
            .environment("test")
            .closeTimeout(Duration.ofMillis(500))
            .requestTimeout(Duration.ofMinutes(1))
            .clock(time)
            .build();
    Thread thread =
        Threads.named("ratelimiter-cloudwatch").stream()
            .max((one, other) -> Long.compare(one.getId(), other.getId()))
            .orElseThrow();
    hanging.messageSent(Priority.HIGH, Duration.ofMillis(5), Duration.ofMillis(6));
    long start = System.nanoTime();

    hanging.close();

    thread.join(); // by the call's own time-out, which is what the close had left
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(15));
    assertThat(log.all()).contains("3 values of metrics were not sent before the end");
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, -0x1.1p360, Double.MAX_VALUE})
  void what_is_no_number_is_given_up_counted_and_said_once(double value) {
    sink.record(MetricName.QUEUE_LATENCY, Priority.LOW, value);
    sink.record(MetricName.QUEUE_LATENCY, Priority.LOW, value);
    sink.record(MetricName.QUEUE_LATENCY, Priority.LOW, 2);
    assertThat(sink.flush()).isTrue();
    sink.record(MetricName.QUEUE_LATENCY, null, value);
    assertThat(sink.flush()).isTrue();

    assertThat(cloudWatch.violations()).isEmpty();
    assertThat(cloudWatch.statistics("QueueLatency", ALL).sum()).isEqualTo(2);
    assertThat(dropped()).isEqualTo(3);
    assertThat(log.all())
        .containsExactly(
            "2 values are no numbers, or beyond what CloudWatch takes; such are given up and"
                + " counted as MetricsDropped, and not logged again");
  }

  @Test
  void what_is_next_to_zero_is_zero_and_what_is_as_large_as_can_be_is_taken() {
    sink.record(MetricName.QUEUE_LATENCY, null, 0x1p-361);
    sink.record(MetricName.QUEUE_LATENCY, null, -0.0);
    sink.record(MetricName.QUEUE_LATENCY, null, 0x1p360);
    sink.record(MetricName.QUEUE_LATENCY, null, -0x1p360);

    assertThat(sink.flush()).isTrue();

    assertThat(cloudWatch.violations()).isEmpty();
    assertThat(cloudWatch.data().get(0).values()).containsExactly(-0x1p360, 0.0, 0x1p360);
  }

  @ParameterizedTest
  @ValueSource(ints = {-15, 1})
  void with_a_clock_that_is_off_metrics_are_given_up_and_counted_until_it_is_right(int days) {
    time.stepWallClock(Duration.ofDays(days));
    sink.flush(); // an interval begins by the wrong clock
    for (int minute = 0; minute < 3; minute++) {
      sink.queueDepth(minute);
      minutePasses();
      assertThat(sink.flush()).isFalse();
    }
    assertThat(log.all())
        .containsExactly(
            "CloudWatch finds metrics invalid: InvalidParameterValue, status 400; is this host's"
                + " clock right? Such are given up and counted as MetricsDropped, sends go on");
    time.stepWallClock(Duration.ofDays(-days));

    sink.flush();
    sink.queueDepth(5);
    assertThat(sink.flush()).isTrue();

    assertThat(cloudWatch.statistics("QueueDepth", ALL).sum()).isEqualTo(5);
    assertThat(dropped()).isEqualTo(3);
    assertThat(log.all()).hasSize(2).contains("CloudWatch takes metrics again");
  }

  @Test
  void what_waited_for_more_than_two_weeks_is_given_up_without_a_call() {
    cloudWatch.mood(Mood.FAILS);
    sink.queueDepth(1);
    sink.flush();
    time.advance(Duration.ofDays(15));
    cloudWatchTime.advance(Duration.ofDays(15));
    sink.flush();
    cloudWatch.mood(Mood.TAKES);
    sink.queueDepth(2);

    assertThat(sink.flush()).isTrue();

    assertThat(cloudWatch.violations()).isEmpty();
    assertThat(cloudWatch.statistics("QueueDepth", ALL).sum()).isEqualTo(2);
    assertThat(dropped()).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource(
      value = Mood.class,
      mode = Mode.EXCLUDE,
      names = {"TAKES", "HANGS"})
  void what_cloudwatch_says_of_a_fault_is_not_logged(Mood mood) {
    cloudWatch.mood(mood);
    sink.queueDepth(1);
    sink.flush();

    assertThat(log.all()).isNotEmpty().noneMatch(line -> line.contains("quoting"));
  }
}
