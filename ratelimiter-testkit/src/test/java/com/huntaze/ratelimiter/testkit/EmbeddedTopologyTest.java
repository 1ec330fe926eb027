package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient.CloseReport;
import com.huntaze.ratelimiter.SendResult;
import com.huntaze.ratelimiter.SendStatus;
import com.huntaze.ratelimiter.delivery.HttpOnlyFansGateway;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.Priority;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** The whole pipeline in one process, judged by what the API saw. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class EmbeddedTopologyTest {
  private static final Duration WINDOW = Duration.ofSeconds(1);
  private static final RateLimit LIMIT = RateLimit.rolling(10, WINDOW);
  private static final Duration LONG = Duration.ofSeconds(60);

  private static OnlyFansMessage message(int i, String creator) {
    return OnlyFansMessage.builder()
        .messageId("m" + i)
        .userId("u")
        .creatorId(creator)
        .recipientId("fan_" + i)
        .content("Hi " + i)
        .build();
  }

  private static HttpOnlyFansGateway gateway(FakeOnlyFansApi api) {
    return HttpOnlyFansGateway.builder(api.baseUri()).build();
  }

  @Test
  void a_burst_is_delivered_whole_once_in_order_and_within_the_limit() {
    try (FakeOnlyFansApi api = FakeOnlyFansApi.builder().limit(10, WINDOW).start();
        var client = RateLimitedOnlyFansClient.embedded(gateway(api), LIMIT)) {
      List<OnlyFansMessage> burst = new ArrayList<>();
      for (int i = 0; i < 45; i++) {
        burst.add(message(i, "creator_" + i % 3));
      }
      assertThat(client.sendBatch(burst)).allMatch(result -> result.status() == SendStatus.QUEUED);
      assertThat(api.awaitDeliveries(45, LONG)).isTrue();
      assertThat(api.duplicates()).isEmpty();
      api.checkLimit();
      assertThat(api.rejected429()).isZero();
      for (int creator = 0; creator < 3; creator++) {
        int first = creator;
        List<String> order = new ArrayList<>();
        for (int i = first; i < 45; i += 3) {
          order.add("m" + i);
        }
        assertThat(api.order("creator_" + creator)).isEqualTo(order);
      }
    }
  }

  @Test
  void an_id_that_is_sent_twice_is_delivered_once() {
    try (FakeOnlyFansApi api = FakeOnlyFansApi.builder().limit(10, WINDOW).start();
        var client = RateLimitedOnlyFansClient.embedded(gateway(api), LIMIT)) {
      client.send(message(1, "a"));
      client.send(message(1, "a"));
      client.send(message(2, "a"));
      assertThat(api.awaitDeliveries(2, LONG)).isTrue();
      assertThat(api.order("a")).containsExactly("m1", "m2");
    }
  }

  @Test
  void estimates_come_from_the_backlog_and_the_limit() {
    try (FakeOnlyFansApi api = FakeOnlyFansApi.builder().limit(10, LONG).start();
        var client =
            RateLimitedOnlyFansClient.embedded(gateway(api), RateLimit.rolling(10, LONG))) {
      List<OnlyFansMessage> backlog = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        backlog.add(message(i, "a"));
      }
      client.sendBatch(backlog);
      assertThat(api.awaitDeliveries(10, LONG)).isTrue();
      Instant deadline = Instant.now().plusSeconds(30);
      SendResult last = client.send(message(100, "a"));
      for (int i = 101; last.estimatedDelivery().isEmpty() || isNear(last); i++) {
        assertThat(Instant.now()).as("an estimate comes").isBefore(deadline);
        last = client.send(message(i, "a"));
      }
      assertThat(Duration.between(last.queuedAt().get(), last.estimatedDelivery().get()))
          .isBetween(LONG.multipliedBy(3), LONG.multipliedBy(3000));
    }
  }

  private static boolean isNear(SendResult result) {
    return Duration.between(result.queuedAt().get(), result.estimatedDelivery().get())
            .compareTo(LONG)
        < 0;
  }

  @Test
  void a_full_queue_is_told_and_with_a_store_it_is_stored() {
    InMemoryFallbackStore store = new InMemoryFallbackStore();
    try (FakeOnlyFansApi api = FakeOnlyFansApi.builder().limit(1, LONG).start()) {
      RateLimit slow = RateLimit.rolling(1, LONG);
      try (var client =
          RateLimitedOnlyFansClient.builder()
              .embedded(gateway(api), slow)
              .queueCapacity(3)
              .build()) {
        List<SendResult> results = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
          results.add(client.send(message(i, "a")));
        }
        SendResult last = results.get(9);
        assertThat(last.status()).isEqualTo(SendStatus.RATE_LIMITED);
        assertThat(last.retryAfter().get()).isPositive();
      }
      try (var client =
          RateLimitedOnlyFansClient.builder()
              .embedded(gateway(api), slow)
              .queueCapacity(3)
              .fallbackStore(store)
              .build()) {
        for (int i = 10; i < 20; i++) {
          assertThat(client.send(message(i, "a")).accepted()).isTrue();
        }
      }
      assertThat(store.backlog().waiting() + api.deliveries().size()).isGreaterThanOrEqualTo(10);
    }
  }

  @Test
  void closing_spills_what_still_waits_into_the_store_and_reports_it() {
    InMemoryFallbackStore store = new InMemoryFallbackStore();
    try (FakeOnlyFansApi api = FakeOnlyFansApi.builder().limit(5, LONG).start()) {
      var client =
          RateLimitedOnlyFansClient.builder()
              .embedded(gateway(api), RateLimit.rolling(5, LONG))
              .fallbackStore(store)
              .build();
      for (int i = 0; i < 20; i++) {
        client.send(message(i, "creator_" + i));
      }
      assertThat(api.awaitDeliveries(5, LONG)).isTrue();
      CloseReport report = client.close(Duration.ofSeconds(5));
      assertThat(report).isEqualTo(new CloseReport(15, 0, 0));
      assertThat(store.backlog().waiting()).isEqualTo(15);
      assertThat(api.deliveries()).hasSize(5);
    }
  }

  @Test
  void a_call_cut_off_by_closing_is_held_and_not_replayed() {
    InMemoryFallbackStore store = new InMemoryFallbackStore();
    try (FakeOnlyFansApi api = FakeOnlyFansApi.builder().limit(5, LONG).start()) {
      api.failNext(1, ApiFault.hangAfterDelivery(LONG));
      var client =
          RateLimitedOnlyFansClient.builder()
              .embedded(gateway(api), RateLimit.rolling(5, LONG))
              .fallbackStore(store)
              .build();
      client.send(message(1, "a"));
      client.send(message(2, "a"));
      assertThat(api.awaitCalls(1, LONG)).isTrue();
      assertThat(client.close(Duration.ofMillis(100))).isEqualTo(new CloseReport(1, 1, 0));
      assertThat(store.backlog().count(StoredStatus.DEAD)).isEqualTo(1);
      assertThat(store.claim(10, LONG)).hasSize(1);
    }
  }

  @Test
  void closing_without_a_store_reports_what_is_lost() {
    try (FakeOnlyFansApi api = FakeOnlyFansApi.builder().limit(5, LONG).start()) {
      var client = RateLimitedOnlyFansClient.embedded(gateway(api), RateLimit.rolling(5, LONG));
      for (int i = 0; i < 20; i++) {
        client.send(message(i, "creator_" + i));
      }
      assertThat(api.awaitDeliveries(5, LONG)).isTrue();
      assertThat(client.close(Duration.ofSeconds(5))).isEqualTo(new CloseReport(0, 0, 15));
    }
  }

  @Test
  void high_priority_overtakes_a_backlog_of_low() {
    try (FakeOnlyFansApi api = FakeOnlyFansApi.builder().limit(2, WINDOW).start();
        var client =
            RateLimitedOnlyFansClient.embedded(gateway(api), RateLimit.rolling(2, WINDOW))) {
      for (int i = 0; i < 20; i++) {
        client.send(
            OnlyFansMessage.builder()
                .messageId("low" + i)
                .userId("low")
                .recipientId("r")
                .content("c")
                .priority(Priority.LOW)
                .build());
      }
      assertThat(api.awaitDeliveries(2, LONG)).isTrue();
      client.send(
          OnlyFansMessage.builder()
              .messageId("high")
              .userId("high")
              .recipientId("r")
              .content("c")
              .priority(Priority.HIGH)
              .build());
      assertThat(api.awaitDeliveries(8, LONG)).isTrue();
      assertThat(api.delivered("high")).isTrue();
    }
  }
}
