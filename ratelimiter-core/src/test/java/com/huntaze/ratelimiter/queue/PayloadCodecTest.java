package com.huntaze.ratelimiter.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.huntaze.ratelimiter.queue.PayloadException.Reason;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class PayloadCodecTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678901Z");

  private static OutboundMessage.Builder message() {
    return OutboundMessage.builder("m-1", "user_42", NOW).recipientId("fan_7").content("Hi 👋");
  }

  private static OutboundMessage full() {
    return message()
        .creatorId("alice")
        .mediaUrls(List.of("https://cdn.example.com/a.jpg"))
        .priority(Priority.HIGH)
        .workflowId("w-1")
        .traceId("t-1")
        .metadata(Map.of("tags", List.of("a", 1)))
        .build();
  }

  @Test
  void the_standard_payload_has_the_names_that_other_readers_know() {
    assertThat(PayloadCodec.standard().encode(full()))
        .isEqualTo(
            "{\"messageId\":\"m-1\",\"userId\":\"user_42\",\"creatorId\":\"alice\","
                + "\"recipientId\":\"fan_7\",\"content\":\"Hi 👋\","
                + "\"mediaUrls\":[\"https://cdn.example.com/a.jpg\"],"
                + "\"timestamp\":\"2026-01-02T03:04:05.678901Z\","
                + "\"metadata\":{\"source\":\"huntaze-app\",\"workflowId\":\"w-1\","
                + "\"traceId\":\"t-1\",\"priority\":\"high\",\"tags\":[\"a\",1]}}");
  }

  @Test
  void optional_fields_are_left_out() {
    assertThat(PayloadCodec.standard().encode(message().build()))
        .isEqualTo(
            "{\"messageId\":\"m-1\",\"userId\":\"user_42\",\"recipientId\":\"fan_7\","
                + "\"content\":\"Hi 👋\",\"timestamp\":\"2026-01-02T03:04:05.678901Z\","
                + "\"metadata\":{\"source\":\"huntaze-app\",\"priority\":\"medium\"}}");
  }

  @Test
  void what_is_written_is_read_back_in_both_shapes() {
    for (PayloadCodec codec : List.of(PayloadCodec.standard(), PayloadCodec.workflow())) {
      assertThat(codec.decode(codec.encode(full()))).isEqualTo(full());
      assertThat(PayloadCodec.decodeEither(codec.encode(full()))).isEqualTo(full());
    }
  }

  @Test
  void how_often_a_message_was_revived_is_written_only_if_it_was_and_read_back_in_both_shapes() {
    OutboundMessage revived = full().withRevival(2);
    for (PayloadCodec codec : List.of(PayloadCodec.standard(), PayloadCodec.workflow())) {
      assertThat(codec.encode(full())).doesNotContain("revival");
      assertThat(codec.encode(revived)).containsOnlyOnce("\"revival\":2,");
      assertThat(codec.decode(codec.encode(revived))).isEqualTo(revived);
      assertThat(codec.decode(codec.encode(revived)).unknownFields()).isEmpty();
      assertThat(codec.decode(codec.encode(full())).revival()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"2\"", "-1", "1.5", "true", "[1]", "99999999999"})
  void a_number_of_revivals_that_is_none_is_refused_in_both_shapes(String wrong) {
    for (PayloadCodec codec : List.of(PayloadCodec.standard(), PayloadCodec.workflow())) {
      String body =
          codec.encode(full().withRevival(7)).replace("\"revival\":7", "\"revival\":" + wrong);
      PayloadException fault =
          catchThrowableOfType(PayloadException.class, () -> codec.decode(body));
      assertThat(fault.reason()).isEqualTo(Reason.WRONG_TYPE);
      assertThat(fault).hasMessageContaining("revival");
    }
  }

  @Test
  void the_workflow_payload_says_normal_and_falls_back_to_user_and_message_id() {
    assertThat(PayloadCodec.workflow().encode(message().build()))
        .isEqualTo(
            "{\"action\":\"send_message\",\"creator_id\":\"user_42\",\"user_id\":\"user_42\","
                + "\"recipient_id\":\"fan_7\",\"message_id\":\"m-1\","
                + "\"timestamp\":\"2026-01-02T03:04:05.678901Z\",\"message_content\":\"Hi 👋\","
                + "\"metadata\":{\"priority\":\"normal\",\"correlation_id\":\"m-1\"}}");
  }

  @Test
  void readers_take_a_top_level_priority_and_a_missing_metadata() {
    OutboundMessage read =
        PayloadCodec.standard()
            .decode(
                "{\"messageId\":\"m\",\"userId\":\"u\",\"recipientId\":\"r\",\"content\":\"c\","
                    + "\"timestamp\":\"2026-01-02T03:04:05+02:00\",\"priority\":\"low\"}");
    assertThat(read.priority()).isEqualTo(Priority.LOW);
    assertThat(read.metadata()).isEmpty();
    assertThat(read.timestamp()).isEqualTo(Instant.parse("2026-01-02T01:04:05Z"));
  }

  @Test
  void unknown_fields_keep_their_names_and_are_kept() {
    String body =
        "{\"messageId\":\"m\",\"userId\":\"u\",\"recipientId\":\"r\",\"content\":\"c\","
            + "\"timestamp\":\"2026-01-02T03:04:05Z\",\"abTest\":{\"arm\":2},"
            + "\"metadata\":{\"priority\":\"low\",\"x\":1}}";
    OutboundMessage read = PayloadCodec.standard().decode(body);
    assertThat(read.unknownFields()).isEqualTo(Map.of("abTest", Map.of("arm", 2)));
    assertThat(PayloadCodec.workflow().encode(read)).contains("\"abTest\":{\"arm\":2}");
    assertThat(PayloadCodec.standard().decode(PayloadCodec.standard().encode(read)))
        .isEqualTo(read);
  }

  @Test
  void a_workflow_payload_without_id_gets_one_that_tells_messages_of_one_instant_apart() {
    String form =
        "{\"action\":\"send_message\",\"creator_id\":\"alice\",\"recipient_id\":\"%s\","
            + "\"timestamp\":\"2026-01-02T03:04:05Z\",\"message_content\":\"%s\"}";
    String first = PayloadCodec.workflow().decode(form.formatted("fan_1", "hi")).messageId();
    assertThat(PayloadCodec.workflow().decode(form.formatted("fan_1", "hi")).messageId())
        .isEqualTo(first);
    assertThat(PayloadCodec.workflow().decode(form.formatted("fan_2", "hi")).messageId())
        .isNotEqualTo(first);
    assertThat(PayloadCodec.workflow().decode(form.formatted("fan_1", "ho")).messageId())
        .isNotEqualTo(first);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "S3CRET | NOT_JSON",
        "{\"messageId\":\"S3CRET | NOT_JSON",
        "{\"a\":1,\"a\":2} | NOT_JSON",
        "{} {} | NOT_JSON",
        "[1] | NOT_AN_OBJECT",
        "\"S3CRET\" | NOT_AN_OBJECT",
        "{} | MISSING_FIELD",
        "{\"messageId\":7} | WRONG_TYPE",
        "{\"messageId\":\"m\",\"userId\":\"u\",\"timestamp\":\"S3CRET\"} | WRONG_TYPE",
        "{\"messageId\":\"m\",\"userId\":\"u\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"recipientId\":\"r\",\"content\":\"c\",\"mediaUrls\":\"S3CRET\"} | WRONG_TYPE",
        "{\"messageId\":\"m\",\"userId\":\"u\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"recipientId\":\"r\",\"content\":\"c\",\"metadata\":[1]} | WRONG_TYPE",
        "{\"messageId\":\"m\",\"userId\":\"u\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"recipientId\":\"r\",\"content\":\"c\",\"priority\":\"S3CRET\"} | WRONG_TYPE"
      })
  void a_body_that_cannot_be_read_is_told_by_reason_and_field_and_never_shown(
      String body, Reason reason) {
    PayloadException fault =
        catchThrowableOfType(PayloadException.class, () -> PayloadCodec.decodeEither(body));
    assertThat(fault.reason()).isEqualTo(reason);
    assertThat(fault).hasMessageNotContaining("S3CRET").hasNoCause();
  }

  @Test
  void deep_nesting_is_refused_before_it_hurts() {
    String deep = "[".repeat(100_000);
    assertThatThrownBy(() -> PayloadCodec.decodeEither("{\"a\":" + deep))
        .isInstanceOf(PayloadException.class)
        .hasMessageContaining("NOT_JSON");
  }

  @Test
  void to_string_shows_no_content() {
    OutboundMessage message =
        message()
            .content("S3CRET")
            .mediaUrls(List.of("https://S3CRET"))
            .metadata(Map.of("k", "S3CRET"))
            .build();
    assertThat(message.toString()).doesNotContain("S3CRET").contains("m-1");
    assertThat(ReceivedMessage.of("h", message, 1).toString()).doesNotContain("S3CRET");
  }
}
