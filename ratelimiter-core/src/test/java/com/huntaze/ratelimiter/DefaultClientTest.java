package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.QueueDepth;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class DefaultClientTest {
  private final ScriptedSink sink = new ScriptedSink();
  private final InMemoryFallbackStore store = new InMemoryFallbackStore();

  private RateLimitedOnlyFansClient.Builder builder() {
    return RateLimitedOnlyFansClient.builder().sink(sink).retryBase(Duration.ofNanos(1));
  }

  private static OnlyFansMessage.Builder message(String id) {
    return OnlyFansMessage.builder().messageId(id).userId("u").recipientId("r").content("c");
  }

  private static List<OnlyFansMessage> messages(int count) {
    return IntStream.range(0, count).mapToObj(i -> message("m" + i).build()).toList();
  }

  @Test
  void a_good_message_is_queued_as_it_was_given() {
    try (var client = builder().build()) {
      SendResult result =
          client.send(
              message("m1")
                  .creatorId("alice")
                  .mediaUrls(List.of("https://h/a"))
                  .priority(Priority.HIGH)
                  .workflowId("w")
                  .traceId("t")
                  .metadata(Map.of("k", List.of(1, "two")))
                  .build());
      assertThat(result.status()).isEqualTo(SendStatus.QUEUED);
      assertThat(result.accepted()).isTrue();
      assertThat(result.messageId()).isEqualTo("m1");
      assertThat(result.queuedAt()).isPresent();
      OutboundMessage taken = sink.taken().get(0);
      assertThat(taken.creatorId()).contains("alice");
      assertThat(taken.content()).contains("c");
      assertThat(taken.mediaUrls()).containsExactly("https://h/a");
      assertThat(taken.priority()).isEqualTo(Priority.HIGH);
      assertThat(taken.workflowId()).contains("w");
      assertThat(taken.traceId()).contains("t");
      assertThat(taken.metadata()).isEqualTo(Map.of("k", List.of(1, "two")));
      assertThat(taken.timestamp()).isEqualTo(result.queuedAt().get());
    }
  }

  @Test
  void a_message_without_an_id_gets_a_random_uuid() {
    try (var client = builder().build()) {
      OnlyFansMessage message = message("x").messageId(null).build();
      assertThat(client.send(message).messageId())
          .matches("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
          .isNotEqualTo(client.send(message).messageId());
    }
  }

  @Test
  void an_invalid_message_is_told_all_its_violations_and_nothing_is_stored_or_sent() {
    try (var client = builder().fallbackStore(store).build()) {
      SendResult result =
          client.send(OnlyFansMessage.builder().content("x".repeat(10_001)).build());
      assertThat(result.status()).isEqualTo(SendStatus.INVALID);
      assertThat(result.violations()).hasSize(3);
      assertThat(sink.calls()).isZero();
      assertThat(store.backlog().byStatus()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"NOT_SENT", "AMBIGUOUS", "THROTTLED"})
  void what_can_succeed_on_a_retry_is_tried_four_times_in_all_with_the_same_id(Kind kind) {
    try (var client = builder().build()) {
      sink.failNext(kind, kind, kind);
      assertThat(client.send(message("m1").build()).status()).isEqualTo(SendStatus.QUEUED);
      assertThat(sink.calls()).isEqualTo(4);
      assertThat(sink.ids()).containsExactly("m1");
    }
  }

  @Test
  void after_four_failures_the_store_has_the_message_and_the_caller_is_told() {
    sink.failAlways(Kind.NOT_SENT);
    try (var client = builder().fallbackStore(store).build()) {
      SendResult result = client.send(message("m1").build());
      assertThat(result.status()).isEqualTo(SendStatus.STORED);
      assertThat(result.accepted()).isTrue();
      assertThat(result.error()).get().asString().contains("NOT_SENT");
    }
    assertThat(store.backlog().waiting()).isEqualTo(1);
  }

  @Test
  void an_interrupted_send_stores_the_message_and_keeps_the_flag() {
    sink.failAlways(Kind.NOT_SENT);
    try (var client = builder().retryBase(Duration.ofSeconds(3)).fallbackStore(store).build()) {
      Thread.currentThread().interrupt();
      SendResult result = client.send(message("m1").build());
      assertThat(Thread.interrupted()).isTrue();
      assertThat(result.status()).isEqualTo(SendStatus.STORED);
    }
  }

  @Test
  void a_store_that_breaks_its_contract_is_an_outcome_too() {
    sink.failAlways(Kind.NOT_SENT);
    BrokenStore broken =
        new BrokenStore() {
          @Override
          public void store(OutboundMessage message, String error) {
            throw new IllegalStateException("a bug");
          }
        };
    try (var client = builder().fallbackStore(broken).build()) {
      assertThat(client.send(message("m1").build()).status()).isEqualTo(SendStatus.FAILED);
    }
  }

  @Test
  void without_a_store_a_message_nothing_took_has_failed() {
    sink.failAlways(Kind.NOT_SENT);
    try (var client = builder().build()) {
      SendResult result = client.send(message("m1").build());
      assertThat(result.status()).isEqualTo(SendStatus.FAILED);
      assertThat(result.accepted()).isFalse();
    }
  }

  @Test
  void when_queue_and_store_are_down_the_message_has_failed_and_both_reasons_are_told() {
    sink.failAlways(Kind.NOT_SENT);
    try (var client = builder().fallbackStore(new BrokenStore()).build()) {
      SendResult result = client.send(message("m1").build());
      assertThat(result.status()).isEqualTo(SendStatus.FAILED);
      assertThat(result.error()).get().asString().contains("scripted").contains("store is down");
    }
  }

  @Test
  void a_message_the_queue_refuses_is_invalid_and_neither_retried_nor_stored() {
    sink.failAlways(Kind.MESSAGE_REFUSED);
    try (var client = builder().fallbackStore(store).breaker(1, Duration.ofHours(1)).build()) {
      assertThat(client.send(message("m1").build()).status()).isEqualTo(SendStatus.INVALID);
      assertThat(sink.calls()).isEqualTo(1);
      assertThat(store.backlog().byStatus()).isEmpty();
      assertThat(client.queueStatus().breaker()).isEqualTo(BreakerState.CLOSED);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"ACCESS_REFUSED", "BACK_PRESSURE"})
  void what_no_retry_can_help_goes_to_the_store_at_once_and_is_no_fault(Kind kind) {
    sink.failAlways(kind);
    try (var client = builder().fallbackStore(store).breaker(1, Duration.ofHours(1)).build()) {
      assertThat(client.send(message("m1").build()).status()).isEqualTo(SendStatus.STORED);
      assertThat(sink.sends()).isEqualTo(1);
      assertThat(client.queueStatus().breaker()).isEqualTo(BreakerState.CLOSED);
    }
  }

  @Test
  void five_faults_in_a_row_open_the_breaker_and_then_the_queue_is_left_alone() {
    sink.failAlways(Kind.NOT_SENT);
    try (var client = builder().fallbackStore(store).replayPace(slow()).build()) {
      client.send(message("m1").build());
      client.send(message("m2").build());
      assertThat(client.queueStatus().breaker()).isEqualTo(BreakerState.OPEN);
      int sends = sink.sends();
      assertThat(client.send(message("m3").build()).status()).isEqualTo(SendStatus.STORED);
      assertThat(client.send(message("m4").build()).error()).get().asString().contains("breaker");
      assertThat(sink.sends()).isEqualTo(sends);
    }
  }

  @Test
  void after_its_delay_one_trial_closes_the_breaker() throws Exception {
    sink.failAlways(Kind.NOT_SENT);
    try (var client = builder().maxRetries(0).breaker(1, Duration.ofMillis(1)).build()) {
      client.send(message("m1").build());
      sink.failAlways(null);
      CompletableFuture<Void> tried = new CompletableFuture<>();
      tried.completeOnTimeout(null, 20, TimeUnit.MILLISECONDS).get(1, TimeUnit.SECONDS);
      assertThat(client.send(message("m2").build()).status()).isEqualTo(SendStatus.QUEUED);
      assertThat(client.queueStatus().breaker()).isEqualTo(BreakerState.CLOSED);
    }
  }

  @Test
  void a_batch_is_answered_item_by_item() {
    List<OnlyFansMessage> batch = new ArrayList<>(messages(25));
    batch.set(7, OnlyFansMessage.builder().messageId("bad").build());
    try (var client = builder().build()) {
      List<SendResult> results = client.sendBatch(batch);
      assertThat(results.stream().map(SendResult::messageId))
          .isEqualTo(batch.stream().map(OnlyFansMessage::messageId).toList());
      assertThat(results.get(7).status()).isEqualTo(SendStatus.INVALID);
      assertThat(results.stream().filter(SendResult::accepted)).hasSize(24);
      assertThat(sink.ids()).hasSize(24);
      assertThat(client.sendBatch(List.of())).isEmpty();
    }
  }

  @Test
  void of_a_batch_only_what_failed_is_tried_again() {
    sink.failOnce(message -> message.messageId().equals("m3"));
    try (var client = builder().build()) {
      List<SendResult> results = client.sendBatch(messages(5));
      assertThat(results).allMatch(SendResult::accepted);
      assertThat(sink.ids()).containsExactly("m0", "m1", "m2", "m4", "m3");
      assertThat(sink.calls()).isEqualTo(2);
    }
  }

  @Test
  void an_asynchronous_send_completes_when_the_queue_has_the_message() throws Exception {
    try (var client = builder().build()) {
      List<CompletableFuture<SendResult>> futures =
          messages(500).stream().map(client::sendAsync).toList();
      for (CompletableFuture<SendResult> future : futures) {
        assertThat(future.get(10, TimeUnit.SECONDS).status()).isEqualTo(SendStatus.QUEUED);
      }
      assertThat(sink.ids()).hasSize(500).doesNotHaveDuplicates();
    }
  }

  @Test
  void asynchronous_sends_that_wait_together_travel_together() throws Exception {
    try (var client = builder().build()) {
      List<CompletableFuture<SendResult>> futures =
          messages(2_000).stream().map(client::sendAsync).toList();
      for (CompletableFuture<SendResult> future : futures) {
        assertThat(future.get(10, TimeUnit.SECONDS).status()).isEqualTo(SendStatus.QUEUED);
      }
      assertThat(sink.ids()).hasSize(2_000).doesNotHaveDuplicates();
      assertThat(sink.calls()).isLessThan(2_000);
    }
  }

  @Test
  void a_full_asynchronous_buffer_is_an_outcome() throws Exception {
    CountDownLatch gate = new CountDownLatch(1);
    MessageSink stuck =
        message -> {
          awaitQuietly(gate);
          return new SinkResult.Taken(Optional.empty());
        };
    try (var client =
        RateLimitedOnlyFansClient.builder()
            .sink(stuck)
            .queueCapacity(1)
            .sendDeadline(Duration.ofNanos(1))
            .build()) {
      List<CompletableFuture<SendResult>> futures =
          messages(1_000).stream().map(client::sendAsync).toList();
      long full =
          futures.stream()
              .filter(CompletableFuture::isDone)
              .filter(future -> future.join().status() == SendStatus.RATE_LIMITED)
              .count();
      // Thirty-two threads hold ten each at most, and one more may wait.
      assertThat(full).isGreaterThanOrEqualTo(1_000 - 32 * 10 - 1);
      gate.countDown();
      for (CompletableFuture<SendResult> future : futures) {
        future.get(10, TimeUnit.SECONDS);
      }
    }
  }

  @Test
  void closing_stores_what_still_waited_for_a_thread() throws Exception {
    CountDownLatch gate = new CountDownLatch(1);
    MessageSink stuck =
        message -> {
          awaitQuietly(gate);
          return new SinkResult.Taken(Optional.empty());
        };
    var client =
        RateLimitedOnlyFansClient.builder()
            .sink(stuck)
            .fallbackStore(store)
            .replayPace(slow())
            .build();
    List<CompletableFuture<SendResult>> futures =
        messages(1_000).stream().map(client::sendAsync).toList();
    client.close(Duration.ofMillis(50));
    gate.countDown();
    int stored = 0;
    for (CompletableFuture<SendResult> future : futures) {
      SendResult result = future.get(10, TimeUnit.SECONDS);
      assertThat(result.accepted()).isTrue();
      stored += result.status() == SendStatus.STORED ? 1 : 0;
    }
    assertThat(stored).isGreaterThanOrEqualTo(1_000 - 32 * 10);
    assertThat(store.backlog().waiting()).isEqualTo(stored);
  }

  @Test
  void misuse_is_an_exception() {
    var client = builder().build();
    assertThatThrownBy(() -> client.send(null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> client.sendBatch(Arrays.asList(message("m").build(), null)))
        .isInstanceOf(NullPointerException.class);
    assertThat(sink.calls()).isZero();
    client.close();
    client.close();
    assertThatThrownBy(() -> client.send(message("m").build()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThatThrownBy(() -> client.sendAsync(message("m").build()))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void a_client_needs_a_sink_and_a_limit_for_every_call() {
    assertThatThrownBy(() -> RateLimitedOnlyFansClient.builder().build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("sink");
    assertThatThrownBy(
            () -> builder().directGateway((m, timeout) -> GatewayResponse.of(200)).build())
        .hasMessageContaining("tokenBucket");
    assertThatThrownBy(() -> builder().maxRetries(-1)).hasMessageContaining("maxRetries");
    assertThatThrownBy(() -> builder().sendDeadline(Duration.ZERO))
        .hasMessageContaining("sendDeadline");
    assertThatThrownBy(() -> builder().queueCapacity(0)).hasMessageContaining("queueCapacity");
  }

  @Test
  void switched_off_without_a_direct_way_is_disabled() {
    try (var client = builder().rateLimiterSwitch(RateLimiterSwitch.off()).build()) {
      SendResult result = client.send(message("m1").build());
      assertThat(result.status()).isEqualTo(SendStatus.DISABLED);
      assertThat(sink.calls()).isZero();
    }
  }

  @Test
  void switched_off_sends_directly_under_the_same_limit() {
    AtomicInteger calls = new AtomicInteger();
    RateLimiterSwitch theSwitch = RateLimiterSwitch.off();
    try (var client =
        builder()
            .rateLimiterSwitch(theSwitch)
            .tokenBucket(InMemoryTokenBucket.of(RateLimit.rolling(2, Duration.ofMinutes(1))))
            .directGateway(
                (message, timeout) -> {
                  calls.incrementAndGet();
                  return GatewayResponse.of(200);
                })
            .build()) {
      assertThat(client.send(message("m1").build()).status()).isEqualTo(SendStatus.SENT);
      assertThat(client.send(message("m1").build()).status())
          .as("the same id is not sent twice")
          .isEqualTo(SendStatus.SENT);
      SendResult third = client.send(message("m3").build());
      assertThat(third.status()).isEqualTo(SendStatus.RATE_LIMITED);
      assertThat(third.retryAfter().get())
          .isBetween(Duration.ofSeconds(50), Duration.ofSeconds(61));
      assertThat(calls).hasValue(1);
      theSwitch.set(100);
      assertThat(client.send(message("m4").build()).status()).isEqualTo(SendStatus.QUEUED);
    }
  }

  @Test
  void a_metrics_sink_that_throws_changes_no_outcome() {
    MetricsSink broken =
        new MetricsSink() {
          @Override
          public void messageQueued(Priority priority, Duration latency) {
            throw new IllegalStateException("metrics are down");
          }
        };
    AtomicInteger heard = new AtomicInteger();
    MetricsSink healthy =
        new MetricsSink() {
          @Override
          public void messageQueued(Priority priority, Duration latency) {
            heard.incrementAndGet();
          }
        };
    try (var client = builder().metrics(broken.andThen(healthy)).build()) {
      assertThat(client.send(message("m1").build()).status()).isEqualTo(SendStatus.QUEUED);
      assertThat(heard).hasValue(1);
    }
  }

  @Test
  void status_names_a_part_that_does_not_answer_and_still_shows_the_others() {
    MessageSink blind =
        new MessageSink() {
          @Override
          public SinkResult.Taken send(OutboundMessage message) {
            return new SinkResult.Taken(Optional.empty());
          }

          @Override
          public QueueDepth depth() {
            throw ScriptedSink.failure(Kind.NOT_SENT);
          }
        };
    try (var client =
        RateLimitedOnlyFansClient.builder().sink(blind).fallbackStore(store).build()) {
      QueueStatus status = client.queueStatus();
      assertThat(status.faults()).containsExactly("queue: scripted");
      assertThat(status.fallback()).map(FallbackBacklog::waiting).contains(0L);
      assertThat(status.bucket()).isEmpty();
    }
  }

  @Test
  void stored_messages_are_replayed_by_themselves_with_their_ids() throws Exception {
    sink.failAlways(Kind.NOT_SENT);
    CountDownLatch replayed = new CountDownLatch(3);
    MetricsSink metrics =
        new MetricsSink() {
          @Override
          public void messageReplayed(Priority priority) {
            replayed.countDown();
          }
        };
    try (var client = builder().fallbackStore(store).metrics(metrics).maxRetries(0).build()) {
      messages(3).forEach(client::send);
      sink.failAlways(null);
      assertThat(replayed.await(20, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(sink.ids()).containsExactlyInAnyOrder("m0", "m1", "m2");
    assertThat(store.backlog().count(StoredStatus.QUEUED)).isEqualTo(3);
  }

  private static RateLimit slow() {
    return RateLimit.rolling(1, Duration.ofHours(1));
  }

  private static void awaitQuietly(CountDownLatch gate) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static class BrokenStore implements FallbackStore {
    @Override
    public void store(OutboundMessage message, String error) {
      throw new FallbackException("the store is down", null);
    }

    @Override
    public void hold(OutboundMessage message, String reason) {
      throw new FallbackException("the store is down", null);
    }

    @Override
    public List<StoredMessage> claim(int max, Duration lease) {
      throw new FallbackException("the store is down", null);
    }

    @Override
    public int replayed(List<StoredMessage> claimed) {
      return 0;
    }

    @Override
    public boolean failed(StoredMessage claimed, String error, Duration retryIn) {
      return false;
    }

    @Override
    public boolean dead(StoredMessage claimed, String error) {
      return false;
    }

    @Override
    public Set<String> waiting(Set<String> creators) {
      throw new FallbackException("the store is down", null);
    }

    @Override
    public int release(List<StoredMessage> claimed, Duration retryIn) {
      return 0;
    }

    @Override
    public int purge(Duration age, int max) {
      return 0;
    }

    @Override
    public FallbackBacklog backlog() {
      throw new FallbackException("the store is down", null);
    }
  }
}
