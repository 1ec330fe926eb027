package com.huntaze.ratelimiter.testkit;

import java.time.Duration;
import java.util.List;

/** Counts calls in rolling windows, exactly: the fullest one always starts at a call. */
final class Windows {
  private Windows() {}

  /**
   * The calls of the fullest window. A window is half open: a call exactly one length after its
   * start is outside.
   *
   * @param calls in the order of arrival
   */
  static List<ApiCall> fullest(List<ApiCall> calls, Duration length) {
    long nanos = length.toNanos();
    int bestStart = 0;
    int bestEnd = 0;
    int end = 0;
    for (int start = 0; start < calls.size(); start++) {
      long from = calls.get(start).arrivalNanos();
      while (end < calls.size() && calls.get(end).arrivalNanos() - from < nanos) {
        end++;
      }
      if (end - start > bestEnd - bestStart) {
        bestStart = start;
        bestEnd = end;
      }
    }
    return calls.subList(bestStart, bestEnd);
  }

  /** Fails with the fullest window and the calls in it if that is more than are allowed. */
  static void check(List<ApiCall> calls, int allowed, Duration length) {
    List<ApiCall> fullest = fullest(calls, length);
    if (fullest.size() <= allowed) {
      return;
    }
    long origin = calls.get(0).arrivalNanos();
    StringBuilder text = new StringBuilder();
    text.append(fullest.size()).append(" calls in a window of ").append(length);
    text.append(" that allows ").append(allowed).append(", from ");
    text.append(Duration.ofNanos(fullest.get(0).arrivalNanos() - origin));
    text.append(" after the first call:");
    for (ApiCall call : fullest) {
      text.append(System.lineSeparator()).append("  +");
      text.append(Duration.ofNanos(call.arrivalNanos() - fullest.get(0).arrivalNanos()));
      text.append(" call ").append(call.index()).append(" message ").append(call.messageId());
      text.append(" creator ").append(call.creatorId()).append(" status ").append(call.status());
    }
    throw new AssertionError(text.toString());
  }
}
