package com.huntaze.ratelimiter.cloudwatch;

import com.huntaze.ratelimiter.cloudwatch.Distribution.Value;
import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.queue.Priority;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Values of one metric under one set of dimensions, no more than one datum may have. Immutable. */
final class Series {
  private final MetricName name;
  private final @Nullable Priority priority;
  private final double[] values;
  private final long[] counts;

  private Series(MetricName name, @Nullable Priority priority, List<Value> values) {
    this.name = name;
    this.priority = priority;
    this.values = values.stream().mapToDouble(Value::value).toArray();
    this.counts = values.stream().mapToLong(Value::count).toArray();
  }

  /** As many as it takes. */
  static List<Series> of(
      MetricName name, @Nullable Priority priority, Distribution distribution, int mostValues) {
    List<Value> all = distribution.values();
    List<Series> series = new ArrayList<>();
    for (int from = 0; from < all.size(); from += mostValues) {
      int to = Math.min(all.size(), from + mostValues);
      series.add(new Series(name, priority, all.subList(from, to)));
    }
    return series;
  }

  static Series single(MetricName name, double value) {
    return new Series(name, null, List.of(new Value(value, 1)));
  }

  MetricName name() {
    return name;
  }

  @Nullable Priority priority() {
    return priority;
  }

  int size() {
    return values.length;
  }

  double value(int i) {
    return values[i];
  }

  long count(int i) {
    return counts[i];
  }

  DoubleStream values() {
    return Arrays.stream(values);
  }

  LongStream counts() {
    return Arrays.stream(counts);
  }

  /** {@return how often the metric was recorded} */
  long events() {
    return counts().sum();
  }
}
