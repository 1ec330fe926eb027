package com.huntaze.ratelimiter.benchmarks;

import java.util.ArrayList;
import java.util.List;

/** When permits were granted, in order, each as the time between question and answer. */
final class Grants {
  private record Grant(long asked, long answered) {}

  private final List<Grant> grants = new ArrayList<>();

  void add(long asked, long answered) {
    grants.add(new Grant(asked, answered));
  }

  /**
   * The most grants in any half-open window of a length, counting only those that were asked for
   * and answered inside: a slow answer can lower the figure, never raise it.
   */
  int mostInAnyWindow(long nanos) {
    int most = 0;
    int end = 0;
    for (int start = 0; start < grants.size(); start++) {
      long from = grants.get(start).asked;
      while (end < grants.size() && grants.get(end).answered - from < nanos) {
        end++;
      }
      most = Math.max(most, end - start);
    }
    return most;
  }
}
