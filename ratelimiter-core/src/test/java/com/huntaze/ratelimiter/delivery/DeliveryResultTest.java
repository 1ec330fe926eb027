package com.huntaze.ratelimiter.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.huntaze.ratelimiter.delivery.DeliveryResult.ErrorType;
import com.huntaze.ratelimiter.delivery.DeliveryResult.Failure;
import com.huntaze.ratelimiter.delivery.DeliveryResult.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class DeliveryResultTest {
  private static final int MAX_BYTES = 256 * 1024;
  private static final Instant ENDED = Instant.parse("2026-11-21T23:59:59.123Z");

  private static DeliveryResult result(
      String messageId, String creatorId, Optional<String> body, Optional<Failure> error) {
    return new DeliveryResult(
        messageId,
        creatorId,
        "send_message",
        error.isPresent() ? Status.FAILURE : Status.SUCCESS,
        ENDED,
        Duration.ofMillis(120),
        Optional.of(new GatewayResponse(200, Optional.of(Duration.ofSeconds(9)), body)),
        error,
        Duration.ofMillis(30),
        Duration.ofMillis(150));
  }

  private static DeliveryResult withBody(String body) {
    return result("m1", "user_42", Optional.of(body), Optional.empty());
  }

  private static JsonNode data(String body) throws Exception {
    return new ObjectMapper().readTree(withBody(body).toJson()).get("response").get("data");
  }

  @Test
  void a_delivery_is_written_in_the_workers_shape() {
    assertThat(withBody("{\"id\": 7}").toJson())
        .isEqualTo(
            "{\"message_id\":\"m1\",\"creator_id\":\"user_42\",\"action\":\"send_message\","
                + "\"status\":\"success\",\"timestamp\":\"2026-11-21T23:59:59.123Z\","
                + "\"duration_ms\":120,\"response\":{\"status_code\":200,\"data\":{\"id\":7}},"
                + "\"metrics\":{\"queue_wait_time_ms\":30,\"scraping_time_ms\":120,"
                + "\"total_time_ms\":150}}");
  }

  @Test
  void a_failure_without_an_answer_has_no_response_and_a_kind() {
    DeliveryResult failed =
        new DeliveryResult(
            "m1",
            "user_42",
            "scrape_profile",
            Status.RATE_LIMITED,
            ENDED,
            Duration.ZERO,
            Optional.empty(),
            Optional.of(new Failure(ErrorType.RATE_LIMIT, "429")),
            Duration.ZERO,
            Duration.ZERO);

    assertThat(failed.toJson())
        .contains("\"status\":\"rate_limited\"")
        .contains("\"error\":{\"type\":\"rate_limit\",\"message\":\"429\"}")
        .doesNotContain("response", "truncated");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[1,2.50,1e5,123456789012345678901234567890,-0]",
        "\"text\"",
        "null",
        "true",
        "{\"a\":{\"b\":[{}]}}",
        "{\"é\":\"🙂\"}"
      })
  void a_body_of_json_is_embedded_to_the_last_digit(String body) {
    assertThat(withBody("\n " + body + " ").toJson()).contains("\"data\":" + body + "},");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "<html>\"no\"</html>",
        "{\"a\":1",
        "{\"a\":1}}",
        "[1] [2]",
        "{\"a\":1,\"a\":2}",
        "NaN",
        "{'a':1}",
        "\"half \u0001\"",
        "01"
      })
  void any_other_body_is_a_string(String body) throws Exception {
    assertThat(data(body).isTextual()).isTrue();
    assertThat(data(body).textValue()).isEqualTo(body);
  }

  @Test
  void what_is_nested_too_deeply_for_readers_is_a_string() throws Exception {
    String deep = "[".repeat(200) + "]".repeat(200);

    assertThat(data(deep).textValue()).isEqualTo(deep);
    assertThat(data("[".repeat(90) + "]".repeat(90)).isArray()).isTrue();
  }

  @Test
  void an_answer_without_a_body_has_null_for_data() {
    assertThat(result("m1", "u", Optional.empty(), Optional.empty()).toJson())
        .contains("\"response\":{\"status_code\":200,\"data\":null}");
  }

  @Test
  void whatever_is_too_large_is_cut_says_so_and_is_json_all_the_same() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<String> parts = List.of("a", "\"", "\\", "\u0001", "\n", "é", "€", "🙂", "{\"a\":[", "x,");
    for (int round = 0; round < 15; round++) {
      int target = MAX_BYTES - 2_000 + random.nextInt(4_000);
      StringBuilder body = new StringBuilder(random.nextBoolean() ? "" : "[\"");
      String favourite = parts.get(random.nextInt(parts.size()));
      while (body.length() < target) {
        body.append(random.nextInt(4) > 0 ? favourite : parts.get(random.nextInt(parts.size())));
      }
      String json = withBody(body.toString()).toJson();

      JsonNode read = new ObjectMapper().readTree(json);
      String kept = read.get("response").get("data").textValue();
      assertThat(json.getBytes(UTF_8).length).as("seed %d", seed).isLessThanOrEqualTo(MAX_BYTES);
      assertThat(body.toString()).as("seed %d", seed).startsWith(kept);
      assertThat(read.has("truncated"))
          .as("seed %d", seed)
          .isEqualTo(kept.length() < body.length());
    }
  }

  @Test
  void a_result_that_just_fits_is_whole_and_one_byte_more_is_cut() throws Exception {
    int around = withBody("\"\"").toJson().length() - 2;
    String fitting = "\"" + "a".repeat(MAX_BYTES - around - 2) + "\"";
    String larger = fitting.replace("\"a", "\"aa");

    assertThat(withBody(fitting).toJson()).hasSize(MAX_BYTES).doesNotContain("truncated");
    assertThat(withBody(larger).toJson())
        .hasSizeLessThanOrEqualTo(MAX_BYTES)
        .endsWith(",\"truncated\":true}");
    assertThat(data(larger).textValue()).startsWith("\"aaa");
  }

  @Test
  void ids_and_errors_are_bounded_too() throws Exception {
    String large = "\u0001".repeat(1_000_000);
    String json =
        result(large, large, Optional.of("{}"), Optional.of(new Failure(ErrorType.UNKNOWN, large)))
            .toJson();

    assertThat(json.getBytes(UTF_8).length).isLessThanOrEqualTo(MAX_BYTES);
    assertThat(new ObjectMapper().readTree(json).get("truncated").booleanValue()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "m-1, user_42, 2026/11/21/user_42/m-1.json",
    "a/b, .., 2026/11/21/%2E%2E/a%2Fb.json",
    "é, A b, 2026/11/21/A%20b/%C3%A9.json",
    "🙂, a%, 2026/11/21/a%25/%F0%9F%99%82.json",
    "'', '', 2026/11/21/%/%.json"
  })
  void a_path_has_day_creator_and_message(String messageId, String creatorId, String path) {
    assertThat(result(messageId, creatorId, Optional.empty(), Optional.empty()).path())
        .isEqualTo(path);
  }

  @Test
  void no_two_ids_have_one_path_none_leads_elsewhere_and_none_is_too_long() {
    String many = "x".repeat(300);
    List<String> ids =
        List.of(
            "",
            ".",
            "..",
            "../..",
            "/",
            "a/b",
            "a%2Fb",
            "a\\b",
            "a",
            "A",
            "a ",
            " a",
            "é",
            "e\u0301",
            "?",
            "\ud800",
            "\udc00",
            "\u0000",
            "~",
            "%",
            "CON",
            "a.json",
            many,
            many + "x",
            "é".repeat(100),
            "é".repeat(101),
            "/".repeat(83),
            "/".repeat(84),
            "x".repeat(250),
            "x".repeat(251),
            "x".repeat(255),
            "x".repeat(256));
    Set<String> paths = new HashSet<>();
    for (String creator : ids) {
      for (String message : ids) {
        String path = result(message, creator, Optional.empty(), Optional.empty()).path();
        assertThat(path).matches("2026/11/21/[A-Za-z0-9_%~-]{1,255}/[A-Za-z0-9_%~-]{1,250}\\.json");
        paths.add(path);
      }
    }
    assertThat(paths).hasSize(ids.size() * ids.size());
  }

  @Test
  void content_is_in_the_json_only() {
    DeliveryResult result = withBody("secret");

    assertThat(result.toString() + result.path()).doesNotContain("secret");
  }
}
