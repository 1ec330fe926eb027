package com.huntaze.ratelimiter.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.huntaze.ratelimiter.queue.PayloadException.Reason;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
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

  private static List<PayloadCodec> bothShapes() {
    return List.of(PayloadCodec.standard(), PayloadCodec.workflow());
  }

  @Test
  void an_action_is_written_and_read_back_in_both_shapes() {
    OutboundMessage scrape =
        OutboundMessage.builder("m-1", "user_42", NOW)
            .action(OutboundMessage.SCRAPE_PROFILE)
            .creatorId("alice")
            .profileUrl("https://example.com/p")
            .build();
    assertThat(PayloadCodec.standard().encode(scrape))
        .contains("\"action\":\"scrape_profile\",", "\"profileUrl\":\"https://example.com/p\",");
    assertThat(PayloadCodec.workflow().encode(scrape))
        .contains("\"action\":\"scrape_profile\",", "\"profile_url\":\"https://example.com/p\",");
    OutboundMessage download =
        OutboundMessage.builder("m-1", "user_42", NOW)
            .action(OutboundMessage.DOWNLOAD_MEDIA)
            .creatorId("alice")
            .mediaUrls(List.of("https://example.com/a.jpg"))
            .build();
    OutboundMessage read =
        OutboundMessage.builder("m-1", "user_42", NOW)
            .action(OutboundMessage.GET_MESSAGES)
            .creatorId("alice")
            .build();
    for (OutboundMessage action : List.of(scrape, download, read)) {
      for (PayloadCodec codec : bothShapes()) {
        assertThat(codec.decode(codec.encode(action))).isEqualTo(action);
        assertThat(codec.decode(codec.encode(action.withRevival(1))))
            .isEqualTo(action.withRevival(1));
        assertThat(codec.decode(codec.encode(action)).unknownFields()).isEmpty();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "send_message, recipientId, recipient_id",
    "send_message, content, message_content",
    "download_media, mediaUrls, media_urls",
    "scrape_profile, profileUrl, profile_url"
  })
  void what_an_action_cannot_do_without_is_required_and_named(
      String action, String standard, String workflow) {
    OutboundMessage whole =
        message()
            .action(action)
            .mediaUrls(List.of("https://h/a"))
            .profileUrl("https://h/p")
            .build();
    for (PayloadCodec codec : bothShapes()) {
      String field = codec == PayloadCodec.standard() ? standard : workflow;
      String body = codec.encode(whole).replace("\"" + field + "\":", "\"other\":");
      assertThat(codec.decode(codec.encode(whole))).isNotNull();
      assertThatThrownBy(() -> codec.decode(body))
          .isInstanceOfSatisfying(
              PayloadException.class, e -> assertThat(e.reason()).isEqualTo(Reason.MISSING_FIELD))
          .hasMessageContaining(field);
    }
  }

  @Test
  void two_profiles_of_one_instant_have_two_ids() {
    String form =
        "{\"action\":\"scrape_profile\",\"creator_id\":\"alice\",\"profile_url\":\"https://h/%s\","
            + "\"timestamp\":\"2026-01-02T03:04:05Z\"}";
    assertThat(PayloadCodec.workflow().decode(form.formatted("a")).messageId())
        .isEqualTo(PayloadCodec.workflow().decode(form.formatted("a")).messageId())
        .isNotEqualTo(PayloadCodec.workflow().decode(form.formatted("b")).messageId());
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "-1, -1",
    "2147483648, 2147483648",
    "9223372036854775808, 9223372036854775808",
    "0.1, 0.1",
    "-0.0, -0.0",
    "1.10, 1.1",
    "1e400, 1E+400",
    "12345678901234567890.123, 12345678901234567890.123",
    "0.10000000000000000000000000000010, 0.1000000000000000000000000000001",
    "1e-999999999, 1E-999999999"
  })
  void a_number_keeps_its_value_in_both_shapes(String number, String written) {
    String body =
        "{\"messageId\":\"m\",\"userId\":\"u\",\"recipientId\":\"r\",\"content\":\"c\","
            + "\"timestamp\":\"2026-01-02T03:04:05Z\",\"n\":"
            + number
            + "}";
    OutboundMessage read = PayloadCodec.standard().decode(body);
    for (PayloadCodec codec : bothShapes()) {
      String encoded = codec.encode(read);
      assertThat(encoded).endsWith("\"n\":" + written + "}");
      assertThat(codec.decode(encoded).unknownFields()).isEqualTo(read.unknownFields());
    }
  }

  @Test
  void a_number_equals_itself_after_the_way_whatever_type_the_caller_gave_it() {
    List<Number> numbers =
        List.of(
            (byte) 1,
            (short) 2,
            3,
            4L,
            5L << 40,
            0.1f,
            0.1,
            1e300,
            new BigInteger("6"),
            BigInteger.TWO.pow(80),
            new BigDecimal("7"),
            new BigDecimal("1.10"),
            new BigDecimal("1e30"),
            new BigDecimal("0.1234567890123456789012345678900"));
    OutboundMessage given =
        message().creatorId("alice").metadata(Map.of("numbers", numbers)).build();
    for (PayloadCodec codec : bothShapes()) {
      OutboundMessage read = codec.decode(codec.encode(given));
      assertThat(read).isEqualTo(given);
      assertThat(read.isSameAs(given)).isTrue();
    }
  }

  /** Values of every kind, nested, with names and texts that need care. */
  private static Object randomValue(SplittableRandom random, int depth) {
    return switch (random.nextInt(depth > 0 ? 9 : 7)) {
      case 0 -> random.nextInt();
      case 1 -> random.nextLong();
      case 2 -> Double.longBitsToDouble(random.nextLong() & ~(1L << 62));
      case 3 ->
          new BigDecimal(
              new BigInteger(120, new Random(random.nextLong())), random.nextInt(-40, 40));
      case 4 -> new BigInteger(random.nextInt(1, 200), new Random(random.nextLong()));
      case 5 -> random.nextBoolean();
      case 6 -> randomText(random);
      case 7 ->
          IntStream.range(0, random.nextInt(4))
              .mapToObj(i -> randomValue(random, depth - 1))
              .toList();
      default -> {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          map.put(
              randomText(random), random.nextInt(5) == 0 ? null : randomValue(random, depth - 1));
        }
        yield map;
      }
    };
  }

  private static String randomText(SplittableRandom random) {
    String alphabet = "aZ09 \"\\/\b\f\n\r\t\u0001\u007f\u0085\u2028é€👋";
    int[] points = alphabet.codePoints().toArray();
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(12); i > 0; i--) {
      text.appendCodePoint(points[random.nextInt(points.length)]);
    }
    return text.toString();
  }

  @Test
  void whatever_json_a_caller_gives_comes_back_equal() {
    long seed = System.nanoTime();
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < 2_000; i++) {
      OutboundMessage given =
          message()
              .creatorId("alice")
              .metadata(Map.of("m", randomValue(random, 4)))
              .unknownFields(Map.of("u", randomValue(random, 4)))
              .build();
      for (PayloadCodec codec : bothShapes()) {
        assertThat(codec.decode(codec.encode(given)))
            .as("seed %d, value %d", seed, i)
            .isEqualTo(given);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "131015778826398246363289802434523366.0",
        "9007199254740993.00",
        "1.0",
        "-0.0",
        "1e2",
        "12345678901234567890123e2",
        "0.10",
        "123456789012345678901.50"
      })
  void a_number_comes_back_equal_however_it_was_written(String text) {
    OutboundMessage given =
        message().creatorId("alice").metadata(Map.of("m", new BigDecimal(text))).build();
    for (PayloadCodec codec : bothShapes()) {
      assertThat(codec.decode(codec.encode(given))).isEqualTo(given);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "{}}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "[1,]",
        "nul",
        "01",
        "+1",
        "NaN",
        "{\"a\":{\"b\":1,\"b\":2}}",
        "{\"a\":1e99999999999}",
        "// c\n{}",
        "'a'",
        "\uFEFF"
      })
  void what_is_not_json_is_refused(String body) {
    assertThatThrownBy(() -> PayloadCodec.decodeEither(body))
        .isInstanceOf(PayloadException.class)
        .hasMessageContaining("NOT_JSON");
  }

  @Test
  void thirty_two_levels_are_read_and_one_more_is_not() {
    String form =
        "{\"messageId\":\"m\",\"userId\":\"u\",\"recipientId\":\"r\",\"content\":\"c\","
            + "\"timestamp\":\"2026-01-02T03:04:05Z\",\"deep\":%s}";
    PayloadCodec.decodeEither(form.formatted("[".repeat(31) + "]".repeat(31)));
    assertThatThrownBy(
            () -> PayloadCodec.decodeEither(form.formatted("[".repeat(32) + "]".repeat(32))))
        .hasMessageContaining("NOT_JSON");
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
            .profileUrl("https://S3CRET")
            .metadata(Map.of("k", "S3CRET"))
            .build();
    assertThat(message.toString()).doesNotContain("S3CRET").contains("m-1");
    assertThat(ReceivedMessage.of("h", message, 1).toString()).doesNotContain("S3CRET");
  }
}
