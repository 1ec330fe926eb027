package com.huntaze.ratelimiter.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;

/**
 * How strict limiters are: the most permits that each was seen to grant in any window of its limit,
 * when all are set to ten a window.
 *
 * <p>Each is asked all the time, and so again after idling, after idling to just before the end of
 * its second period, and after eleven permits were reserved and twenty periods passed. Limiters
 * that take a clock are given one that the driver moves. The others run in real time; there a grant
 * counts only if its call began and ended inside the window, and the window is a millisecond
 * shorter than the limit's, because some count in milliseconds. So a figure above ten is no error
 * of measurement.
 */
final class WindowsPart {
  private static final Duration MARGIN = Duration.ofMillis(1);

  /** What a limiter lives through before it is asked all the time. */
  private enum Pattern {
    STEADY(0, 3, false),
    AFTER_IDLING(2.5, 2, false),
    ACROSS_PERIODS(1.98, 2, false),
    AFTER_RESERVING(20, 1, true);

    private final double windowsIdle;
    private final double windowsAsked;
    private final boolean reserves;

    Pattern(double windowsIdle, double windowsAsked, boolean reserves) {
      this.windowsIdle = windowsIdle;
      this.windowsAsked = windowsAsked;
      this.reserves = reserves;
    }
  }

  void run() {
    try (MeasuredRedis redis = MeasuredRedis.start()) {
      Table table =
          Table.titled(
              "Most grants in any window, set to ten a window",
              "limiter",
              "window, time",
              "steady",
              "after idling",
              "across periods",
              "after reserving 11",
              "worst");
      for (WindowSubject subject : WindowSubject.all(new RedisLimiters(redis))) {
        List<OptionalInt> most =
            Arrays.stream(Pattern.values()).map(pattern -> measure(subject, pattern)).toList();
        List<Object> cells = new ArrayList<>();
        cells.add(subject.name());
        cells.add(subject.window().toMillis() + " ms, " + subject.clock());
        most.forEach(figure -> cells.add(figure.isPresent() ? figure.getAsInt() : "–"));
        cells.add(Collections.max(most.stream().map(figure -> figure.orElse(0)).toList()));
        table.row(cells.toArray());
      }
    }
  }

  private static OptionalInt measure(WindowSubject subject, Pattern pattern) {
    WindowSubject.Started started = subject.start();
    Time time = started.time();
    long window = subject.window().toNanos();
    if (pattern.reserves) {
      Runnable reserve = started.reserve();
      if (reserve == null) {
        return OptionalInt.empty();
      }
      reserve.run();
    }
    time.idle(Duration.ofNanos((long) (pattern.windowsIdle * window)));
    Grants grants = askFor(started, (long) (pattern.windowsAsked * window));
    long counted = subject.isVirtual() ? window : window - MARGIN.toNanos();
    return OptionalInt.of(grants.mostInAnyWindow(counted));
  }

  /** Asks again as long as permits are granted, and a moment later when one is refused. */
  private static Grants askFor(WindowSubject.Started started, long nanos) {
    Time time = started.time();
    Grants grants = new Grants();
    long end = time.nanos() + nanos;
    while (time.nanos() < end) {
      long asked = time.nanos();
      if (started.tryAcquire().getAsBoolean()) {
        grants.add(asked, time.nanos());
      } else {
        time.tick();
      }
    }
    return grants;
  }
}
