package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.delivery.GatewayException;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.delivery.ResultStore;
import com.huntaze.ratelimiter.delivery.ResultStoreException;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** What a dispatcher tells the metrics of each call and each end. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class DeliveryEventsTest {
  private final InMemoryQueue queue = new InMemoryQueue(100);
  private final List<String> told = new CopyOnWriteArrayList<>();
  private final Queue<Object> answers = new ConcurrentLinkedQueue<>();
  private final MetricsSink metrics =
      new MetricsSink() {
        @Override
        public void record(MetricName name, @Nullable Priority priority, double value) {
          boolean isTime = name.unit() == MetricName.Unit.MILLISECONDS;
          told.add(name.wireName() + (isTime ? "" : " " + (int) value));
        }
      };

  private final OnlyFansGateway gateway =
      (message, timeout) -> {
        Object answer = answers.poll();
        if (answer instanceof RuntimeException fault) {
          throw fault;
        }
        if (answer instanceof GatewayResponse response) {
          return response;
        }
        return GatewayResponse.of(answer == null ? 200 : (int) answer);
      };

  private void deliver(Object... first) {
    deliver(result -> {}, OutboundMessage.SEND_MESSAGE, first);
  }

  private void deliver(ResultStore results, String action, Object... first) {
    answers.addAll(List.of(first));
    queue.send(
        OutboundMessage.builder("m", "creator", Instant.EPOCH)
            .action(action)
            .priority(Priority.LOW)
            .build());
    try (Dispatcher dispatcher =
        Dispatcher.builder(
                queue,
                InMemoryTokenBucket.of(RateLimit.rolling(100, Duration.ofSeconds(1))),
                gateway)
            .metrics(metrics)
            .results(results)
            .firstRetry(Duration.ofMillis(1))
            .pollWait(Duration.ofMillis(20))
            .freshness(Duration.ofHours(1))
            .build()) {
      dispatcher.start();
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (queue.depth().waiting() > 0) {
        assertThat(System.nanoTime()).as("the message ends").isLessThan(end);
        LockSupport.parkNanos(1_000_000);
      }
    }
  }

  private static final List<String> DELIVERED =
      List.of(
          "MessagesSent 1",
          "APILatency",
          "EndToEndLatency",
          "scraping_success_rate 100",
          "scraping_duration_ms");

  @Test
  void a_delivery_is_told_with_its_times_and_as_a_success() {
    deliver();
    assertThat(told).isEqualTo(DELIVERED);
  }

  @Test
  void each_call_that_fails_is_told_by_its_kind_and_only_the_end_counts_for_the_rate() {
    deliver(503, 500);
    assertThat(told.subList(0, 2)).containsOnly("onlyfans_5xx_count 1");
    assertThat(told.subList(2, told.size())).isEqualTo(DELIVERED);
  }

  @Test
  void a_429_is_told_as_one_and_is_no_failure_of_the_message() {
    deliver(new GatewayResponse(429, Optional.of(Duration.ofMillis(1)), Optional.empty()));
    assertThat(told).contains("onlyfans_429_count 1").doesNotContain("scraping_success_rate 0");
    assertThat(told.subList(told.size() - DELIVERED.size(), told.size())).isEqualTo(DELIVERED);
  }

  @Test
  void what_was_read_counts_as_delivered_only_once_it_is_kept() {
    AtomicInteger faults = new AtomicInteger(2);
    deliver(
        result -> {
          if (faults.getAndDecrement() > 0) {
            throw new ResultStoreException("down", null);
          }
        },
        OutboundMessage.GET_MESSAGES);
    assertThat(told).isEqualTo(DELIVERED);
  }

  @Test
  void a_refusal_for_good_is_told_as_a_failure() {
    deliver(400);
    assertThat(told)
        .containsExactly(
            "onlyfans_4xx_count 1",
            "client_error_count 1",
            "scraping_success_rate 0",
            "scraping_duration_ms",
            "MessagesFailed 1");
  }

  @Test
  void a_call_in_doubt_is_told_as_a_failure() {
    deliver(new GatewayException("no answer", true, null));
    assertThat(told)
        .containsExactly("scraping_success_rate 0", "scraping_duration_ms", "MessagesFailed 1");
  }
}
