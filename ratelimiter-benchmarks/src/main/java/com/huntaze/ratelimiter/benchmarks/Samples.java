package com.huntaze.ratelimiter.benchmarks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The figures of one contestant, one a round. Not thread-safe. */
final class Samples {
  private final List<Double> values = new ArrayList<>();

  void add(double value) {
    values.add(value);
  }

  void clear() {
    values.clear();
  }

  double best() {
    return Collections.max(values);
  }

  /** The best of what is better the less it is. */
  double lowest() {
    return Collections.min(values);
  }

  double median() {
    List<Double> sorted = values.stream().sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }

  /** The distance from the lowest to the highest, as a share of the median. */
  double spread() {
    return (best() - lowest()) / median();
  }
}
