package com.huntaze.ratelimiter.limit;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How many permits a scope may grant, and over what window.
 *
 * <p>Immutable and thread-safe. {@link #rolling} and {@link #spaced} are strict: no window of the
 * stated length, wherever it starts, contains more than the stated number of permits. Windows are
 * half-open: two calls exactly one window apart do not share a window. {@link #tokenBucket} is
 * strict in its own way, which lets nearly twice its capacity into some window; use it only for an
 * API that counts like this itself.
 */
public final class RateLimit {
  /** The shortest window a limit may have. */
  public static final Duration MIN_WINDOW = Duration.ofMillis(1);

  /** The longest window a limit may have. */
  public static final Duration MAX_WINDOW = Duration.ofHours(24);

  /** The most permits a window may hold. */
  public static final int MAX_PERMITS = 1_000_000;

  private static final int MAX_DAYS_TO_FILL = 31;

  private static final Pattern FORM =
      Pattern.compile("(\\d{1,9})\\s*/\\s*(\\d{1,9})?\\s*(ms|s|m|h)");

  private final int permits;
  private final Duration window;

  /** The permits that come back in each window, one by one; 0 for a rolling limit. */
  private final int refill;

  private RateLimit(int permits, Duration window, int refill) {
    this.permits = permits;
    this.window = window;
    this.refill = refill;
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
    return new RateLimit(checked("permits", permits), checked("window", window), 0);
  }

  /**
   * A bucket that starts full, gives a permit for each token and gets {@code refill} tokens back
   * every period, one by one: over any time t it grants at most {@code capacity + refill * t /
   * period}, so up to {@code capacity + refill} in some window of one period.
   *
   * <p>Bookings are made behind all others: an instant that another limit leaves unused is not
   * given to anybody else, and one creator's bookings do delay another's. The time between two
   * tokens is rounded up to a microsecond.
   *
   * @param capacity the most tokens at once, 1 to {@value #MAX_PERMITS}
   * @param refill the tokens that come back in a period, 1 to {@value #MAX_PERMITS}
   * @param period the period, 1 ms to 24 h; {@code period / refill} is at least 1 ms
   * @return the limit
   * @throws IllegalArgumentException if a value is out of its range; the message names it
   */
  public static RateLimit tokenBucket(int capacity, int refill, Duration period) {
    checked("capacity", capacity);
    checked("refill", refill);
    checked("period", period);
    if (period.compareTo(MIN_WINDOW.multipliedBy(refill)) < 0) {
      throw new IllegalArgumentException(
          "period / refill must be at least 1ms, was " + period + " / " + refill);
    }
    long days = period.toMillis() * capacity / refill / MAX_WINDOW.toMillis();
    if (days > MAX_DAYS_TO_FILL) {
      throw new IllegalArgumentException(
          "capacity must come back within "
              + MAX_DAYS_TO_FILL
              + " days, was "
              + days
              + " days for capacity "
              + capacity);
    }
    return new RateLimit(capacity, period, refill);
  }

  private static int checked(String name, int permits) {
    if (permits < 1 || permits > MAX_PERMITS) {
      throw new IllegalArgumentException(
          name + " must be 1 to " + MAX_PERMITS + ", was " + permits);
    }
    return permits;
  }

  private static Duration checked(String name, Duration window) {
    requireNonNull(window, name);
    if (window.compareTo(MIN_WINDOW) < 0 || window.compareTo(MAX_WINDOW) > 0) {
      throw new IllegalArgumentException(name + " must be 1ms to 24h, was " + window);
    }
    return window;
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
    return new RateLimit(1, spacing, 0);
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

  /** {@return the permits a window may hold; of a token bucket, its capacity} */
  public int permits() {
    return permits;
  }

  /** {@return the length of the window; of a token bucket, the period of its refill} */
  public Duration window() {
    return window;
  }

  /** {@return whether this is a token bucket, and not strict over every window} */
  public boolean isTokenBucket() {
    return refill > 0;
  }

  /**
   * {@return the permits that come back in each window: all of them, or a token bucket's refill}
   */
  public int refill() {
    return refill > 0 ? refill : permits;
  }

  /**
   * The shortest time in which {@code calls} calls can be made, counted from the first one.
   *
   * @param calls how many calls are to be made, 0 or more
   * @return the time from the first to the last call at the limit's best
   */
  public Duration idealSpan(long calls) {
    if (isTokenBucket()) {
      return Duration.ofNanos(spacingMicros(0) * 1_000).multipliedBy(Math.max(0, calls - permits));
    }
    long fullWindows = Math.max(0, (calls + permits - 1) / permits - 1);
    return window.multipliedBy(fullWindows);
  }

  /** Rounded up: a window a microsecond short would let one call too many in. */
  long windowMicros() {
    return Micros.up(window);
  }

  /** The time between two tokens when every period is longer by a guard, rounded up. */
  long spacingMicros(long guard) {
    return (windowMicros() + guard + refill() - 1) / refill();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RateLimit that
        && permits == that.permits
        && refill == that.refill
        && window.equals(that.window);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * permits + refill) + window.hashCode();
  }

  /**
   * {@return the limit in the form that {@link #parse} reads, to the millisecond; a token bucket
   * names its capacity, which that form cannot}
   */
  @Override
  public String toString() {
    long millis = window.toMillis();
    String rate = refill() + "/" + (millis % 1000 == 0 ? millis / 1000 + "s" : millis + "ms");
    return isTokenBucket() ? "tokenBucket(" + permits + ", " + rate + ")" : rate;
  }
}
