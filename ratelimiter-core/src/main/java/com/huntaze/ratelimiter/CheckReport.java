package com.huntaze.ratelimiter;

import java.util.List;

/**
 * Whether the parts of a pipeline can be reached and are fit for use. Immutable and thread-safe;
 * carries no secret.
 *
 * @param parts queue, bucket and fallback store, those that there are
 */
public record CheckReport(List<Part> parts) {
  /** Copies the list. */
  public CheckReport {
    parts = List.copyOf(parts);
  }

  /** How a part stands. */
  public enum Level {
    /** It answers, and nothing is to be mended. */
    OK,
    /** It answers and works, and something about it endangers a promise. */
    WARNING,
    /** It does not answer, or must not be used as it is. */
    FAULT
  }

  /**
   * One part.
   *
   * @param name {@code queue}, {@code bucket} or {@code fallback}
   * @param level how it stands
   * @param findings what is to be mended, in words
   */
  public record Part(String name, Level level, List<String> findings) {
    /** Copies the list. */
    public Part {
      findings = List.copyOf(findings);
    }

    @Override
    public String toString() {
      return name + " " + level + (findings.isEmpty() ? "" : ": " + String.join("; ", findings));
    }
  }

  /** {@return the worst level of any part} */
  public Level level() {
    return parts.stream().map(Part::level).max(Level::compareTo).orElse(Level.OK);
  }

  @Override
  public String toString() {
    return String.join(", ", parts.stream().map(Part::toString).toList());
  }
}
