package com.huntaze.ratelimiter.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RateLimitTest {
  @ParameterizedTest
  @CsvSource({"10/60s,10,60000", "200/h,200,3600000", "5/250ms,5,250", "10 / 1m,10,60000"})
  void the_text_form_is_read_and_written(String text, int permits, long millis) {
    RateLimit limit = RateLimit.parse(text);
    assertThat(limit).isEqualTo(RateLimit.rolling(permits, Duration.ofMillis(millis)));
    assertThat(RateLimit.parse(limit.toString())).isEqualTo(limit);
  }

  @Test
  void nonsense_is_refused_by_name() {
    assertThatThrownBy(() -> RateLimit.rolling(0, Duration.ofSeconds(1)))
        .hasMessageContaining("permits");
    assertThatThrownBy(() -> RateLimit.rolling(-3, Duration.ofSeconds(1)))
        .hasMessageContaining("-3");
    assertThatThrownBy(() -> RateLimit.rolling(1, Duration.ZERO)).hasMessageContaining("window");
    assertThatThrownBy(() -> RateLimit.rolling(1, Duration.ofHours(25)))
        .hasMessageContaining("PT25H");
    assertThatThrownBy(() -> RateLimit.parse("ten a minute")).hasMessageContaining("10/60s");
  }

  @Test
  void spaced_is_one_permit_every_part_of_the_window_rounded_up() {
    assertThat(RateLimit.spaced(10, Duration.ofMinutes(1)))
        .isEqualTo(RateLimit.rolling(1, Duration.ofSeconds(6)));
    assertThat(RateLimit.spaced(3, Duration.ofSeconds(1)).window())
        .isEqualTo(Duration.ofNanos(333_333_334));
  }

  @Test
  void the_ideal_span_counts_full_windows_after_the_first() {
    RateLimit limit = RateLimit.rolling(10, Duration.ofSeconds(6));
    assertThat(limit.idealSpan(0)).isZero();
    assertThat(limit.idealSpan(10)).isZero();
    assertThat(limit.idealSpan(11)).isEqualTo(Duration.ofSeconds(6));
    assertThat(limit.idealSpan(25)).isEqualTo(Duration.ofSeconds(12));
  }

  @Test
  void a_token_bucket_refuses_nonsense_by_name() {
    Duration minute = Duration.ofMinutes(1);
    assertThatThrownBy(() -> RateLimit.tokenBucket(0, 1, minute)).hasMessageContaining("capacity");
    assertThatThrownBy(() -> RateLimit.tokenBucket(1_000_001, 1, minute))
        .hasMessageContaining("capacity must be 1 to 1000000, was 1000001");
    assertThatThrownBy(() -> RateLimit.tokenBucket(1, -1, minute)).hasMessageContaining("refill");
    assertThatThrownBy(() -> RateLimit.tokenBucket(1, 1, Duration.ofNanos(999_999)))
        .hasMessageContaining("period");
    assertThatThrownBy(() -> RateLimit.tokenBucket(10, 2_000, Duration.ofSeconds(1)))
        .hasMessageContaining("period / refill");
    assertThatThrownBy(() -> RateLimit.tokenBucket(100, 1, Duration.ofHours(24)))
        .hasMessageContaining("capacity must come back within 31 days, was 100");
  }

  @Test
  void a_token_bucket_says_what_it_is() {
    RateLimit limit = RateLimit.tokenBucket(10, 5, Duration.ofMinutes(1));
    assertThat(limit.isTokenBucket()).isTrue();
    assertThat(limit).hasToString("tokenBucket(10, 5/60s)");
    assertThat(limit.idealSpan(13)).isEqualTo(Duration.ofSeconds(36));
    assertThat(limit).isNotEqualTo(RateLimit.rolling(10, Duration.ofMinutes(1)));
  }

  @Test
  void scopes_and_requests_refuse_blank_and_over_long_ids() {
    assertThatThrownBy(() -> Scope.creator(" ")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Scope.recipient("x".repeat(257))).hasMessageContaining("257");
    assertThatThrownBy(() -> PermitRequest.of("")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> PermitRequest.of("x".repeat(161))).hasMessageContaining("161");
    assertThatThrownBy(() -> PermitRequest.of("a\u0001b")).hasMessageContaining("control");
    assertThatThrownBy(() -> PermitRequest.of("m\ud800")).hasMessageContaining("whole Unicode");
    assertThatThrownBy(() -> Scope.creator("\udc00c")).hasMessageContaining("whole Unicode");
    assertThatThrownBy(() -> new Scope(Scope.Kind.GLOBAL, "eu")).hasMessageContaining("global");
    assertThat(PermitRequest.of("m\ud83d\ude00").id()).isEqualTo("m\ud83d\ude00");
  }
}
