package com.huntaze.ratelimiter.examples.browser;

import com.huntaze.ratelimiter.delivery.GatewayResponse;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;

/**
 * What the page shows once the button was pressed. Immutable; {@link #toString} shows no body.
 *
 * @param messageId the message that it is about
 * @param status the API's HTTP status; 0 if the page got no answer
 * @param retryAfter the API's {@code Retry-After} as it came, empty if there was none
 * @param body what the API said
 */
public record PageAnswer(String messageId, int status, String retryAfter, String body) {
  private static final Duration LONGEST_WAIT = Duration.ofHours(24);
  private static final int MAX_CHARS = 4_096;

  /** The answer as a gateway gives it, with dates compared to that clock. */
  GatewayResponse toResponse(InstantSource clock) {
    String kept = body.length() > MAX_CHARS ? body.substring(0, MAX_CHARS) : body;
    return new GatewayResponse(
        status, wait(clock), kept.isEmpty() ? Optional.empty() : Optional.of(kept));
  }

  /** Seconds or a date; a date in the past is zero. */
  private Optional<Duration> wait(InstantSource clock) {
    String text = retryAfter.strip();
    try {
      return Optional.of(within(Duration.ofSeconds(Long.parseLong(text))));
    } catch (NumberFormatException notSeconds) {
      try {
        Instant date = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
        return Optional.of(within(Duration.between(clock.instant(), date)));
      } catch (DateTimeParseException notADate) {
        return Optional.empty();
      }
    }
  }

  private static Duration within(Duration wait) {
    if (wait.isNegative()) {
      return Duration.ZERO;
    }
    return wait.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : wait;
  }

  @Override
  public String toString() {
    return "PageAnswer[" + messageId + ", " + status + "]";
  }
}
