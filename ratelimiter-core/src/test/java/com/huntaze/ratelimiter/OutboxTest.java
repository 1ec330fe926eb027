package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A message that is accepted within the caller's own transaction. */
@Timeout(60)
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class OutboxTest {
  private final InMemoryFallbackStore store = new InMemoryFallbackStore();
  private final ScriptedSink sink = new ScriptedSink();
  private final List<OutboundMessage> accepted = new ArrayList<>();

  private static OnlyFansMessage.Builder message() {
    return OnlyFansMessage.builder().userId("user_42").recipientId("fan_7").content("hello");
  }

  private RateLimitedOnlyFansClient client() {
    return RateLimitedOnlyFansClient.builder().sink(sink).build();
  }

  @Test
  void an_accepted_message_is_handed_to_the_transaction_with_its_id_and_goes_nowhere_else() {
    try (var client = client()) {
      SendResult result =
          client.outbox(
              message().creatorId("alice").priority(Priority.HIGH).metadata(Map.of("k", 1)).build(),
              accepted::add);
      assertThat(result.status()).isEqualTo(SendStatus.STORED);
      assertThat(result.accepted()).isTrue();
      assertThat(accepted).hasSize(1);
      OutboundMessage message = accepted.get(0);
      assertThat(message.messageId()).isEqualTo(result.messageId()).isNotBlank();
      assertThat(message.creator()).isEqualTo("alice");
      assertThat(message.content()).contains("hello");
      assertThat(message.metadata()).containsEntry("k", 1);
      assertThat(result.queuedAt()).contains(message.timestamp());
    }
    assertThat(sink.calls()).isZero();
  }

  @Test
  void an_invalid_message_opens_no_transaction() {
    try (var client = client()) {
      SendResult result = client.outbox(message().content(" ").build(), accepted::add);
      assertThat(result.status()).isEqualTo(SendStatus.INVALID);
    }
    assertThat(accepted).isEmpty();
  }

  @Test
  void a_user_whose_switch_is_off_opens_no_transaction() {
    try (var client =
        RateLimitedOnlyFansClient.builder()
            .sink(sink)
            .rateLimiterSwitch(RateLimiterSwitch.off())
            .build()) {
      SendResult result = client.outbox(message().build(), accepted::add);
      assertThat(result.status()).isEqualTo(SendStatus.DISABLED);
    }
    assertThat(accepted).isEmpty();
  }

  @Test
  void what_the_transaction_throws_is_passed_on_so_that_it_rolls_back() {
    RuntimeException fault = new IllegalStateException("constraint violated");
    try (var client = client()) {
      assertThatThrownBy(
              () ->
                  client.outbox(
                      message().build(),
                      accepted -> {
                        throw fault;
                      }))
          .isSameAs(fault);
      assertThat(client.send(message().build()).status()).isEqualTo(SendStatus.QUEUED);
    }
  }

  @Test
  void a_closed_client_and_nulls_are_misuse() {
    RateLimitedOnlyFansClient client = client();
    assertThatThrownBy(() -> client.outbox(null, accepted::add))
        .isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> client.outbox(message().build(), null))
        .isInstanceOf(NullPointerException.class);
    client.close();
    assertThatThrownBy(() -> client.outbox(message().build(), accepted::add))
        .isInstanceOf(IllegalStateException.class);
    assertThat(accepted).isEmpty();
  }

  @Test
  void what_was_committed_is_sent_by_the_replayer() throws Exception {
    CountDownLatch sent = new CountDownLatch(1);
    List<String> ids = new ArrayList<>();
    try (var client =
        RateLimitedOnlyFansClient.builder()
            .sink(
                message -> {
                  ids.add(message.messageId());
                  sent.countDown();
                  return new SinkResult.Taken(Optional.empty());
                })
            .fallbackStore(store)
            .replayer(settings -> settings.idle(Duration.ofMillis(10)))
            .build()) {
      SendResult result =
          client.outbox(message().build(), accepted -> store.store(accepted, "outbox"));
      assertThat(sent.await(20, TimeUnit.SECONDS)).isTrue();
      assertThat(ids).containsExactly(result.messageId());
    }
  }
}
