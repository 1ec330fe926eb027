package com.huntaze.ratelimiter.queue;

import java.time.Instant;

/**
 * Writes instants as {@link Instant#toString} does. Every message has one, most of them of the same
 * second as the last: that second's text is kept. Thread-safe.
 */
final class Timestamps {
  private record Second(long epochSecond, String text) {}

  private static volatile Second latest = second(0);

  private Timestamps() {}

  static String text(Instant instant) {
    Second second = latest;
    if (second.epochSecond != instant.getEpochSecond()) {
      second = second(instant.getEpochSecond());
      latest = second;
    }
    int fraction = instant.getNano();
    if (fraction == 0) {
      return second.text + "Z";
    }
    int digits = 9;
    while (fraction % 1_000 == 0) {
      fraction /= 1_000;
      digits -= 3;
    }
    StringBuilder text = new StringBuilder(second.text.length() + digits + 2);
    text.append(second.text).append('.');
    for (int least = (int) Math.pow(10, digits - 1); fraction < least; least /= 10) {
      text.append('0');
    }
    return text.append(fraction).append('Z').toString();
  }

  private static Second second(long epochSecond) {
    String whole = Instant.ofEpochSecond(epochSecond).toString();
    return new Second(epochSecond, whole.substring(0, whole.length() - 1));
  }
}
