package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class ManualTimeTest {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private final ManualTime time = new ManualTime();

  @Test
  void it_stands_still_at_the_same_instant_for_everyone() {
    assertThat(time.instant()).isEqualTo(START).isEqualTo(time.instant());
    assertThat(time.nanos()).isEqualTo(time.nanos());
  }

  @Test
  void passing_time_moves_both_clocks_by_the_same_amount() {
    long before = time.nanos();

    time.advance(Duration.ofMillis(1500));

    assertThat(time.instant()).isEqualTo(START.plusMillis(1500));
    assertThat(time.nanos() - before).isEqualTo(1_500_000_000L);
  }

  @Test
  void a_step_of_the_wall_clock_leaves_monotonic_time_alone() {
    long before = time.nanos();

    time.stepWallClock(Duration.ofHours(-1));

    assertThat(time.instant()).isEqualTo(START.minusSeconds(3600));
    assertThat(time.nanos()).isEqualTo(before);
  }

  @Test
  void time_cannot_be_made_to_run_backwards() {
    assertThatThrownBy(() -> time.advance(Duration.ofNanos(-1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("time");
    assertThat(time.instant()).isEqualTo(START);
  }
}
