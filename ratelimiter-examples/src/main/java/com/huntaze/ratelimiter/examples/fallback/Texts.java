package com.huntaze.ratelimiter.examples.fallback;

import java.time.Duration;
import java.util.Locale;

/** How values look on a terminal. */
final class Texts {
  private Texts() {}

  /** The text on one line, without characters that a terminal would obey. */
  static String safe(String text) {
    StringBuilder safe = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> {
              switch (Character.getType(c)) {
                case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE,
                    Character.UNASSIGNED ->
                    safe.append(String.format(Locale.ROOT, "\\u%04x", c));
                default -> safe.appendCodePoint(c);
              }
            });
    return safe.toString();
  }

  /** The beginning of a text that is too long for its column. */
  static String cut(String text, int max) {
    return text.codePointCount(0, text.length()) <= max
        ? text
        : text.substring(0, text.offsetByCodePoints(0, max - 3)) + "...";
  }

  /** The two largest units of a time, as in 3d4h or 12m5s. */
  static String shortly(Duration time) {
    if (time.toDays() > 0) {
      return time.toDays() + "d" + time.toHoursPart() + "h";
    }
    if (time.toHours() > 0) {
      return time.toHours() + "h" + time.toMinutesPart() + "m";
    }
    return (time.toMinutes() > 0 ? time.toMinutes() + "m" : "") + time.toSecondsPart() + "s";
  }

  static String messages(long count) {
    return count == 1 ? "1 message" : count + " messages";
  }
}
