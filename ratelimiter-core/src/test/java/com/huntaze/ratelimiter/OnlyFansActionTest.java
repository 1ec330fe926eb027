package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.InMemoryResultStore;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** An action that is no message goes the way of a message. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class OnlyFansActionTest {
  private final InMemoryResultStore results = new InMemoryResultStore(10);
  private static final String SECRET = "s3cr3t-url";

  private final ScriptedSink sink = new ScriptedSink();
  private final InMemoryFallbackStore store = new InMemoryFallbackStore();

  private RateLimitedOnlyFansClient.Builder builder() {
    return RateLimitedOnlyFansClient.builder()
        .sink(sink)
        .fallbackStore(store)
        .retryBase(Duration.ofNanos(1));
  }

  private static OnlyFansAction.Builder scrape() {
    return OnlyFansAction.scrapeProfile("https://example.com/" + SECRET).userId("u");
  }

  @Test
  void an_action_is_queued_as_it_was_given() {
    try (var client = builder().build()) {
      SendResult result =
          client.submit(
              scrape()
                  .messageId("a1")
                  .creatorId("alice")
                  .recipientId("fan")
                  .priority(Priority.HIGH)
                  .workflowId("w")
                  .traceId("t")
                  .metadata(Map.of("k", List.of(1, "two")))
                  .build());
      assertThat(result.status()).isEqualTo(SendStatus.QUEUED);
      assertThat(result.messageId()).isEqualTo("a1");
      assertThat(sink.taken())
          .containsExactly(
              OutboundMessage.builder("a1", "u", result.queuedAt().orElseThrow())
                  .action("scrape_profile")
                  .creatorId("alice")
                  .recipientId("fan")
                  .profileUrl("https://example.com/" + SECRET)
                  .priority(Priority.HIGH)
                  .workflowId("w")
                  .traceId("t")
                  .metadata(Map.of("k", List.of(1, "two")))
                  .build());
    }
  }

  @Test
  void each_action_carries_what_it_needs_and_gets_a_random_uuid() {
    try (var client = builder().build()) {
      client.submit(OnlyFansAction.getMessages().userId("u").build());
      client.submit(OnlyFansAction.downloadMedia("https://h/a.jpg").userId("u").build());
      assertThat(sink.taken().get(0).action()).isEqualTo("get_messages");
      assertThat(sink.taken().get(1).action()).isEqualTo("download_media");
      assertThat(sink.taken().get(1).mediaUrls()).containsExactly("https://h/a.jpg");
      assertThat(sink.taken())
          .allSatisfy(
              message ->
                  assertThat(message.messageId())
                      .matches(
                          "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"))
          .allSatisfy(message -> assertThat(message.isRead()).isTrue());
      assertThat(sink.ids()).doesNotHaveDuplicates();
    }
  }

  @Test
  void every_violation_is_told_at_once_and_no_url_is_shown() {
    try (var client = builder().build()) {
      SendResult result =
          client.submit(
              OnlyFansAction.downloadMedia("ftp://" + SECRET)
                  .messageId("with space")
                  .creatorId("c".repeat(129))
                  .recipientId(" ")
                  .traceId("")
                  .metadata(Map.of("priority", 1))
                  .build());
      assertThat(result.status()).isEqualTo(SendStatus.INVALID);
      assertThat(result.violations().stream().map(each -> each.field() + " " + each.rule()))
          .containsExactlyInAnyOrder(
              "messageId Pattern",
              "userId NotBlank",
              "creatorId Size",
              "recipientId Pattern",
              "traceId Size",
              "mediaUrl Pattern",
              "metadata Reserved");
      assertThat(result.toString()).doesNotContain(SECRET);
      assertThat(sink.calls()).isZero();
    }
  }

  @Test
  void the_url_an_action_needs_is_required_and_bounded() {
    try (var client = builder().build()) {
      for (String bad :
          new String[] {null, "", "file:///etc/passwd", "https://h/" + "x".repeat(2_048)}) {
        assertThat(
                client.submit(OnlyFansAction.scrapeProfile(bad).userId("u").build()).violations())
            .extracting(Violation::field)
            .containsExactly("profileUrl");
        assertThat(
                client.submit(OnlyFansAction.downloadMedia(bad).userId("u").build()).violations())
            .extracting(Violation::field)
            .containsExactly("mediaUrl");
      }
    }
  }

  @Test
  void an_action_the_queue_cannot_take_is_retried_and_then_stored() throws Exception {
    try (var client = builder().build()) {
      sink.failAlways(Kind.NOT_SENT);
      assertThat(client.submit(scrape().messageId("a1").build()).status())
          .isEqualTo(SendStatus.STORED);
      assertThat(sink.calls()).isEqualTo(4);
      assertThat(store.claim(1, Duration.ofMinutes(1)))
          .singleElement()
          .satisfies(
              stored -> {
                assertThat(stored.message().action()).isEqualTo("scrape_profile");
                assertThat(stored.message().profileUrl()).contains("https://example.com/" + SECRET);
              });
    }
  }

  private RateLimitedOnlyFansClient directly(OnlyFansGateway gateway) {
    return builder()
        .rateLimiterSwitch(RateLimiterSwitch.off())
        .tokenBucket(InMemoryTokenBucket.of(RateLimit.rolling(1, Duration.ofMinutes(1))))
        .directGateway(gateway)
        .results(results)
        .build();
  }

  @Test
  void with_the_switch_off_an_action_is_done_directly_under_the_limit() {
    try (var client = directly((message, timeout) -> GatewayResponse.of(200))) {
      assertThat(client.submit(scrape().build()).status()).isEqualTo(SendStatus.SENT);
      assertThat(results.latest()).hasSize(1);
      SendResult second = client.submit(scrape().build());
      assertThat(second.status()).isEqualTo(SendStatus.RATE_LIMITED);
      assertThat(second.retryAfter()).isPresent();
      assertThat(sink.calls()).isZero();
    }
  }

  @Test
  void what_is_read_needs_a_place_where_this_process_keeps_it() {
    AtomicInteger calls = new AtomicInteger();
    OnlyFansGateway gateway =
        (message, timeout) -> {
          calls.incrementAndGet();
          return GatewayResponse.of(200);
        };
    try (var client =
        builder()
            .rateLimiterSwitch(RateLimiterSwitch.off())
            .tokenBucket(InMemoryTokenBucket.of(RateLimit.rolling(1, Duration.ofMinutes(1))))
            .directGateway(gateway)
            .build()) {
      SendResult result = client.submit(scrape().build());
      assertThat(result.status()).isEqualTo(SendStatus.FAILED);
      assertThat(result.error().orElseThrow()).contains("results");
    }
    try (var client =
        RateLimitedOnlyFansClient.embedded(gateway, RateLimit.rolling(1, Duration.ofMinutes(1)))) {
      assertThatThrownBy(() -> client.submit(scrape().build()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("results");
    }
    assertThat(calls).hasValue(0);
  }

  @Test
  void with_the_switch_off_and_no_gateway_it_is_disabled() {
    try (var client = builder().rateLimiterSwitch(RateLimiterSwitch.off()).build()) {
      assertThat(client.submit(scrape().build()).status()).isEqualTo(SendStatus.DISABLED);
    }
  }

  @Test
  void an_action_the_direct_gateway_does_not_know_takes_no_permit() {
    AtomicInteger calls = new AtomicInteger();
    OnlyFansGateway messagesOnly =
        new OnlyFansGateway() {
          @Override
          public GatewayResponse call(OutboundMessage message, Duration timeout) {
            calls.incrementAndGet();
            return GatewayResponse.of(200);
          }

          @Override
          public boolean supports(String action) {
            return action.equals(OutboundMessage.SEND_MESSAGE);
          }
        };
    try (var client = directly(messagesOnly)) {
      SendResult result = client.submit(scrape().build());
      assertThat(result.status()).isEqualTo(SendStatus.FAILED);
      assertThat(result.error().orElseThrow()).contains("scrape_profile");
      assertThat(calls).hasValue(0);
      assertThat(
              client
                  .send(OnlyFansMessage.builder().userId("u").recipientId("r").content("c").build())
                  .status())
          .isEqualTo(SendStatus.SENT);
    }
  }

  @Test
  void no_text_of_it_shows_a_url_or_metadata() {
    OnlyFansAction action = scrape().messageId("a1").metadata(Map.of("k", SECRET)).build();
    assertThat(action.toString()).contains("a1", "scrape_profile").doesNotContain(SECRET);
  }

  @Test
  void null_and_a_closed_client_are_misuse() {
    RateLimitedOnlyFansClient client = builder().build();
    assertThatThrownBy(() -> client.submit(null)).isInstanceOf(NullPointerException.class);
    client.close();
    assertThatThrownBy(() -> client.submit(scrape().build()))
        .isInstanceOf(IllegalStateException.class);
  }
}
