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
  void scopes_and_requests_refuse_blank_and_over_long_ids() {
    assertThatThrownBy(() -> Scope.creator(" ")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Scope.recipient("x".repeat(257))).hasMessageContaining("257");
    assertThatThrownBy(() -> PermitRequest.of("")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> PermitRequest.of("x".repeat(161))).hasMessageContaining("161");
  }
}
