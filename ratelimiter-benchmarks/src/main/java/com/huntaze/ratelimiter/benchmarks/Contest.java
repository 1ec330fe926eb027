package com.huntaze.ratelimiter.benchmarks;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Contestants that take turns, each a figure a round, in an order that moves on from round to
 * round; one smaller round before is not counted. For one thread.
 */
final class Contest {
  private static final double WARM_UP = 0.3;

  private final Map<String, Entry> entries = new LinkedHashMap<>();

  /** What a contestant does when it is its turn. */
  @FunctionalInterface
  interface Entry {
    /**
     * Measures once.
     *
     * @param share how much of a full round to do
     * @return how many a second
     */
    double rate(double share) throws Exception;
  }

  Contest add(String name, Entry entry) {
    entries.put(name, entry);
    return this;
  }

  Map<String, Samples> run(int rounds) throws Exception {
    for (Entry each : entries.values()) {
      each.rate(WARM_UP);
    }
    Map<String, Samples> samples = new LinkedHashMap<>();
    entries.keySet().forEach(name -> samples.put(name, new Samples()));
    List<String> order = new ArrayList<>(entries.keySet());
    for (int round = 0; round < rounds; round++) {
      for (String name : order) {
        double rate = requireNonNull(entries.get(name)).rate(1);
        requireNonNull(samples.get(name)).add(rate);
      }
      Collections.rotate(order, 1);
    }
    return samples;
  }
}
