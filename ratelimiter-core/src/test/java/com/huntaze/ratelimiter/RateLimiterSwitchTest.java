package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RateLimiterSwitchTest {
  private static Set<String> on(RateLimiterSwitch theSwitch) {
    return IntStream.range(0, 10_000)
        .mapToObj(i -> "user_" + i)
        .filter(theSwitch::isOnFor)
        .collect(Collectors.toSet());
  }

  @Test
  void on_is_on_for_everybody_and_off_for_nobody() {
    assertThat(on(RateLimiterSwitch.on())).hasSize(10_000);
    assertThat(on(RateLimiterSwitch.off())).isEmpty();
  }

  @Test
  void a_percentage_is_that_share_of_users_and_whoever_is_on_stays_on_when_it_grows() {
    RateLimiterSwitch theSwitch = RateLimiterSwitch.percent(10);
    Set<String> ten = on(theSwitch);
    assertThat(ten.size()).isBetween(850, 1_150);
    assertThat(on(theSwitch)).isEqualTo(ten);
    theSwitch.set(50);
    Set<String> fifty = on(theSwitch);
    assertThat(fifty.size()).isBetween(4_700, 5_300);
    assertThat(fifty).containsAll(ten);
    theSwitch.set(100);
    assertThat(on(theSwitch)).hasSize(10_000);
  }

  @Test
  void a_percentage_out_of_range_is_refused_and_changes_nothing() {
    RateLimiterSwitch theSwitch = RateLimiterSwitch.percent(10);
    assertThatThrownBy(() -> theSwitch.set(140)).hasMessage("percent must be 0 to 100, was 140");
    assertThat(theSwitch.percent()).isEqualTo(10);
    assertThatThrownBy(() -> RateLimiterSwitch.percent(-1)).hasMessageContaining("-1");
  }
}
