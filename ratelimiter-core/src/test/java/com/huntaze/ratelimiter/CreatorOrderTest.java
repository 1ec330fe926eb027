package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.fallback.NotQueued;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A creator's messages keep their order between queue and store, where the queue keeps one. */
@Timeout(60)
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class CreatorOrderTest {
  private final AtomicLong now = new AtomicLong();
  private final List<String> taken = new ArrayList<>();
  private final List<List<String>> calls = new ArrayList<>();
  private final List<Set<String>> asked = new ArrayList<>();
  private final List<List<String>> storedAtOnce = new ArrayList<>();
  private final InMemoryFallbackStore kept = new InMemoryFallbackStore();
  private final Map<String, Integer> failuresLeft = new HashMap<>();
  private Kind failure = Kind.NOT_SENT;
  private boolean ordered = true;
  private @Nullable RuntimeException storeFault;
  private Predicate<OutboundMessage> refusedByStore = message -> false;

  /** Takes each message on its own merits, so that all care for order is the client's. */
  private final MessageSink sink =
      new MessageSink() {
        @Override
        public SinkResult.Taken send(OutboundMessage message) {
          calls.add(List.of(message.messageId()));
          return put(message);
        }

        private SinkResult.Taken put(OutboundMessage message) {
          int left = failuresLeft.getOrDefault(message.messageId(), 0);
          if (left > 0) {
            failuresLeft.put(message.messageId(), left - 1);
            throw new SinkException(failure, "scripted", null);
          }
          taken.add(message.messageId());
          return new SinkResult.Taken(Optional.empty());
        }

        @Override
        public List<SinkResult> sendAll(List<OutboundMessage> messages) {
          calls.add(messages.stream().map(OutboundMessage::messageId).toList());
          List<SinkResult> results = new ArrayList<>();
          for (OutboundMessage message : messages) {
            try {
              results.add(put(message));
            } catch (SinkException e) {
              results.add(new SinkResult.NotTaken(e));
            }
          }
          return results;
        }

        @Override
        public boolean keepsOrder() {
          return ordered;
        }
      };

  private final ForwardingStore store =
      new ForwardingStore(kept) {
        @Override
        public List<StoredMessage> claim(int max, Duration lease) {
          return List.of(); // no replay while the test looks
        }

        @Override
        public void store(OutboundMessage message, String error) {
          if (refusedByStore.test(message)) {
            throw new FallbackException("the store refuses it", null);
          }
          super.store(message, error);
        }

        @Override
        public List<Optional<FallbackException>> storeAll(List<NotQueued> messages) {
          storedAtOnce.add(messages.stream().map(each -> each.message().messageId()).toList());
          return super.storeAll(messages);
        }

        @Override
        public Set<String> waiting(Set<String> creators) {
          asked.add(creators);
          if (storeFault != null) {
            throw storeFault;
          }
          return super.waiting(creators);
        }
      };

  private RateLimitedOnlyFansClient.Builder builder() {
    return RateLimitedOnlyFansClient.builder()
        .sink(sink)
        .fallbackStore(store)
        .ticker(now::get)
        .retryBase(Duration.ofNanos(1));
  }

  private static OnlyFansMessage message(String id) {
    return OnlyFansMessage.builder()
        .messageId(id)
        .userId(id.substring(0, 1))
        .recipientId("r")
        .content("c")
        .build();
  }

  private static List<OnlyFansMessage> messages(String... ids) {
    return List.of(ids).stream().map(CreatorOrderTest::message).toList();
  }

  private static List<SendStatus> statuses(List<SendResult> results) {
    return results.stream().map(SendResult::status).toList();
  }

  private List<String> stored() {
    return kept.claim(100, Duration.ofSeconds(1)).stream()
        .map(each -> each.message().messageId())
        .toList();
  }

  private void waits(String id) {
    kept.store(
        OutboundMessage.builder(id, id.substring(0, 1), java.time.Instant.EPOCH).build(), "down");
  }

  @Test
  void a_message_goes_behind_those_of_its_creator_that_wait_in_the_store() {
    waits("a0");
    try (var client = builder().build()) {
      SendResult behind = client.send(message("a1"));
      assertThat(behind.status()).isEqualTo(SendStatus.STORED);
      assertThat(behind.error())
          .get()
          .asString()
          .contains("behind earlier messages of its creator");
      assertThat(client.send(message("b1")).status()).isEqualTo(SendStatus.QUEUED);
    }
    assertThat(taken).containsExactly("b1");
    assertThat(stored()).containsExactly("a0", "a1");
  }

  @Test
  void in_a_batch_the_store_is_asked_once_and_only_those_behind_are_stored() {
    waits("a0");
    try (var client = builder().build()) {
      assertThat(statuses(client.sendBatch(messages("b1", "a1", "c1", "a2"))))
          .containsExactly(
              SendStatus.QUEUED, SendStatus.STORED, SendStatus.QUEUED, SendStatus.STORED);
    }
    assertThat(asked).containsExactly(Set.of("a", "b", "c"));
    assertThat(taken).containsExactly("b1", "c1");
    assertThat(storedAtOnce).containsExactly(List.of("a1", "a2"));
    assertThat(stored()).containsExactly("a0", "a1", "a2");
  }

  @Test
  void asynchronous_sends_go_behind_too() {
    waits("a0");
    try (var client = builder().build()) {
      List<CompletableFuture<SendResult>> futures =
          messages("a1", "b1", "a2").stream().map(client::sendAsync).toList();
      assertThat(statuses(futures.stream().map(CompletableFuture::join).toList()))
          .containsExactly(SendStatus.STORED, SendStatus.QUEUED, SendStatus.STORED);
    }
    assertThat(stored()).containsExactly("a0", "a1", "a2");
  }

  @Test
  void a_queue_that_keeps_no_order_costs_no_question() {
    ordered = false;
    waits("a0");
    try (var client = builder().build()) {
      client.send(message("a1"));
      client.sendBatch(messages("a2", "a3", "b1"));
      client.sendAsync(message("a4")).join();
    }
    assertThat(asked).isEmpty();
    assertThat(taken).containsExactly("a1", "a2", "a3", "b1", "a4");
  }

  @Test
  void a_store_that_cannot_be_asked_holds_up_nobody_and_is_said_once_each_way() {
    try (LogLines log = new LogLines(RateLimitedOnlyFansClient.class);
        var client = builder().build()) {
      storeFault = new FallbackException("the store is down", null);
      assertThat(client.send(message("a1")).status()).isEqualTo(SendStatus.QUEUED);
      storeFault = new IllegalStateException("quotes a message");
      assertThat(client.send(message("a2")).status()).isEqualTo(SendStatus.QUEUED);
      assertThat(log.at(Level.WARN)).hasSize(1).first().asString().contains("the store is down");
      storeFault = null;
      now.addAndGet(Duration.ofSeconds(1).toNanos());
      client.send(message("a3"));
      storeFault = new IllegalStateException("quotes a message");
      client.send(message("a4"));
      assertThat(log.at(Level.WARN)).hasSize(2).last().asString().doesNotContain("quotes");
    }
    assertThat(taken).containsExactly("a1", "a2", "a3", "a4");
  }

  @Test
  void what_follows_a_message_that_was_stored_is_stored_although_the_queue_would_take_it() {
    failuresLeft.put("a1", 100);
    try (var client = builder().build()) {
      assertThat(statuses(client.sendBatch(messages("a1", "b1", "a2", "b2", "a3"))))
          .containsExactly(
              SendStatus.STORED,
              SendStatus.QUEUED,
              SendStatus.STORED,
              SendStatus.QUEUED,
              SendStatus.STORED);
      assertThat(client.send(message("a4")).status()).isEqualTo(SendStatus.STORED);
    }
    assertThat(taken).containsExactly("b1", "b2");
    assertThat(stored()).containsExactly("a1", "a2", "a3", "a4");
    assertThat(storedAtOnce).containsExactly(List.of("a1", "a2", "a3"));
  }

  @ParameterizedTest
  @EnumSource(
      value = Kind.class,
      names = {"NOT_SENT", "AMBIGUOUS", "THROTTLED"})
  void a_message_that_is_tried_again_is_not_overtaken_meanwhile(Kind kind) {
    failure = kind;
    failuresLeft.put("a1", 2);
    failuresLeft.put("a3", 1);
    try (var client = builder().build()) {
      assertThat(statuses(client.sendBatch(messages("a1", "a2", "b1", "a3", "a4"))))
          .containsOnly(SendStatus.QUEUED);
    }
    assertThat(taken).containsExactly("b1", "a1", "a2", "a3", "a4");
    assertThat(calls)
        .allSatisfy(
            call ->
                assertThat(call.stream().map(id -> id.substring(0, 1))).doesNotHaveDuplicates());
  }

  @ParameterizedTest
  @EnumSource(
      value = Kind.class,
      names = {"ACCESS_REFUSED", "BACK_PRESSURE"})
  void what_no_retry_helps_is_not_overtaken_either(Kind kind) {
    failure = kind;
    failuresLeft.put("a1", 1);
    try (var client = builder().build()) {
      assertThat(statuses(client.sendBatch(messages("a1", "a2", "b1"))))
          .containsExactly(SendStatus.STORED, SendStatus.STORED, SendStatus.QUEUED);
    }
    assertThat(stored()).containsExactly("a1", "a2");
  }

  @Test
  void a_message_the_queue_refuses_for_good_holds_up_nobody() {
    failure = Kind.MESSAGE_REFUSED;
    failuresLeft.put("a1", 1);
    try (var client = builder().build()) {
      assertThat(statuses(client.sendBatch(messages("a1", "a2"))))
          .containsExactly(SendStatus.INVALID, SendStatus.QUEUED);
    }
    assertThat(taken).containsExactly("a2");
  }

  @Test
  void after_a_trial_that_failed_all_are_stored_and_after_one_that_worked_all_are_in_order() {
    failuresLeft.put("a1", 1);
    try (var client = builder().maxRetries(0).breaker(1, Duration.ofSeconds(60)).build()) {
      client.sendBatch(messages("a1", "a2"));
      assertThat(stored()).containsExactly("a1", "a2");
      kept.eraseUser("a");
      now.addAndGet(Duration.ofSeconds(61).toNanos());
      failuresLeft.put("a3", 1);
      assertThat(statuses(client.sendBatch(messages("a3", "b1", "a4"))))
          .containsOnly(SendStatus.STORED);
      kept.eraseUser("a");
      kept.eraseUser("b");
      now.addAndGet(Duration.ofSeconds(61).toNanos());
      assertThat(statuses(client.sendBatch(messages("a5", "b2", "a6", "a7"))))
          .containsOnly(SendStatus.QUEUED);
    }
    assertThat(taken).containsExactly("a5", "b2", "a6", "a7");
  }

  @Test
  void what_the_store_refuses_is_that_messages_failure_and_no_others() {
    ordered = false;
    failuresLeft.putAll(Map.of("a1", 9, "a2", 9, "a3", 9));
    refusedByStore = message -> message.messageId().equals("a2");
    try (var client = builder().maxRetries(0).build()) {
      assertThat(statuses(client.sendBatch(messages("a1", "a2", "a3"))))
          .containsExactly(SendStatus.STORED, SendStatus.FAILED, SendStatus.STORED);
    }
    assertThat(stored()).containsExactly("a1", "a3");
  }

  @Test
  void an_outage_costs_the_store_one_call_for_ten_messages() {
    ordered = false;
    List<String> ids = java.util.stream.IntStream.range(0, 25).mapToObj(i -> "a" + i).toList();
    ids.forEach(id -> failuresLeft.put(id, 9));
    try (var client = builder().maxRetries(0).build()) {
      assertThat(statuses(client.sendBatch(messages(ids.toArray(String[]::new)))))
          .hasSize(25)
          .containsOnly(SendStatus.STORED);
    }
    assertThat(storedAtOnce).extracting(List::size).containsExactly(10, 10, 5);
    assertThat(stored()).isEqualTo(ids);
  }

  @Test
  void a_full_embedded_queue_takes_none_that_follow_one_it_did_not_take() {
    try (var client =
        RateLimitedOnlyFansClient.builder()
            .embedded(
                (message, timeout) -> {
                  throw new AssertionError("no permit, no call");
                },
                RateLimit.rolling(1, Duration.ofHours(1)))
            .queueCapacity(3)
            .fallbackStore(store)
            .build()) {
      List<SendStatus> statuses =
          statuses(client.sendBatch(messages("a1", "a2", "a3", "a4", "a5")));
      assertThat(statuses.subList(3, 5)).containsOnly(SendStatus.STORED);
      assertThat(client.send(message("a6")).status()).isEqualTo(SendStatus.STORED);
    }
  }
}
