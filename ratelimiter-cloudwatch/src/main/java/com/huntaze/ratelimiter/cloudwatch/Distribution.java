package com.huntaze.ratelimiter.cloudwatch;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The values of one metric, each with how often it occurred. Up to 150 distinct values are kept as
 * they are. From then on neighbours share a bucket, which stands for their mean: sums stay exact,
 * and a bucket is at most 1/128 of its values wide. What spreads over more than 4,096 buckets gets
 * wider ones, so that the memory has an end. For one thread.
 */
final class Distribution {
  static final int MOST_EXACT = 150;
  static final int MOST_BUCKETS = 4_096;

  private static final int EXACT = 52;
  private static final int COARSE = 7;

  /** How many bits of a value's fraction its bucket is known by. */
  private int bits = EXACT;

  private int size;
  private long[] keys = new long[8];
  private double[] sums = new double[8];

  /** 0 where nothing is. */
  private long[] counts = new long[8];

  /** A value that stands for its bucket, and how many are in there. */
  record Value(double value, long count) {}

  /** Counts a value, which is finite. */
  void add(double value) {
    add(Double.doubleToRawLongBits(value + 0.0), 1, value); // -0 is 0
  }

  /** Counts all that another one has counted. */
  void addAll(Distribution other) {
    while (bits > other.bits) {
      coarsen();
    }
    for (int i = 0; i < other.keys.length; i++) {
      if (other.counts[i] > 0) {
        add(other.keys[i], other.counts[i], other.sums[i]);
      }
    }
  }

  /** {@return the values in ascending order} */
  List<Value> values() {
    return IntStream.range(0, keys.length)
        .filter(i -> counts[i] > 0)
        .mapToObj(i -> new Value(value(i), counts[i]))
        .sorted(Comparator.comparingDouble(Value::value))
        .toList();
  }

  /** {@return how many values there are} */
  long events() {
    return Arrays.stream(counts).sum();
  }

  private double value(int i) {
    return bits == EXACT ? Double.longBitsToDouble(keys[i]) : sums[i] / counts[i];
  }

  private void add(long bitsOfValue, long count, double sum) {
    int i = slot(key(bitsOfValue));
    if (counts[i] == 0) {
      if (size == (bits == EXACT ? MOST_EXACT : MOST_BUCKETS)) {
        coarsen();
        add(bitsOfValue, count, sum);
        return;
      }
      if (2 * size == keys.length) {
        rebuild(2 * keys.length);
        i = slot(key(bitsOfValue));
      }
      keys[i] = key(bitsOfValue);
      size++;
    }
    counts[i] += count;
    sums[i] += sum;
  }

  private long key(long bitsOfValue) {
    return bitsOfValue & (-1L << (EXACT - bits));
  }

  private int slot(long key) {
    int last = keys.length - 1;
    int i = (int) ((key * 0x9E3779B97F4A7C15L) >>> 40) & last;
    while (counts[i] > 0 && keys[i] != key) {
      i = (i + 1) & last;
    }
    return i;
  }

  private void coarsen() {
    bits = bits == EXACT ? COARSE : bits - 1;
    rebuild(keys.length);
  }

  private void rebuild(int length) {
    long[] oldKeys = keys;
    long[] oldCounts = counts;
    double[] oldSums = sums;
    long[] newKeys = new long[length];
    long[] newCounts = new long[length];
    double[] newSums = new double[length];
    keys = newKeys; // Only now: without memory for the new ones, the old ones stay as they are.
    counts = newCounts;
    sums = newSums;
    size = 0;
    for (int i = 0; i < oldKeys.length; i++) {
      if (oldCounts[i] > 0) {
        add(oldKeys[i], oldCounts[i], oldSums[i]);
      }
    }
  }
}
