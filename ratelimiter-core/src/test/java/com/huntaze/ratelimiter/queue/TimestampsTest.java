package com.huntaze.ratelimiter.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class TimestampsTest {
  @Test
  void an_instant_is_written_as_java_writes_it() {
    long seed = System.nanoTime();
    RandomGenerator random = new SplittableRandom(seed);
    int[] units = {1, 1_000, 1_000_000, 10_000_000, 1_000_000_000};
    for (int i = 0; i < 100_000; i++) {
      long second = random.nextInt(10) == 0 ? random.nextLong(-1L << 38, 1L << 38) : i / 1_000;
      int unit = units[random.nextInt(units.length)];
      Instant instant =
          Instant.ofEpochSecond(second, (long) random.nextInt(1_000_000_000 / unit) * unit);
      assertThat(Timestamps.text(instant)).as("seed %d", seed).isEqualTo(instant.toString());
    }
  }
}
