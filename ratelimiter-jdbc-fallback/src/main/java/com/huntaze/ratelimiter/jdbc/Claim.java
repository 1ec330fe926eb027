package com.huntaze.ratelimiter.jdbc;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One look for due rows, of which those are leased that no earlier row of their creator holds up.
 * Picks the oldest by the index and passes over what another claimer has locked; whose rows are
 * held up is decided after they are locked, so that two claimers never share a creator.
 *
 * @param leased the rows that were leased, oldest first
 * @param heldUp the creators of rows that were looked at and not leased
 */
record Claim(List<ClaimedRow> leased, Set<String> heldUp) {
  /** How many times more rows H2 looks at than it locks; so that many claimers find some. */
  private static final int UNLOCKED = 8;

  private record Picked(long seq, String creator) {}

  private record HeldUp(String creator, @Nullable Long from) {
    boolean holds(Picked row) {
      return from != null && row.seq >= from;
    }
  }

  /**
   * Looks at up to a number of due rows.
   *
   * @param window how many to look at
   * @param max how many to lease at the most
   * @param passedOver creators not to look at
   * @param owner who leases them
   * @param lease for how long, in microseconds
   */
  static Claim look(
      Session session, int window, int max, Set<String> passedOver, String owner, long lease)
      throws SQLException {
    return session.dialect().claimsAtOnce()
        ? atOnce(session, window, max, passedOver, owner, lease)
        : inSteps(session, window, max, passedOver, owner, lease);
  }

  private static Claim atOnce(
      Session session, int window, int max, Set<String> passedOver, String owner, long lease)
      throws SQLException {
    Claim claim = new Claim(new ArrayList<>(), new HashSet<>());
    session.query(
        row -> {
          if (row.getString(3) == null) {
            return claim.heldUp.add(row.getString(1));
          }
          return claim.leased.add(ClaimedRow.read(session.dialect(), row));
        },
        session.dialect().claim(window, max, passedOver.size()),
        parameters(passedOver, List.<Object>of(owner, lease, lease)));
    return claim;
  }

  private static Claim inSteps(
      Session session, int window, int max, Set<String> passedOver, String owner, long lease)
      throws SQLException {
    session.beginReadCommitted();
    List<Picked> picked = pick(session, window, passedOver);
    if (picked.isEmpty()) {
      return new Claim(List.of(), Set.of());
    }
    Map<String, HeldUp> held = held(session, picked);
    Set<String> heldUp = new HashSet<>();
    List<Long> free = new ArrayList<>();
    for (Picked row : picked) {
      HeldUp its = held.get(row.creator);
      if (its == null || its.holds(row)) { // edited between the two statements, or held up
        heldUp.add(row.creator);
      } else if (free.size() < max) {
        free.add(row.seq);
      }
    }
    List<ClaimedRow> leased = new ArrayList<>(free.size());
    for (List<Long> some : chunks(free, Session.MAX_VALUES)) {
      session.update(
          session.dialect().lease(some.size()),
          parameters(List.<Object>of(owner, lease, lease), some));
      leased.addAll(
          session.query(
              row -> ClaimedRow.read(session.dialect(), row),
              session.dialect().leased(some.size()),
              some.toArray()));
    }
    return new Claim(leased, heldUp);
  }

  private static List<Picked> pick(Session session, int window, Set<String> passedOver)
      throws SQLException {
    Dialect dialect = session.dialect();
    Session.Reader<Picked> reader = row -> new Picked(row.getLong(1), row.getString(2));
    if (!dialect.picksUnlocked()) {
      return session.query(reader, dialect.pick(window, passedOver.size()), passedOver.toArray());
    }
    int more = (int) Math.min(Integer.MAX_VALUE, (long) window * UNLOCKED);
    List<Picked> seen =
        session.query(reader, dialect.pick(more, passedOver.size()), passedOver.toArray());
    for (List<Picked> some : chunks(seen, window)) {
      Object[] numbers = some.stream().map(Picked::seq).toArray();
      List<Picked> locked = session.query(reader, dialect.lock(some.size()), numbers);
      if (!locked.isEmpty()) {
        return locked;
      }
    }
    return List.of();
  }

  private static Map<String, HeldUp> held(Session session, List<Picked> picked)
      throws SQLException {
    List<Long> numbers = picked.stream().map(Picked::seq).toList();
    Map<String, HeldUp> held = new HashMap<>();
    session
        .query(
            row -> {
              long from = row.getLong(2);
              Long orNull = row.wasNull() ? null : from;
              return new HeldUp(row.getString(1), orNull);
            },
            session.dialect().held(numbers.size()),
            parameters(numbers, numbers))
        .forEach(each -> held.put(each.creator, each));
    return held;
  }

  private static Object[] parameters(Collection<?> first, Collection<?> second) {
    return Stream.concat(first.stream(), second.stream()).toArray();
  }

  static <T> List<List<T>> chunks(List<T> all, int size) {
    List<List<T>> chunks = new ArrayList<>();
    for (int from = 0; from < all.size(); from += size) {
      chunks.add(all.subList(from, (int) Math.min(all.size(), (long) from + size)));
    }
    return chunks;
  }
}
