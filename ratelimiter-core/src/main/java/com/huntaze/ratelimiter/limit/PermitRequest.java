package com.huntaze.ratelimiter.limit;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Asks for leave to make one call.
 *
 * <p>Immutable and thread-safe. The id makes the request idempotent: the same id asks for the same
 * permit. At the edge every call to the API is a permit of its own, so the id there names the
 * message, the hand that holds it and the attempt.
 */
public final class PermitRequest {
  /** The longest id a request may have, in characters. */
  public static final int MAX_ID_LENGTH = 160;

  private final String id;
  private final List<Scope> scopes;
  private final Duration bookingHorizon;
  private final boolean ordered;

  private PermitRequest(String id, List<Scope> scopes, Duration bookingHorizon, boolean ordered) {
    this.id = id;
    this.scopes = scopes;
    this.bookingHorizon = bookingHorizon;
    this.ordered = ordered;
  }

  /**
   * A request that counts on the global scope and on the given ones, and is refused when it cannot
   * go now.
   *
   * @param id the id, 1 to {@value #MAX_ID_LENGTH} characters
   * @param scopes further scopes; those the bucket has no limit for are not counted
   * @return the request
   * @throws IllegalArgumentException if the id is blank, too long or has control characters
   */
  public static PermitRequest of(String id, Scope... scopes) {
    requireNonNull(id, "id");
    if (id.isBlank() || id.length() > MAX_ID_LENGTH) {
      throw new IllegalArgumentException(
          "permit id must be 1 to "
              + MAX_ID_LENGTH
              + " characters and not blank, was "
              + id.length()
              + " characters");
    }
    if (id.chars().anyMatch(Character::isISOControl) || !Ids.isText(id)) {
      throw new IllegalArgumentException(
          "permit id must have no control characters and whole Unicode characters only");
    }
    List<Scope> all = new ArrayList<>(scopes.length + 1);
    all.add(Scope.global());
    for (Scope scope : scopes) {
      if (!all.contains(requireNonNull(scope, "scope"))) {
        all.add(scope);
      }
    }
    return new PermitRequest(id, List.copyOf(all), Duration.ZERO, false);
  }

  /**
   * The same request, which books the earliest instant its scopes leave free when it cannot go now.
   *
   * @param horizon how far ahead the instant may lie; zero asks for no booking
   * @return the request
   * @throws IllegalArgumentException if the horizon is negative
   */
  public PermitRequest bookingUpTo(Duration horizon) {
    if (requireNonNull(horizon, "horizon").isNegative()) {
      throw new IllegalArgumentException("horizon must not be negative, was " + horizon);
    }
    return new PermitRequest(id, scopes, horizon, ordered);
  }

  /**
   * The same request, which never overtakes an earlier one that was ordered, too, and of the same
   * creator: its instant is not before the last one given to that creator. Without a creator among
   * the scopes, the order is that of all ordered requests.
   *
   * <p>It costs permits where another scope holds back the earlier request. A holder that comes too
   * late for its booking loses its place as well, and a booking that is given up keeps its place
   * until its instant has passed: those ordered behind it do not move up.
   *
   * @return the request
   */
  public PermitRequest ordered() {
    return new PermitRequest(id, scopes, bookingHorizon, true);
  }

  /** {@return the id of the permit} */
  public String id() {
    return id;
  }

  /** {@return the scopes the permit is counted on, the global one first} */
  public List<Scope> scopes() {
    return scopes;
  }

  /** {@return how far ahead a booking may lie; zero if none is wanted} */
  public Duration bookingHorizon() {
    return bookingHorizon;
  }

  /** {@return whether the request keeps its place behind earlier ones of its creator} */
  public boolean isOrdered() {
    return ordered;
  }

  /**
   * {@return the scope within which an ordered request keeps its place: its creator, or everything}
   */
  public Scope orderScope() {
    for (Scope scope : scopes) {
      if (scope.kind() == Scope.Kind.CREATOR) {
        return scope;
      }
    }
    return Scope.global();
  }

  @Override
  public String toString() {
    return "PermitRequest[" + id + ", scopes=" + scopes.size() + "]";
  }
}
