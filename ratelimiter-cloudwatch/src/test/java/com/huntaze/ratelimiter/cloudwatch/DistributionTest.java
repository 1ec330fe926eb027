package com.huntaze.ratelimiter.cloudwatch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.huntaze.ratelimiter.cloudwatch.Distribution.Value;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class DistributionTest {
  @Test
  void up_to_150_values_are_kept_as_they_are() {
    Distribution distribution = new Distribution();
    for (int i = 0; i < 450; i++) {
      distribution.add(0.1 + i % 150 * 1e-9);
    }

    assertThat(distribution.values()).hasSize(150).allMatch(value -> value.count() == 3);
    assertThat(distribution.values().get(0)).isEqualTo(new Value(0.1, 3));
    distribution.add(0.2);
    assertThat(distribution.values()).hasSizeLessThan(10);
  }

  @Test
  void whatever_the_values_sums_are_exact_and_each_is_within_1_percent() {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    SplittableRandom random = new SplittableRandom(seed);
    double[] values =
        random.doubles(100_000).map(x -> (x < 0.1 ? -1 : 1) * Math.exp(10 * x)).toArray();
    Distribution one = new Distribution();
    Distribution other = new Distribution();
    for (int i = 0; i < values.length; i++) {
      (i < 100 ? one : other).add(values[i]); // exact the one, in buckets the other
    }
    one.addAll(other);
    Distribution back = new Distribution();
    back.addAll(one);

    Arrays.sort(values);
    assertThat(back.events()).isEqualTo(values.length);
    List<Value> all = back.values();
    double sum = all.stream().mapToDouble(each -> each.value() * each.count()).sum();
    assertThat(sum).isCloseTo(Arrays.stream(values).sum(), within(1e-6));
    int i = 0;
    for (Value each : all) {
      for (long n = 0; n < each.count(); n++) {
        assertThat(each.value()).isCloseTo(values[i], within(Math.abs(values[i]) * 0.01));
        i++;
      }
    }
  }

  @Test
  void whatever_the_values_there_is_an_end_to_its_memory() {
    SplittableRandom random = new SplittableRandom(1);
    Distribution distribution = new Distribution();
    double sum = 0;
    for (int i = 0; i < 500_000; i++) {
      double value = Math.scalb(random.nextDouble(-1, 1), random.nextInt(-300, 300));
      distribution.add(value);
      sum += value;
    }

    assertThat(distribution.values()).hasSizeLessThanOrEqualTo(4_096);
    assertThat(distribution.events()).isEqualTo(500_000);
    double kept =
        distribution.values().stream().mapToDouble(each -> each.value() * each.count()).sum();
    assertThat(kept).isCloseTo(sum, within(Math.abs(sum) * 1e-9));
  }
}
