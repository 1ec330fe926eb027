package com.huntaze.ratelimiter.cloudwatch;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.cloudwatch.Distribution.Value;
import com.huntaze.ratelimiter.metrics.MetricName;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class StripeTest {
  private static final MetricName NAME = MetricName.QUEUE_LATENCY;

  @Test
  void threads_that_share_a_stripe_lose_nothing_while_it_is_taken_out_again_and_again()
      throws InterruptedException {
    int each = 500_000;
    Stripe stripe = new Stripe();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      threads.add(
          new Thread(
              () -> {
                for (int n = 0; n < each; n++) {
                  while (!stripe.tryAdd(NAME, null, 1 + n % 1_000)) {
                    Thread.onSpinWait();
                  }
                }
              }));
    }
    threads.forEach(Thread::start);
    Cells all = new Cells();
    while (threads.stream().anyMatch(Thread::isAlive)) {
      all.addAll(stripe.drain());
    }
    all.addAll(stripe.drain());

    assertThat(all.events()).isEqualTo(4L * each);
    Distribution distribution = all.of(null).get(NAME);
    double sum = 0;
    for (Value value : distribution.values()) {
      sum += value.value() * value.count();
    }
    assertThat(Math.round(sum)).isEqualTo(4L * each / 1_000 * 500_500);
  }
}
