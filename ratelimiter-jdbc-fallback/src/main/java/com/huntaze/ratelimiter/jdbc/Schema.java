package com.huntaze.ratelimiter.jdbc;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * The tables, by version. Each version is a file in the jar, which notes its number in the table
 * {@code onlyfans_schema}; files are applied in their order, by this class or by the host's own
 * tool for migrations. Instances of the version before go on working on it while a host is rolled
 * over: what they name stays, columns and indexes alike.
 */
final class Schema {
  /** By version, from 1. */
  private static final List<String> FILES =
      List.of("V1__tables.sql", "V2__order.sql", "V3__sent_log.sql");

  static final int VERSION = FILES.size();

  private Schema() {}

  /** The version of the tables that are there; 0 if there are none, or none that says so. */
  static int version(Session session) throws SQLException {
    boolean noted =
        session
            .query(row -> row.getBoolean(1), session.dialect().hasTable(), "onlyfans_schema")
            .get(0);
    return noted
        ? session.query(row -> row.getInt(1), "SELECT MAX(version) FROM onlyfans_schema").get(0)
        : 0;
  }

  /** The files that make this version of the tables of an earlier one. */
  static String filesAfter(Dialect dialect, int version) {
    List<String> files = FILES.subList(version, VERSION);
    return dialect.schemaDirectory()
        + "/"
        + (files.size() == 1 ? files.get(0) : files.get(0) + " to " + files.get(files.size() - 1));
  }

  /** Applies what is missing; whoever else does so at the same time. */
  static void upgrade(Session session) throws SQLException {
    if (version(session) >= VERSION) {
      return; // no lock then, which would wait for everyone who writes
    }
    if (session.dialect() == Dialect.H2) {
      synchronized (Schema.class) { // it has no lock for this, and is mostly in this process
        apply(session);
      }
    } else {
      apply(session);
    }
  }

  private static void apply(Session session) throws SQLException {
    Dialect dialect = session.dialect();
    session.begin();
    Optional<String> lock = dialect.lockSchema();
    if (lock.isPresent() && session.query(row -> row.getInt(1), lock.get()).get(0) != 1) {
      throw new SQLException(
          "the lock of the schema was not to be had", "HYT00"); // not tried again
    }
    try {
      for (int version = version(session); version < VERSION; version++) {
        for (String statement : statements(dialect, FILES.get(version))) {
          apply(session, statement);
        }
      }
    } finally {
      if (dialect.unlockSchema().isPresent()) {
        session.execute(dialect.unlockSchema().get());
      }
    }
  }

  private static void apply(Session session, String statement) throws SQLException {
    try {
      session.execute(statement);
    } catch (SQLException e) {
      if (!session.dialect().isDone(e)) {
        throw e;
      }
    }
  }

  private static String[] statements(Dialect dialect, String file) {
    String path = dialect.schemaDirectory() + "/" + file;
    try (InputStream stream = Schema.class.getResourceAsStream(path)) {
      if (stream == null) {
        throw new IllegalStateException("the schema file " + path + " is missing from the jar");
      }
      String text = new String(stream.readAllBytes(), UTF_8).replaceAll("(?m)^\\s*--.*$", "");
      return text.strip().split(";\\s*");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
