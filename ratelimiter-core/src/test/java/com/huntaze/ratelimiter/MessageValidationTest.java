package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class MessageValidationTest {
  private static final MessageValidator VALIDATOR = new MessageValidator(MessageLimits.DEFAULT);
  private static final String MARKER = "s3cr3t-content";

  @AfterAll
  static void close() {
    VALIDATOR.close();
  }

  private static OnlyFansMessage.Builder good() {
    return OnlyFansMessage.builder().userId("user_42").recipientId("fan_7").content("Hi 👋");
  }

  private static List<String> broken(OnlyFansMessage.Builder message) {
    return VALIDATOR.validate(message.build()).stream()
        .map(each -> each.field() + " " + each.rule())
        .toList();
  }

  @Test
  void a_good_message_breaks_no_rule() {
    assertThat(
            broken(
                good()
                    .messageId("order-1:fan_7")
                    .creatorId("alice")
                    .workflowId("w")
                    .traceId("t")
                    .mediaUrls(List.of("https://cdn.example.com/a.jpg?x=1", "http://h/b"))
                    .metadata(Map.of("campaign", "spring", "tags", List.of("a", 1, true)))))
        .isEmpty();
  }

  @Test
  void every_violation_is_reported_at_once_and_content_is_never_shown() {
    List<String> urls = new ArrayList<>(Collections.nCopies(10, "ftp://x/" + MARKER));
    urls.add(null);
    Map<String, Object> metadata = Map.of("priority", MARKER, "bad", new Object());
    List<Violation> violations =
        VALIDATOR.validate(
            OnlyFansMessage.builder()
                .messageId("with space")
                .userId(" ")
                .creatorId("")
                .recipientId("r".repeat(129))
                .content(MARKER + "\0")
                .mediaUrls(urls)
                .metadata(metadata)
                .build());
    assertThat(violations.stream().map(each -> each.field() + " " + each.rule()))
        .contains(
            "messageId Pattern",
            "userId NotBlank",
            "creatorId Size",
            "recipientId Size",
            "content Pattern",
            "mediaUrls Size",
            "mediaUrls[0] Pattern",
            "mediaUrls[10] NotNull",
            "metadata Reserved",
            "metadata Json");
    assertThat(violations.toString()).doesNotContain(MARKER);
  }

  @Test
  void a_violation_names_field_rule_value_and_what_is_allowed() {
    Violation violation = VALIDATOR.validate(good().recipientId("r".repeat(200)).build()).get(0);
    assertThat(violation.field()).isEqualTo("recipientId");
    assertThat(violation.rule()).isEqualTo("Size");
    assertThat(violation.message()).contains("1").contains("128");
    assertThat(violation.value()).contains("r".repeat(100) + "…");
  }

  @Test
  void missing_fields_are_named() {
    assertThat(broken(OnlyFansMessage.builder()))
        .containsExactly("content NotBlank", "recipientId NotBlank", "userId NotBlank");
  }

  @Test
  void content_may_have_ten_thousand_characters_and_not_one_more() {
    assertThat(broken(good().content("x".repeat(10_000)))).isEmpty();
    assertThat(broken(good().content("x".repeat(10_001)))).containsExactly("content Size");
  }

  @ParameterizedTest
  @ValueSource(strings = {"a\0b", "a\uD800b", "a\uFFFEb", "a\uFFFFb"})
  void characters_that_no_queue_takes_are_refused(String content) {
    assertThat(broken(good().content(content))).containsExactly("content Pattern");
  }

  @Test
  void characters_beyond_the_basic_plane_are_welcome() {
    assertThat(broken(good().content("👩‍👩‍👧 ünïcödé 漢字\nnew line\ttab"))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ftp://h/a",
        "https://",
        "cdn.example.com/a",
        "javascript:alert(1)",
        "",
        "https://h/a b"
      })
  void a_media_url_that_is_not_http_is_refused_without_being_shown(String url) {
    List<Violation> violations = VALIDATOR.validate(good().mediaUrls(List.of(url)).build());
    assertThat(violations).isNotEmpty();
    assertThat(violations).allMatch(each -> each.field().equals("mediaUrls[0]"));
    assertThat(violations).allMatch(each -> each.value().equals(Optional.empty()));
  }

  @Test
  void media_urls_are_bounded_in_number_and_length() {
    String longest = "https://h/" + "x".repeat(2_038);
    assertThat(broken(good().mediaUrls(Collections.nCopies(10, longest)))).isEmpty();
    assertThat(broken(good().mediaUrls(List.of(longest + "x"))))
        .containsExactly("mediaUrls[0] Size");
    assertThat(broken(good().mediaUrls(Collections.nCopies(11, longest))))
        .containsExactly("mediaUrls Size");
  }

  @Test
  void metadata_is_bounded_in_keys_depth_and_bytes() {
    Map<String, Object> many = new HashMap<>();
    for (int i = 0; i < 10_000; i++) {
      many.put("k" + i, i);
    }
    assertThat(broken(good().metadata(many))).containsExactly("metadata Size");
    assertThat(broken(good().metadata(nested(5)))).isEmpty();
    assertThat(broken(good().metadata(nested(6)))).containsExactly("metadata Json");
    assertThat(broken(good().metadata(Map.of("k", "é".repeat(8_188))))).isEmpty();
    assertThat(broken(good().metadata(Map.of("k", "é".repeat(8_189)))))
        .containsExactly("metadata Size");
  }

  @Test
  void metadata_that_contains_itself_is_a_violation_and_no_stack_overflow() {
    Map<String, Object> loop = new HashMap<>();
    loop.put("self", loop);
    assertThat(broken(good().metadata(loop))).containsExactly("metadata Json");
  }

  @ParameterizedTest
  @ValueSource(strings = {"source", "priority", "traceId", "workflowId"})
  void metadata_keys_that_are_ours_are_refused(String key) {
    assertThat(broken(good().metadata(Map.of(key, "x")))).containsExactly("metadata Reserved");
  }

  @Test
  void values_json_does_not_have_are_refused() {
    assertThat(broken(good().metadata(Map.of("k", Double.NaN)))).containsExactly("metadata Json");
    assertThat(broken(good().metadata(Map.of("k", new StringBuilder()))))
        .containsExactly("metadata Json");
    assertThat(broken(good().metadata(Map.of("k", Map.of(1, 2))))).containsExactly("metadata Json");
  }

  @Test
  void limits_can_be_set() {
    try (MessageValidator strict = new MessageValidator(new MessageLimits(5, 0, 10, 0, 2, 1))) {
      assertThat(strict.validate(good().content("12345").build())).isEmpty();
      assertThat(strict.validate(good().content("123456").build())).hasSize(1);
      assertThat(strict.validate(good().content("1").mediaUrls(List.of("http://h/")).build()))
          .hasSize(1);
      assertThat(strict.validate(good().content("1").metadata(Map.of("a", 1)).build())).hasSize(1);
    }
  }

  private static Map<String, Object> nested(int depth) {
    return depth == 1 ? Map.of("k", 1) : Map.of("k", nested(depth - 1));
  }

  @Test
  void whatever_takes_the_short_way_breaks_no_rule_on_the_long_one() {
    long seed = System.nanoTime();
    RandomGenerator random = new SplittableRandom(seed);
    int[] plain = {0};
    try (MessageValidator strict = new MessageValidator(new MessageLimits(20, 2, 30, 3, 100, 2))) {
      for (int i = 0; i < 20_000; i++) {
        OnlyFansMessage message =
            OnlyFansMessage.builder()
                .messageId(text(random, 130, true))
                .userId(text(random, 130, false))
                .creatorId(text(random, 130, true))
                .recipientId(text(random, 130, false))
                .workflowId(text(random, 130, true))
                .traceId(text(random, 130, true))
                .content(text(random, 22, false))
                .mediaUrls(random.nextInt(5) > 0 ? List.of() : List.of("ftp://h/"))
                .metadata(random.nextInt(5) > 0 ? Map.of() : Map.of("priority", 1))
                .build();
        if (strict.isPlain(message)) {
          plain[0]++;
          assertThat(strict.validateInFull(message)).as("seed %d, message %d", seed, i).isEmpty();
        }
      }
    }
    assertThat(plain[0]).as("seed %d", seed).isBetween(100, 19_000);
  }

  /** Mostly plain, now and then with a character on the edge of a rule, or of a length on it. */
  private static @Nullable String text(RandomGenerator random, int longest, boolean optional) {
    int kind = random.nextInt(40);
    if (kind == 0 || (optional && kind < 25)) {
      return null;
    }
    int length = kind == 1 ? 0 : kind < 4 ? longest - random.nextInt(4) : 1 + random.nextInt(15);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('!' + random.nextInt('~' - '!' + 1)));
    }
    if (kind > 37 && length > 0) {
      char[] odd = {
        0, '\t', ' ', 0x7F, 0x80, 0xD7FF, 0xD800, 0xDC00, 0xE000, 0xFFFD, 0xFFFE, 0xFFFF
      };
      text.setCharAt(random.nextInt(length), odd[random.nextInt(odd.length)]);
    }
    return text.toString();
  }
}
