package com.huntaze.ratelimiter.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The databases this package knows, and where their SQL differs. Statements are written once, with
 * {@code {now}} for the database's own clock and {@code {later}} for that clock plus a parameter in
 * microseconds.
 */
enum Dialect {
  POSTGRESQL(
      "schema-postgresql.sql",
      "statement_timestamp()",
      "(statement_timestamp() + CAST(? AS BIGINT) * INTERVAL '1 microsecond')"),
  MYSQL("schema-mysql.sql", "UTC_TIMESTAMP(6)", "(UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND)"),
  MARIADB("schema-mysql.sql", "UTC_TIMESTAMP(6)", "(UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND)"),
  H2("schema-h2.sql", "CURRENT_TIMESTAMP(6)", "DATEADD(MICROSECOND, ?, CURRENT_TIMESTAMP(6))");

  private static final Duration LONGEST = Duration.ofDays(36_500);

  private final String schemaFile;
  private final String now;
  private final String later;

  Dialect(String schemaFile, String now, String later) {
    this.schemaFile = schemaFile;
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

  String schemaFile() {
    return schemaFile;
  }

  String sql(String template) {
    return template.replace("{now}", now).replace("{later}", later);
  }

  /** What to give {@code {later}}; no further than the calendar of any database reaches. */
  static long micros(Duration duration) {
    return (duration.compareTo(LONGEST) > 0 ? LONGEST : duration).toNanos() / 1_000;
  }

  boolean isMySqlFamily() {
    return this == MYSQL || this == MARIADB;
  }

  /** A time of the database; MySQL's columns have no zone and hold UTC. */
  Instant instant(ResultSet row, int column) throws SQLException {
    return isMySqlFamily()
        ? row.getObject(column, LocalDateTime.class).toInstant(ZoneOffset.UTC)
        : row.getObject(column, OffsetDateTime.class).toInstant();
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

  /** Whether the whole transaction was rolled back and may succeed when it is run again. */
  static boolean isRolledBack(SQLException e) {
    return e.getSQLState() != null && e.getSQLState().startsWith("40");
  }

  /**
   * H2's general error, which is what CREATE INDEX IF NOT EXISTS fails with when another connection
   * creates that index at the same time. There is one such race an index at most.
   */
  static boolean isRaced(SQLException e) {
    return e.getErrorCode() == 50000;
  }

  static boolean isMissingTable(SQLException e) {
    return e.getSQLState() != null && e.getSQLState().matches("42P01|42S0[234]");
  }

  static boolean isMissingColumn(SQLException e) {
    return e.getSQLState() != null && e.getSQLState().matches("42703|42S22");
  }
}
