package com.huntaze.ratelimiter.benchmarks;

/**
 * What is asked of the limiter, beside what was measured.
 *
 * <p>A ratio is judged by the best rounds of both sides, since whatever else the machine does can
 * only slow a round down; the medians stand beside it.
 */
final class Bars {
  private final Table table;

  Bars(String title) {
    this.table = Table.titled(title, "bar", "asked", "by best rounds", "by medians", "verdict");
  }

  /** Ours must reach so much of the other's throughput. */
  void atLeast(String what, double asked, Samples ours, Samples other) {
    double best = ours.best() / other.best();
    String verdict = best >= asked ? "holds" : "MISSED";
    table.row(what, "≥ " + asked, best, ours.median() / other.median(), verdict);
  }

  /** Ours must not cost more than so much of what the other does. */
  void atMost(String what, double asked, Samples ours, Samples other) {
    double best = ours.lowest() / other.lowest();
    String verdict = best <= asked ? "holds" : "MISSED";
    table.row(what, "≤ " + asked, best, ours.median() / other.median(), verdict);
  }

  /** A cost that must not be exceeded; there are no rounds to choose from. */
  void atMost(String what, double asked, double measured) {
    table.row(what, "≤ " + asked, measured, "", measured <= asked ? "holds" : "MISSED");
  }
}
