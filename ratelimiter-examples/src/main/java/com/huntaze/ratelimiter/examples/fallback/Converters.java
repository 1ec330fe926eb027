package com.huntaze.ratelimiter.examples.fallback;

import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.limit.RateLimit;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How option values are read; a wrong one is told with what is allowed. */
final class Converters {
  private Converters() {}

  /** A count, 1 or more. */
  static final class Count implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      if (!text.matches("0*[1-9]\\d{0,8}")) {
        throw new TypeConversionException("must be 1 to 999999999, was '" + text + "'");
      }
      return Integer.valueOf(text);
    }
  }

  /** A position in the order of storing, 0 or more. */
  static final class Position implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      if (!text.matches("\\d{1,18}")) {
        throw new TypeConversionException("must be a position that list gave, was '" + text + "'");
      }
      return Long.valueOf(text);
    }
  }

  /** A status by its name in the table. */
  static final class Status implements ITypeConverter<StoredStatus> {
    @Override
    public StoredStatus convert(String text) {
      return Arrays.stream(StoredStatus.values())
          .filter(status -> status.wireName().equals(text.toLowerCase(Locale.ROOT)))
          .findFirst()
          .orElseThrow(
              () ->
                  new TypeConversionException(
                      Arrays.stream(StoredStatus.values())
                          .map(StoredStatus::wireName)
                          .collect(
                              Collectors.joining(
                                  ", ", "must be one of ", ", was '" + text + "'"))));
    }
  }

  /** A pace, in the form of the setting RATE_LIMIT. */
  static final class Pace implements ITypeConverter<RateLimit> {
    @Override
    public RateLimit convert(String text) {
      try {
        return RateLimit.parse(text);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  /** An age such as 14d, 12h, 30m, 45s, or in ISO-8601. */
  static final class Age implements ITypeConverter<Duration> {
    private static final Pattern SHORT = Pattern.compile("(\\d{1,7})([dhms])");
    private static final Duration LONGEST = Duration.ofDays(36_500);

    @Override
    public Duration convert(String text) {
      Duration age = parsed(text);
      if (age.toSeconds() < 1 || age.compareTo(LONGEST) > 0) {
        throw new TypeConversionException(
            "must be 1s to " + LONGEST.toDays() + "d, was '" + text + "'");
      }
      return age;
    }

    private static Duration parsed(String text) {
      Matcher matcher = SHORT.matcher(text.toLowerCase(Locale.ROOT));
      if (matcher.matches()) {
        long count = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
          case "d" -> Duration.ofDays(count);
          case "h" -> Duration.ofHours(count);
          case "m" -> Duration.ofMinutes(count);
          default -> Duration.ofSeconds(count);
        };
      }
      try {
        return Duration.parse(text);
      } catch (DateTimeParseException e) {
        throw new TypeConversionException(
            "must look like 14d, 12h, 30m, 45s or P14D, was '" + text + "'");
      }
    }
  }
}
