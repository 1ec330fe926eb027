package com.huntaze.ratelimiter.jdbc;

import com.huntaze.ratelimiter.fallback.StoredStatus;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The databases this package knows, and all SQL in which they differ. Other statements are written
 * once, with {@code {now}} for the database's own clock, {@code {later}} for that clock plus a
 * parameter in microseconds, and {@code {byId}} where rows are found by their ids: on a small table
 * MySQL would rather scan it, lock all of it, and run into everyone else.
 */
enum Dialect {
  POSTGRESQL(
      "postgresql",
      "statement_timestamp()",
      "(statement_timestamp() + CAST(? AS BIGINT) * INTERVAL '1 microsecond')"),
  MYSQL("mysql", "UTC_TIMESTAMP(6)", "(UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND)"),
  MARIADB("mysql", "UTC_TIMESTAMP(6)", "(UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND)"),
  H2("h2", "CURRENT_TIMESTAMP(6)", "DATEADD(MICROSECOND, ?, CURRENT_TIMESTAMP(6))");

  /** No lease and no back-off is longer. */
  private static final Duration LONGEST = Duration.ofDays(1);

  /**
   * What waits is due, and so is what waits longer than this package lets anything wait: it was
   * edited by hand, or written while the database's clock was ahead.
   */
  private static final String DUE =
      "waiting = TRUE AND (next_attempt_at <= {now} OR next_attempt_at > {far})";

  private static final String FAR_MICROS = Long.toString(LONGEST.multipliedBy(2).toNanos() / 1_000);

  /** What a claimer is told of a row. */
  private static final String CLAIMED =
      "onlyfans_messages.seq, id, payload, key_id, revivals, attempts, last_error, created_at,"
          + " {now}";

  private static final String LEASE =
      "lease_owner = ?, lease_until = {later}, next_attempt_at = {later}, updated_at = {now}";

  /**
   * The whole claim in one round trip. The rows are picked first and once: a plain subquery may be
   * run again for each row that is updated, and lease more than were asked for. Of what was picked
   * goes what no earlier row of its creator holds up: one that waits, and was not picked. The
   * limits are literals, for the planner to see.
   */
  private static final String CLAIM_ON_POSTGRESQL =
      """
      WITH due AS MATERIALIZED (
        SELECT seq, order_key FROM onlyfans_messages WHERE %s%s
        ORDER BY seq LIMIT %d FOR UPDATE SKIP LOCKED),
      held AS MATERIALIZED (
        SELECT keys.order_key, (
          SELECT ahead.seq FROM onlyfans_messages ahead
          WHERE ahead.waiting AND ahead.order_key = keys.order_key
            AND ahead.seq NOT IN (SELECT seq FROM due)
          ORDER BY ahead.seq LIMIT 1) AS up_from
        FROM (SELECT DISTINCT order_key FROM due) keys),
      free AS MATERIALIZED (
        SELECT due.seq FROM due JOIN held ON held.order_key = due.order_key
        WHERE held.up_from IS NULL OR due.seq < held.up_from
        ORDER BY due.seq LIMIT %d),
      claimed AS (
        UPDATE onlyfans_messages SET %s
        FROM free WHERE onlyfans_messages.seq = free.seq AND waiting
        RETURNING %s AS now)
      SELECT due.order_key, claimed.* FROM due LEFT JOIN claimed ON claimed.seq = due.seq
      ORDER BY due.seq\
      """;

  private static final String HELD =
      """
      SELECT order_key, (
        SELECT ahead.seq FROM onlyfans_messages ahead
        WHERE ahead.waiting = TRUE AND ahead.order_key = picked.order_key
          AND ahead.seq NOT IN (%s)
        ORDER BY ahead.waiting, ahead.order_key, ahead.seq LIMIT 1)
      FROM (
        SELECT DISTINCT order_key FROM onlyfans_messages
        WHERE waiting = TRUE AND seq IN (%s)) picked\
      """;

  private final String directory;
  private final String now;
  private final String later;

  Dialect(String directory, String now, String later) {
    this.directory = "schema/" + directory;
    this.now = now;
    this.later = later;
  }

  /** The dialect of a name, as settings and databases spell it; empty if there is none. */
  static Optional<Dialect> named(String name) {
    return Arrays.stream(values()).filter(each -> each.name().equalsIgnoreCase(name)).findFirst();
  }

  /** What a setting may say. */
  static String allowed() {
    return Arrays.stream(values())
        .map(each -> each.name().toLowerCase(Locale.ROOT))
        .collect(Collectors.joining(", "));
  }

  /** Where in the jar, beside this class, its schema files are. */
  String schemaDirectory() {
    return directory;
  }

  String sql(String template) {
    return template
        .replace("{now}", now)
        .replace("{later}", later)
        .replace("{far}", later.replace("?", FAR_MICROS))
        .replace("{byId}", isMySqlFamily() ? " FORCE INDEX (onlyfans_messages_id)" : "");
  }

  /** What to give {@code {later}}; a day at the most. */
  static long micros(Duration duration) {
    return (duration.compareTo(LONGEST) > 0 ? LONGEST : duration).toNanos() / 1_000;
  }

  /** What to give {@code {later}} for a time that has gone by. */
  static long microsAgo(Duration age) {
    Duration longest = LONGEST.multipliedBy(36_500);
    return -((age.compareTo(longest) > 0 ? longest : age).toNanos() / 1_000);
  }

  /** Whether a claim is one statement, {@link #claim}; else it is {@link #pick} and so on. */
  boolean claimsAtOnce() {
    return this == POSTGRESQL;
  }

  /**
   * A claim. Parameters: the creators to pass over, the owner, the lease, the lease.
   *
   * @param window how many rows are looked at
   * @param max how many are leased at the most
   * @param passedOver how many creators are passed over
   */
  String claim(int window, int max, int passedOver) {
    return CLAIM_ON_POSTGRESQL.formatted(DUE, without(passedOver), window, max, LEASE, CLAIMED);
  }

  /**
   * Picks due rows, oldest first: the first column is the sequence number, the second the creator.
   * Parameters: the creators to pass over.
   */
  String pick(int window, int passedOver) {
    // On MySQL, by any other index the rows would be sorted, and every due row be locked for that.
    // H2 uses an index for the order only where it locks nothing; so there they are locked after.
    return isMySqlFamily()
        ? """
          SELECT seq, order_key FROM onlyfans_messages FORCE INDEX (onlyfans_messages_claim)
          WHERE %s%s ORDER BY waiting, seq LIMIT %d FOR UPDATE SKIP LOCKED\
          """
            .formatted(DUE, without(passedOver), window)
        : """
          SELECT seq, order_key FROM onlyfans_messages
          WHERE %s%s ORDER BY waiting, seq LIMIT %d\
          """
            .formatted(DUE, without(passedOver), window);
  }

  /** Whether what {@link #pick} picked is still to be locked, with {@link #lock}. */
  boolean picksUnlocked() {
    return this == H2;
  }

  /** Locks those of some rows that are due and not locked. Parameters: their sequence numbers. */
  String lock(int rows) {
    return "SELECT seq, order_key FROM onlyfans_messages WHERE %s AND seq IN (%s)"
            .formatted(DUE, marks(rows))
        + " ORDER BY waiting, seq FOR UPDATE SKIP LOCKED";
  }

  /**
   * From which sequence number on the creators of some locked rows are held up by a row that waits
   * and is not among them; null if by none. Parameters: the rows' sequence numbers, twice.
   */
  String held(int rows) {
    return HELD.formatted(marks(rows), marks(rows));
  }

  /** Leases locked rows. Parameters: the owner, the lease, the lease, the sequence numbers. */
  String lease(int rows) {
    return isMySqlFamily()
        ? "UPDATE onlyfans_messages FORCE INDEX (PRIMARY) SET %s WHERE seq IN (%s)"
            .formatted(LEASE, marks(rows))
        : "UPDATE onlyfans_messages SET %s WHERE waiting = TRUE AND seq IN (%s)"
            .formatted(LEASE, marks(rows));
  }

  /** Reads what a claimer is told. Parameters: the sequence numbers. */
  String leased(int rows) {
    return """
        SELECT order_key, %s FROM onlyfans_messages
        WHERE waiting = TRUE AND seq IN (%s) ORDER BY waiting, seq\
        """
        .formatted(CLAIMED, marks(rows));
  }

  private static String without(int creators) {
    return creators == 0 ? "" : " AND order_key NOT IN (" + marks(creators) + ")";
  }

  static String marks(int values) {
    return String.join(", ", Collections.nCopies(values, "?"));
  }

  /** What a transaction begins with that locks rows it has searched for, if anything. */
  Optional<String> readCommitted() {
    // REPEATABLE READ would lock the gaps between rows too, and make claimers and storers wait.
    return isMySqlFamily()
        ? Optional.of("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        : Optional.empty();
  }

  /** Deletes rows that were replayed long enough ago. Parameters: {@link #microsAgo}. */
  String purge(int max) {
    String replayed = "queued_at < {later} AND status IN ('queued', 'sent')";
    return deleteOldest("onlyfans_messages", replayed, "queued_at", max);
  }

  /**
   * Deletes the oldest rows of the sent-log of which nothing happened for long enough. Parameters:
   * {@link #microsAgo}, three times.
   */
  String purgeSentLog(int max) {
    String old =
        """
        created_at < {later} AND (sent_at IS NULL OR sent_at < {later})
          AND (lease_until IS NULL OR lease_until < {later})\
        """;
    return deleteOldest("onlyfans_sent_log", old, "created_at", max);
  }

  private String deleteOldest(String table, String which, String time, int max) {
    return switch (this) {
      case POSTGRESQL -> // given a set instead, it would read a table from end to end to join it
          """
          DELETE FROM %1$s WHERE id = ANY (ARRAY(
            SELECT id FROM %1$s WHERE %2$s ORDER BY %3$s LIMIT %4$d FOR UPDATE SKIP LOCKED))\
          """
              .formatted(table, which, time, max);
      case MYSQL, MARIADB ->
          "DELETE FROM %s WHERE %s ORDER BY %s LIMIT %d".formatted(table, which, time, max);
      case H2 -> "DELETE FROM %s WHERE %s FETCH FIRST %d ROWS ONLY".formatted(table, which, max);
    };
  }

  /** Whether an INSERT that meets a row can change it on a condition. */
  boolean canTakeOver() {
    return this == POSTGRESQL;
  }

  /** Counts rows by status, from an index alone. */
  String countByStatus() {
    String count = "SELECT status, COUNT(*) FROM onlyfans_messages";
    return this == POSTGRESQL
        ? count
            + " WHERE waiting GROUP BY status UNION ALL "
            + count
            + " WHERE NOT waiting GROUP BY status"
        : count + " GROUP BY status";
  }

  /** The condition of a status, as the index for it has it. Parameters: the status. */
  String isAt(StoredStatus status) {
    boolean waits = status == StoredStatus.FAILED || status == StoredStatus.RATE_LIMITED;
    return this == POSTGRESQL
        ? (waits ? "waiting" : "NOT waiting") + " AND status = ?"
        : "status = ?";
  }

  /** Keeps the planner from reading a whole table where an index has all that is asked for. */
  List<String> byIndexOnly() {
    return this == POSTGRESQL ? List.of("SET LOCAL enable_seqscan = off") : List.of();
  }

  /** Whether a table is there. The parameter is its name in lower case. */
  String hasTable() {
    return switch (this) {
      case POSTGRESQL -> "SELECT to_regclass(?) IS NOT NULL";
      case MYSQL, MARIADB ->
          "SELECT COUNT(*) FROM information_schema.tables"
              + " WHERE table_schema = DATABASE() AND table_name = ?";
      case H2 ->
          "SELECT COUNT(*) FROM information_schema.tables"
              + " WHERE table_schema = SCHEMA() AND LOWER(table_name) = ?";
    };
  }

  /**
   * Makes everyone wait who wants to change the schema at the same time, if there is a way; where
   * it answers anything, 1 means that it does.
   */
  Optional<String> lockSchema() {
    return switch (this) {
      // Any number will do, as long as every version of this package uses the same one.
      case POSTGRESQL -> Optional.of("SELECT 1 FROM pg_advisory_xact_lock(4926015087123)");
      case MYSQL, MARIADB ->
          Optional.of("SELECT GET_LOCK(CONCAT('onlyfans_schema_', MD5(DATABASE())), 3600)");
      case H2 -> Optional.empty();
    };
  }

  /** What undoes {@link #lockSchema} where the end of the transaction does not. */
  Optional<String> unlockSchema() {
    return isMySqlFamily()
        ? Optional.of("SELECT RELEASE_LOCK(CONCAT('onlyfans_schema_', MD5(DATABASE())))")
        : Optional.empty();
  }

  boolean isMySqlFamily() {
    return this == MYSQL || this == MARIADB;
  }

  /** A time of the database; MySQL's columns have no zone and hold UTC. */
  Instant instant(ResultSet row, int column) throws SQLException {
    if (isMySqlFamily()) {
      LocalDateTime time = row.getObject(column, LocalDateTime.class);
      return time == null ? Instant.EPOCH : time.toInstant(ZoneOffset.UTC); // 0000-00-00
    }
    return row.getObject(column, OffsetDateTime.class).toInstant();
  }

  /** What a SELECT ends with that must see what an INSERT just met. */
  String asItIsNow() {
    return isMySqlFamily() ? " FOR UPDATE" : "";
  }

  /** What an INSERT ends with where the database can pass over a key that is taken. */
  String unlessTaken() {
    return this == POSTGRESQL ? " ON CONFLICT DO NOTHING" : "";
  }

  /** Whether an INSERT failed because the key is taken. */
  boolean isTaken(SQLException e) {
    return switch (this) {
      case POSTGRESQL, H2 -> "23505".equals(e.getSQLState());
      case MYSQL, MARIADB -> e.getErrorCode() == 1062;
    };
  }

  /**
   * Whether the whole transaction was rolled back, or should be, and may succeed when it is run
   * again: MySQL says so of a lock it waited for in vain, and of a row that changed, by code only.
   */
  static boolean isRolledBack(SQLException e) {
    String state = e.getSQLState();
    return state != null
        && (state.startsWith("40")
            || (state.equals("HY000") && (e.getErrorCode() == 1205 || e.getErrorCode() == 1020)));
  }

  /**
   * Whether a change of the schema met another one of the same: H2's general error, a table that is
   * being copied, and too long a wait for a table's lock.
   */
  boolean isRaced(SQLException e) {
    return this == H2 && List.of(50000, 42102, 42104, 50200).contains(e.getErrorCode());
  }

  /**
   * Whether a change of the schema was made before, by someone who did not come to say so: MySQL's
   * duplicate column or key, or a key to drop that is gone.
   */
  boolean isDone(SQLException e) {
    int code = e.getErrorCode();
    return isMySqlFamily() && (code == 1060 || code == 1061 || code == 1091);
  }

  static boolean isMissingTable(SQLException e) {
    return e.getSQLState() != null && e.getSQLState().matches("42P01|42S0[234]");
  }

  static boolean isMissingColumn(SQLException e) {
    return e.getSQLState() != null && e.getSQLState().matches("42703|42S22");
  }

  /** Whether the database, or the user, may only read. */
  static boolean isReadOnly(SQLException e) {
    return "25006".equals(e.getSQLState())
        || List.of(1290, 1792, 1836, 90097).contains(e.getErrorCode());
  }
}
