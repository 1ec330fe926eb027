package com.huntaze.ratelimiter.limit;

import static java.util.Objects.requireNonNull;

/**
 * What a limit counts: every call, the calls of one creator, or the calls to one recipient.
 *
 * <p>Immutable and thread-safe.
 *
 * @param kind what is counted
 * @param id whose calls are counted; {@code global} for {@link Kind#GLOBAL}
 */
public record Scope(Kind kind, String id) {
  /** The longest id a scope may have, in characters. */
  public static final int MAX_ID_LENGTH = 256;

  private static final Scope GLOBAL = new Scope(Kind.GLOBAL, "global");

  /** The kinds of scope. */
  public enum Kind {
    /** Every call to the external API. */
    GLOBAL,
    /** The calls on behalf of one creator. */
    CREATOR,
    /** The calls to one recipient. */
    RECIPIENT
  }

  /**
   * Checks the id.
   *
   * @throws IllegalArgumentException if the id is blank, longer than {@value #MAX_ID_LENGTH}, has
   *     half a surrogate pair, or is not {@code global} for the global scope
   */
  public Scope {
    requireNonNull(kind, "kind");
    requireNonNull(id, "id");
    if (kind == Kind.GLOBAL && !id.equals("global")) {
      throw new IllegalArgumentException("the scope of every call has the id global");
    }
    if (!Ids.isText(id)) {
      throw new IllegalArgumentException("scope id must be whole Unicode characters");
    }
    if (id.isBlank() || id.length() > MAX_ID_LENGTH) {
      throw new IllegalArgumentException(
          "scope id must be 1 to "
              + MAX_ID_LENGTH
              + " characters and not blank, was "
              + id.length()
              + " characters");
    }
  }

  /** {@return the scope that counts every call} */
  public static Scope global() {
    return GLOBAL;
  }

  /**
   * The scope of one creator.
   *
   * @param id the creator's id, not blank
   * @return the scope
   */
  public static Scope creator(String id) {
    return new Scope(Kind.CREATOR, id);
  }

  /**
   * The scope of one recipient.
   *
   * @param id the recipient's id, not blank
   * @return the scope
   */
  public static Scope recipient(String id) {
    return new Scope(Kind.RECIPIENT, id);
  }

  /**
   * {@return the name keys are built from: {@code global}, {@code creator:<id>}, {@code
   * recipient:<id>}}
   */
  public String key() {
    return switch (kind) {
      case GLOBAL -> id;
      case CREATOR -> "creator:" + id;
      case RECIPIENT -> "recipient:" + id;
    };
  }
}
