package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class CircuitBreakerTest {
  private static final Duration DELAY = Duration.ofSeconds(60);
  private static final Duration LEASE = Duration.ofSeconds(5);

  private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 7); // the clock may wrap around
  private final AtomicInteger opened = new AtomicInteger();
  private final AtomicInteger closed = new AtomicInteger();
  private final CircuitBreaker breaker =
      new CircuitBreaker(
          5, DELAY, LEASE, now::get, opened::incrementAndGet, closed::incrementAndGet);

  private void pass(Duration time) {
    now.addAndGet(time.toNanos());
  }

  private void open() {
    for (int i = 0; i < 5; i++) {
      breaker.tryPass().failed();
    }
  }

  @Test
  void five_faults_in_a_row_open_it_and_four_do_not() {
    for (int i = 0; i < 4; i++) {
      breaker.tryPass().failed();
    }
    assertThat(breaker.state()).isEqualTo(BreakerState.CLOSED);
    breaker.tryPass().failed();
    assertThat(breaker.state()).isEqualTo(BreakerState.OPEN);
    assertThat(breaker.tryPass()).isNull();
    assertThat(opened).hasValue(1);
  }

  @Test
  void a_success_between_begins_the_count_anew_and_what_says_nothing_does_not() {
    for (int i = 0; i < 4; i++) {
      breaker.tryPass().failed();
    }
    breaker.tryPass().worked();
    for (int i = 0; i < 4; i++) {
      breaker.tryPass().failed();
      breaker.tryPass().saysNothing();
    }
    assertThat(breaker.state()).isEqualTo(BreakerState.CLOSED);
    breaker.tryPass().failed();
    assertThat(breaker.state()).isEqualTo(BreakerState.OPEN);
  }

  @Test
  void after_60_seconds_one_of_64_threads_makes_the_trial() throws Exception {
    open();
    pass(DELAY.minusNanos(1));
    assertThat(breaker.tryPass()).isNull();
    pass(Duration.ofNanos(1));
    ExecutorService threads = Executors.newFixedThreadPool(64);
    try {
      CyclicBarrier together = new CyclicBarrier(64);
      List<Future<CircuitBreaker.Pass>> asked = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        asked.add(
            threads.submit(
                () -> {
                  together.await(10, TimeUnit.SECONDS);
                  return breaker.tryPass();
                }));
      }
      List<CircuitBreaker.Pass> passes = new ArrayList<>();
      for (Future<CircuitBreaker.Pass> each : asked) {
        passes.add(each.get(10, TimeUnit.SECONDS));
      }
      passes.removeIf(Objects::isNull);
      assertThat(passes).hasSize(1);
      assertThat(passes.get(0).isTrial()).isTrue();
      assertThat(breaker.state()).isEqualTo(BreakerState.HALF_OPEN);
      passes.get(0).worked();
      assertThat(breaker.state()).isEqualTo(BreakerState.CLOSED);
      assertThat(closed).hasValue(1);
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void a_failed_trial_opens_it_for_another_60_seconds_without_telling_anew() {
    open();
    pass(DELAY);
    breaker.tryPass().failed();
    assertThat(breaker.state()).isEqualTo(BreakerState.OPEN);
    pass(DELAY.minusNanos(1));
    assertThat(breaker.tryPass()).isNull();
    pass(Duration.ofNanos(1));
    assertThat(breaker.tryPass()).isNotNull();
    assertThat(opened).hasValue(1);
  }

  @Test
  void a_trial_that_never_returns_gives_way_to_the_next_when_its_lease_ends() {
    open();
    pass(DELAY);
    CircuitBreaker.Pass hanging = breaker.tryPass();
    pass(LEASE.minusNanos(1));
    assertThat(breaker.tryPass()).isNull();
    pass(Duration.ofNanos(1));
    CircuitBreaker.Pass next = breaker.tryPass();
    assertThat(next).isNotNull();
    hanging.worked();
    assertThat(breaker.state()).as("too late to count").isEqualTo(BreakerState.HALF_OPEN);
    hanging.failed();
    next.worked();
    assertThat(breaker.state()).isEqualTo(BreakerState.CLOSED);
  }

  @Test
  void a_trial_that_says_nothing_leaves_the_next_call_to_be_the_trial() {
    open();
    pass(DELAY);
    breaker.tryPass().saysNothing();
    assertThat(breaker.tryPass().isTrial()).isTrue();
    assertThat(breaker.tryPass()).isNull();
  }

  @Test
  void a_call_from_before_it_opened_changes_nothing_any_more() {
    CircuitBreaker.Pass slow = breaker.tryPass();
    open();
    slow.worked();
    assertThat(breaker.state()).isEqualTo(BreakerState.OPEN);
    pass(DELAY);
    breaker.tryPass().worked();
    for (int i = 0; i < 4; i++) {
      breaker.tryPass().failed();
    }
    slow.failed();
    assertThat(breaker.state()).isEqualTo(BreakerState.CLOSED);
  }
}
