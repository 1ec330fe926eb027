package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The quickstart keeps its promises, in both topologies. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class QuickstartTest {
  private static final RateLimit LIMIT = RateLimit.rolling(10, Duration.ofSeconds(6));

  private static FakeOnlyFansApi api() {
    return FakeOnlyFansApi.builder().limit(LIMIT.permits(), LIMIT.window()).start();
  }

  @Test
  void embedded_delivers_25_once_within_the_limit_and_in_time() {
    try (FakeOnlyFansApi api = api()) {
      Verdict verdict = new EmbeddedQuickstart(new Screen(), api, LIMIT).run();
      assertThat(verdict.broken()).isEmpty();
      assertThat(api.deliveries()).hasSize(25);
      api.checkLimit();
    }
  }

  @Test
  @Tag("slow")
  void a_fleet_of_two_processes_does_so_although_sqs_goes_away() throws Exception {
    try (FakeOnlyFansApi api = api()) {
      Verdict verdict = new FleetQuickstart(new Screen(), api, LIMIT).run();
      assertThat(verdict.broken()).isEmpty();
      assertThat(api.deliveries()).hasSize(25);
      api.checkLimit();
    }
  }

  @Test
  void a_verdict_says_what_was_broken() {
    try (FakeOnlyFansApi api = api()) {
      Verdict verdict = new Verdict(api, LIMIT, List.of(), 25, 3);
      assertThat(verdict.isOk()).isFalse();
      assertThat(verdict.broken()).contains("accepted 0 of 25 good messages", "delivered 0 of 25");
    }
  }
}
