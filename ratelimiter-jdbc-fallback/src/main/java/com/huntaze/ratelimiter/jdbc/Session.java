package com.huntaze.ratelimiter.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A borrowed connection and its dialect; every statement on it has a time-out. On a connection in
 * the middle of a transaction of the caller's, beginning and ending are left to the caller.
 */
final class Session {
  /** Reads one row. */
  interface Reader<T> {
    T read(ResultSet row) throws SQLException;
  }

  /** How many values one statement may list; few enough for every database. */
  static final int MAX_VALUES = 500;

  private final Connection connection;
  private final Dialect dialect;
  private final int timeoutSeconds;
  private int timeoutBefore = -1;
  private boolean begun;
  private final boolean isCallers;

  Session(Connection connection, Dialect dialect, int timeoutSeconds, boolean isCallers) {
    this.isCallers = isCallers;
    this.connection = connection;
    this.dialect = dialect;
    this.timeoutSeconds = timeoutSeconds;
  }

  Dialect dialect() {
    return dialect;
  }

  /** Makes one transaction of the statements to come. */
  void begin() throws SQLException {
    if (!isCallers && connection.getAutoCommit()) {
      connection.setAutoCommit(false);
      begun = true;
    }
  }

  /** The same, for one that locks rows it searches for. */
  void beginReadCommitted() throws SQLException {
    begin();
    if (dialect.readCommitted().isPresent()) {
      execute(dialect.readCommitted().get());
    }
  }

  void commit() throws SQLException {
    if (!isCallers && !connection.getAutoCommit()) {
      connection.commit();
    }
  }

  /** Leaves the connection as it came. */
  void end(boolean committed) throws SQLException {
    boolean inOrder = false;
    try {
      if (!committed && !isCallers && !connection.getAutoCommit()) {
        connection.rollback();
      }
      inOrder = true;
      if (timeoutBefore >= 0) {
        try (Statement statement = connection.createStatement()) {
          statement.setQueryTimeout(timeoutBefore);
        }
      }
    } finally {
      if (begun && inOrder) {
        connection.setAutoCommit(true);
      } else if (begun) {
        connection.abort(Runnable::run); // to set it would commit what could not be rolled back
      }
    }
  }

  /** How many rows a statement changed. */
  int update(String template, @Nullable Object... parameters) throws SQLException {
    try (PreparedStatement statement = prepare(template, parameters)) {
      return statement.executeUpdate();
    }
  }

  /** Whether a row was inserted; false if its key is taken. */
  boolean insert(String template, @Nullable Object... parameters) throws SQLException {
    return insert(template, 1, parameters);
  }

  /** Whether that many rows were inserted; if a key was taken, it may be some or none of them. */
  boolean insert(String template, int rows, @Nullable Object... parameters) throws SQLException {
    try {
      return update(template + dialect.unlessTaken(), parameters) == rows;
    } catch (SQLException e) {
      if (dialect.isTaken(e)) {
        return false;
      }
      throw e;
    }
  }

  <T> List<T> query(Reader<T> reader, String template, @Nullable Object... parameters)
      throws SQLException {
    try (PreparedStatement statement = prepare(template, parameters);
        ResultSet rows = statement.executeQuery()) {
      List<T> all = new ArrayList<>();
      while (rows.next()) {
        all.add(reader.read(rows));
      }
      return all;
    }
  }

  /** Runs a statement that has no parameters and whose answer, if any, does not matter. */
  void execute(String sql) throws SQLException {
    try (PreparedStatement statement = prepare(sql)) {
      statement.execute();
    }
  }

  private PreparedStatement prepare(String template, @Nullable Object... parameters)
      throws SQLException {
    PreparedStatement statement = connection.prepareStatement(dialect.sql(template));
    try {
      if (dialect == Dialect.H2 && timeoutBefore < 0) {
        // There it is the connection's, and outlasts the statement.
        timeoutBefore = statement.getQueryTimeout();
      }
      statement.setQueryTimeout(timeoutSeconds);
      for (int i = 0; i < parameters.length; i++) {
        statement.setObject(i + 1, parameters[i]);
      }
      return statement;
    } catch (SQLException | RuntimeException e) {
      statement.close();
      throw e;
    }
  }
}
