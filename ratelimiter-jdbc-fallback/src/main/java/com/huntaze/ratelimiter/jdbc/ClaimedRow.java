package com.huntaze.ratelimiter.jdbc;

import static java.util.stream.Collectors.joining;

import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A row that was leased, still to be read; and how rows are leased, which is where databases differ
 * most. Each way picks the oldest due rows by the index and passes over those another claimer has
 * locked.
 */
record ClaimedRow(
    String id, String payload, int attempts, @Nullable String lastError, Instant createdAt) {

  /** How many times more rows H2 looks at than it was asked for; as many claimers find some. */
  private static final int WINDOW = 8;

  private static final String DUE = "waiting = TRUE AND next_attempt_at <= {now}";

  private static final String COLUMNS = "id, payload, attempts, last_error, created_at";

  private static final String LEASE =
      """
      UPDATE onlyfans_messages
      SET lease_owner = ?, lease_until = {later}, next_attempt_at = {later}, updated_at = {now}
      WHERE id IN (%s)\
      """;

  /**
   * The rows are picked first and once: a plain subquery may be run again for each row that is
   * updated, and lease more than were asked for. The limit is a literal, for the planner to see.
   */
  private static final String POSTGRESQL =
      """
      WITH due AS MATERIALIZED (
        SELECT id FROM onlyfans_messages WHERE %s
        ORDER BY seq LIMIT %d FOR UPDATE SKIP LOCKED),
      claimed AS (
        %s RETURNING seq, %s)
      SELECT %s FROM claimed ORDER BY seq\
      """;

  /** By any other index the rows would be sorted, and every due row be locked for that. */
  private static final String MYSQL =
      """
      SELECT %s FROM onlyfans_messages FORCE INDEX (onlyfans_messages_claim) WHERE %s
      ORDER BY waiting, seq LIMIT %d FOR UPDATE SKIP LOCKED\
      """;

  /** H2 uses an index for the order only where it locks nothing; so it looks first, then locks. */
  private static final String H2_LOOK =
      "SELECT id FROM onlyfans_messages WHERE %s ORDER BY waiting, seq LIMIT %d";

  private static final String H2_LOCK =
      """
      SELECT %s FROM onlyfans_messages WHERE id IN (%s) AND %s
      ORDER BY seq FOR UPDATE SKIP LOCKED\
      """;

  /** Leases up to a number of due rows, oldest first. */
  static List<ClaimedRow> lease(Session session, int max, String token, long lease)
      throws SQLException {
    return switch (session.dialect()) {
      case POSTGRESQL -> session.query(rows(session), postgresql(max), token, lease, lease);
      case MYSQL, MARIADB -> {
        session.begin();
        // REPEATABLE READ would lock the gaps between rows too, and make claimers wait.
        session.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
        String pick = MYSQL.formatted(COLUMNS, DUE, max);
        yield leased(session, session.query(rows(session), pick), token, lease);
      }
      case H2 -> {
        session.begin();
        yield leased(session, lockOnH2(session, max), token, lease);
      }
    };
  }

  /** The whole claim in one round trip. */
  static String postgresql(int max) {
    return POSTGRESQL.formatted(DUE, max, LEASE.formatted("SELECT id FROM due"), COLUMNS, COLUMNS);
  }

  private static List<ClaimedRow> lockOnH2(Session session, int max) throws SQLException {
    int window = (int) Math.min(Integer.MAX_VALUE, (long) max * WINDOW);
    List<String> due = session.query(row -> row.getString(1), H2_LOOK.formatted(DUE, window));
    for (List<String> some : chunks(due, max)) {
      String lock = H2_LOCK.formatted(COLUMNS, marks(some), DUE);
      List<ClaimedRow> locked = session.query(rows(session), lock, some.toArray());
      if (!locked.isEmpty()) {
        return locked;
      }
    }
    return List.of();
  }

  private static List<ClaimedRow> leased(
      Session session, List<ClaimedRow> rows, String token, long lease) throws SQLException {
    for (List<ClaimedRow> some : chunks(rows, Session.MAX_VALUES)) {
      List<Object> parameters = new ArrayList<>(List.of(token, lease, lease));
      some.forEach(row -> parameters.add(row.id()));
      session.update(LEASE.formatted(marks(some)), parameters.toArray());
    }
    return rows;
  }

  private static Session.Reader<ClaimedRow> rows(Session session) {
    return row ->
        new ClaimedRow(
            row.getString(1),
            row.getString(2),
            row.getInt(3),
            row.getString(4),
            session.dialect().instant(row, 5));
  }

  static <T> List<List<T>> chunks(List<T> all, int size) {
    List<List<T>> chunks = new ArrayList<>();
    for (int from = 0; from < all.size(); from += size) {
      chunks.add(all.subList(from, (int) Math.min(all.size(), (long) from + size)));
    }
    return chunks;
  }

  static String marks(List<?> values) {
    return values.stream().map(value -> "?").collect(joining(", "));
  }

  @Override
  public String toString() {
    return "ClaimedRow[" + id + "]";
  }
}
