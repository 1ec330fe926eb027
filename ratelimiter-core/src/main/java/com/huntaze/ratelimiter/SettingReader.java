package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.limit.RateLimit;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads settings one by one and gathers what is wrong with them. Used by one thread. */
final class SettingReader {
  private static final Pattern QUEUE_NAME =
      Pattern.compile("[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\\.fifo");

  private final Map<String, String> settings;
  private final List<String> problems = new ArrayList<>();

  SettingReader(Map<String, String> settings) {
    this.settings = settings;
  }

  Optional<String> text(String name) {
    return Optional.ofNullable(settings.get(name)).map(String::strip).filter(s -> !s.isEmpty());
  }

  boolean onOff(String name) {
    String value = text(name).orElse("false");
    return switch (value.toLowerCase(Locale.ROOT)) {
      case "true", "on", "1" -> true;
      case "false", "off", "0" -> false;
      default -> {
        problem(name, value, "true or false");
        yield false;
      }
    };
  }

  int percent(String name, int unset) {
    Optional<String> value = text(name);
    if (value.isEmpty()) {
      return unset;
    }
    if (value.get().matches("\\d{1,3}") && Integer.parseInt(value.get()) <= 100) {
      return Integer.parseInt(value.get());
    }
    problem(name, value.get(), "a whole number, 0 to 100");
    return unset;
  }

  Optional<String> queue(String name) {
    Optional<String> value = text(name);
    if (value.isPresent() && !isHttp(value.get()) && !QUEUE_NAME.matcher(value.get()).matches()) {
      problem(
          name,
          isHttpLike(value.get()) ? shown(value.get()) : value.get(),
          "a queue's name (letters, digits, - and _, at most 80) or its http or https URL");
      return Optional.empty();
    }
    return value;
  }

  Optional<String> fifoQueue(String name) {
    Optional<String> value = queue(name);
    if (value.isPresent() && !value.get().endsWith(".fifo")) {
      problem(
          name,
          isHttpLike(value.get()) ? shown(value.get()) : value.get(),
          "a FIFO queue, whose name ends in .fifo");
      return Optional.empty();
    }
    return value;
  }

  Optional<URI> url(String name, String... schemes) {
    Optional<String> value = text(name);
    if (value.isEmpty()) {
      return Optional.empty();
    }
    try {
      URI uri = new URI(value.get());
      if (uri.getHost() != null && List.of(schemes).contains(lower(uri.getScheme()))) {
        return Optional.of(uri);
      }
    } catch (URISyntaxException e) {
      // reported below with everything else that is no such URL
    }
    problem(name, shown(value.get()), String.join(":// or ", schemes) + ":// with a host");
    return Optional.empty();
  }

  Optional<DatabaseUrl> database(String name) {
    try {
      return text(name).map(DatabaseUrl::parse);
    } catch (IllegalArgumentException e) {
      problems.add(name + " " + e.getMessage());
      return Optional.empty();
    }
  }

  RateLimit rateLimit(String name, String unset) {
    String value = text(name).orElse(unset);
    try {
      return RateLimit.parse(value);
    } catch (IllegalArgumentException e) {
      problem(name, value, "permits / window, as in 10/60s: " + e.getMessage());
      return RateLimit.parse(unset);
    }
  }

  void refuse() {
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", problems));
    }
  }

  private void problem(String name, String value, String allowed) {
    problems.add(name + " must be " + allowed + ", was '" + value + "'");
  }

  /**
   * A URL as far as it can hold no credentials; of one that is no URL, only an address. Someone may
   * have put a password in the wrong place.
   */
  private static String shown(String value) {
    if (value.matches("[A-Za-z0-9.-]+:\\d{1,5}")) {
      return value;
    }
    return value.contains("@") || !value.contains("://") ? "***" : value.split("[?#]", 2)[0];
  }

  private static boolean isHttpLike(String value) {
    return value.contains(":") || value.contains("@");
  }

  private static boolean isHttp(String value) {
    String lower = lower(value);
    return lower.matches("https?://[^/\\s]+/\\S+");
  }

  private static String lower(@Nullable String value) {
    return value == null ? "" : value.toLowerCase(Locale.ROOT);
  }
}
