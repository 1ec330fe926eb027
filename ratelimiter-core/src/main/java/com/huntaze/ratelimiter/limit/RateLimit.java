package com.huntaze.ratelimiter.limit;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How many permits a scope may grant, and over what window.
 *
 * <p>Immutable and thread-safe. A limit is strict: no window of the stated length, wherever it
 * starts, contains more than the stated number of permits. Windows are half-open: two calls exactly
 * one window apart do not share a window.
 */
public final class RateLimit {
  /** The shortest window a limit may have. */
  public static final Duration MIN_WINDOW = Duration.ofMillis(1);

  /** The longest window a limit may have. */
  public static final Duration MAX_WINDOW = Duration.ofHours(24);

  /** The most permits a window may hold. */
  public static final int MAX_PERMITS = 1_000_000;

  private static final Pattern FORM =
      Pattern.compile("(\\d{1,9})\\s*/\\s*(\\d{1,9})?\\s*(ms|s|m|h)");

  private final int permits;
  private final Duration window;

  private RateLimit(int permits, Duration window) {
    this.permits = permits;
    this.window = window;
  }

  /**
   * At most {@code permits} in any window: bursts are allowed, the bound holds over every window.
   *
   * @param permits the permits a window may hold, 1 to {@value #MAX_PERMITS}
   * @param window the length of the window, 1 ms to 24 h
   * @return the limit
   * @throws IllegalArgumentException if a value is out of its range; the message names it
   */
  public static RateLimit rolling(int permits, Duration window) {
    requireNonNull(window, "window");
    if (permits < 1 || permits > MAX_PERMITS) {
      throw new IllegalArgumentException(
          "permits must be 1 to " + MAX_PERMITS + ", was " + permits);
    }
    if (window.compareTo(MIN_WINDOW) < 0 || window.compareTo(MAX_WINDOW) > 0) {
      throw new IllegalArgumentException("window must be 1ms to 24h, was " + window);
    }
    return new RateLimit(permits, window);
  }

  /**
   * The same rate without bursts: one permit every {@code window / permits}.
   *
   * @param permits the permits of a window, 1 to {@value #MAX_PERMITS}
   * @param window the length of the window; {@code window / permits} is 1 ms to 24 h
   * @return the limit, equal to {@code rolling(1, window / permits)}
   * @throws IllegalArgumentException if a value is out of its range; the message names it
   */
  public static RateLimit spaced(int permits, Duration window) {
    RateLimit whole = rolling(permits, window);
    // Rounded up: a spacing a nanosecond short would let one call too many into some window.
    Duration spacing = whole.window.plusNanos(permits - 1L).dividedBy(permits);
    if (spacing.compareTo(MIN_WINDOW) < 0) {
      throw new IllegalArgumentException(
          "window / permits must be at least 1ms, was " + window + " / " + permits);
    }
    return new RateLimit(1, spacing);
  }

  /**
   * Reads the form of the setting {@code RATE_LIMIT}: {@code 10/60s}, {@code 200/h}, {@code
   * 5/250ms}.
   *
   * @param text the number of permits, a slash, and the window with its unit: ms, s, m or h
   * @return the rolling limit it says
   * @throws IllegalArgumentException if the text has another form or a value is out of its range
   */
  public static RateLimit parse(String text) {
    Matcher matcher = FORM.matcher(requireNonNull(text, "text").strip().toLowerCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "rate limit must look like 10/60s (permits / window in ms, s, m or h), was '"
              + text
              + "'");
    }
    long count = matcher.group(2) == null ? 1 : Long.parseLong(matcher.group(2));
    Duration window =
        switch (matcher.group(3)) {
          case "ms" -> Duration.ofMillis(count);
          case "s" -> Duration.ofSeconds(count);
          case "m" -> Duration.ofMinutes(count);
          default -> Duration.ofHours(count);
        };
    return rolling(Integer.parseInt(matcher.group(1)), window);
  }

  /** {@return the permits a window may hold} */
  public int permits() {
    return permits;
  }

  /** {@return the length of the window} */
  public Duration window() {
    return window;
  }

  /**
   * The shortest time in which {@code calls} calls can be made, counted from the first one.
   *
   * @param calls how many calls are to be made, 0 or more
   * @return the time from the first to the last call at the limit's best
   */
  public Duration idealSpan(long calls) {
    long fullWindows = Math.max(0, (calls + permits - 1) / permits - 1);
    return window.multipliedBy(fullWindows);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RateLimit that && permits == that.permits && window.equals(that.window);
  }

  @Override
  public int hashCode() {
    return 31 * permits + window.hashCode();
  }

  /** {@return the limit in the form that {@link #parse} reads, to the millisecond} */
  @Override
  public String toString() {
    long millis = window.toMillis();
    return permits + "/" + (millis % 1000 == 0 ? millis / 1000 + "s" : millis + "ms");
  }
}
