package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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

  @Test
  void the_percentage_is_logged_at_start_and_at_every_change() {
    try (LogLines log = new LogLines(RateLimiterSwitch.class)) {
      RateLimiterSwitch theSwitch = RateLimiterSwitch.percent(10);
      theSwitch.set(50);
      theSwitch.set(50);
      assertThat(log.at(Level.INFO))
          .containsExactly(
              "Rate limiting is on for 10 % of users",
              "Rate limiting is now on for 50 % of users, was 10 %");
    }
  }

  @Test
  void a_switch_follows_its_supplier_and_keeps_the_last_good_percentage() {
    AtomicInteger percent = new AtomicInteger(0);
    RateLimiterSwitch theSwitch =
        RateLimiterSwitch.following(
            () -> {
              if (percent.get() < 0) {
                throw new IllegalStateException("the flags are away");
              }
              return percent.get();
            });
    assertThat(theSwitch.isOnFor("u")).isFalse();
    percent.set(100);
    assertThat(theSwitch.isOnFor("u")).isTrue();
    try (LogLines log = new LogLines(RateLimiterSwitch.class)) {
      percent.set(140);
      assertThat(theSwitch.isOnFor("u")).isTrue();
      assertThat(theSwitch.isOnFor("u")).isTrue();
      percent.set(-1);
      assertThat(theSwitch.percent()).isEqualTo(100);
      assertThat(log.at(Level.WARN))
          .singleElement()
          .asString()
          .contains("stays on for 100 %")
          .contains("percent must be 0 to 100, was 140");
    }
    percent.set(0);
    assertThat(theSwitch.isOnFor("u")).isFalse();
    assertThatThrownBy(() -> theSwitch.set(100)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> RateLimiterSwitch.following(() -> 140)).hasMessageContaining("140");
  }

  @Test
  void a_switch_follows_a_file_looked_at_once_a_second(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("switch.properties");
    AtomicLong now = new AtomicLong();
    write(file, "RATE_LIMITER_ENABLED=true\nRATE_LIMITER_ROLLOUT_PERCENT=10\n");
    RateLimiterSwitch theSwitch = RateLimiterSwitch.watching(file, now::get);
    assertThat(theSwitch.percent()).isEqualTo(10);

    write(file, "RATE_LIMITER_ENABLED=true\nRATE_LIMITER_ROLLOUT_PERCENT=100\n");
    now.addAndGet(999_999_999);
    assertThat(theSwitch.percent()).as("not looked at yet").isEqualTo(10);
    now.addAndGet(1);
    assertThat(theSwitch.percent()).isEqualTo(100);

    try (LogLines log = new LogLines(RateLimiterSwitch.class)) {
      write(file, "RATE_LIMITER_ENABLED=maybe\n");
      now.addAndGet(1_000_000_000);
      assertThat(theSwitch.percent()).as("the last good one").isEqualTo(100);
      write(file, "RATE_LIMITER_ENABLED=");
      now.addAndGet(1_000_000_000);
      assertThat(theSwitch.percent()).as("cut off while it is written").isEqualTo(100);
      Files.delete(file);
      now.addAndGet(1_000_000_000);
      assertThat(theSwitch.percent()).isEqualTo(100);
      assertThat(log.at(Level.WARN))
          .singleElement()
          .asString()
          .contains("switch.properties")
          .contains("RATE_LIMITER_ENABLED must be true or false, was 'maybe'");
    }
    write(file, "RATE_LIMITER_ENABLED=false\n");
    now.addAndGet(1_000_000_000);
    assertThat(theSwitch.percent()).isZero();
  }

  @Test
  void a_file_that_is_missing_or_wrong_at_the_start_is_refused(@TempDir Path directory)
      throws Exception {
    Path file = directory.resolve("switch.properties");
    assertThatThrownBy(() -> RateLimiterSwitch.watching(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("switch.properties");
    write(file, "RATE_LIMITER_ENABLED=true\nRATE_LIMITER_ROLLOUT_PERCENT=140\n");
    assertThatThrownBy(() -> RateLimiterSwitch.watching(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("RATE_LIMITER_ROLLOUT_PERCENT must be a whole number, 0 to 100");
  }

  private static void write(Path file, String text) throws IOException {
    Files.writeString(file, text);
  }
}
