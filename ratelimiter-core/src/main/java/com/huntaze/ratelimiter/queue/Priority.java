package com.huntaze.ratelimiter.queue;

import java.util.Locale;
import java.util.Optional;

/** How urgent a message is. High overtakes low; low never starves. */
public enum Priority {
  /** Six of ten turns while all three wait. */
  HIGH(6),
  /** The default: three of ten turns while all three wait. */
  MEDIUM(3),
  /** One of ten turns while all three wait. */
  LOW(1);

  private final int weight;
  private final String wireName = name().toLowerCase(Locale.ROOT);

  Priority(int weight) {
    this.weight = weight;
  }

  /**
   * {@return how many turns of a round this priority has while all of them have messages waiting}
   */
  public int weight() {
    return weight;
  }

  /** {@return the name in the standard payload: {@code high}, {@code medium} or {@code low}} */
  public String wireName() {
    return wireName;
  }

  /**
   * Reads a name of either payload; {@code normal} is {@link #MEDIUM}.
   *
   * @param name the name, in any case
   * @return the priority, or empty if there is none of that name
   */
  public static Optional<Priority> fromWireName(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "high" -> Optional.of(HIGH);
      case "medium", "normal" -> Optional.of(MEDIUM);
      case "low" -> Optional.of(LOW);
      default -> Optional.empty();
    };
  }
}
