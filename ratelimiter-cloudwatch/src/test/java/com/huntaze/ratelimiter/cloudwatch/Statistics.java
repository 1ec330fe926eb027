package com.huntaze.ratelimiter.cloudwatch;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What CloudWatch makes of the data of one metric and set of dimensions. */
record Statistics(double sum, double samples, TreeMap<Double, Double> counts) {
  static Statistics of(List<Datum> data) {
    double sum = 0;
    double samples = 0;
    TreeMap<Double, Double> counts = new TreeMap<>();
    for (Datum datum : data) {
      for (int i = 0; i < datum.values().size(); i++) {
        sum += datum.values().get(i) * datum.counts().get(i);
        samples += datum.counts().get(i);
        counts.merge(datum.values().get(i), datum.counts().get(i), Double::sum);
      }
    }
    return new Statistics(sum, samples, counts);
  }

  /** The value of which so many hundredths are not above it. */
  double percentile(double percent) {
    double rank = Math.ceil(percent / 100 * samples);
    double below = 0;
    for (Map.Entry<Double, Double> each : counts.entrySet()) {
      below += each.getValue();
      if (below >= rank) {
        return each.getKey();
      }
    }
    return counts.lastKey();
  }
}
