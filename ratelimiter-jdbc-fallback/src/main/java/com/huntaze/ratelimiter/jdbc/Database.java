package com.huntaze.ratelimiter.jdbc;

import static java.util.Objects.requireNonNull;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a part does with its data source: borrows a connection for one piece of work, gives it back
 * as it was, and says what failed without quoting the driver, whose messages may hold values of a
 * row. Thread-safe.
 */
final class Database {
  private static final Logger log = LoggerFactory.getLogger(Database.class);

  /** How often work is run when the database rolls it back for another transaction's sake. */
  private static final int TRIES = 8;

  /** How long the first pause is at the most before it is run again; each may be twice as long. */
  private static final long PAUSE_NANOS = 2_000_000;

  /** The schema is changed in as long as that takes. */
  private static final int NO_TIMEOUT = 0;

  /** What is done with a connection. */
  interface Work<T> {
    T on(Session session) throws SQLException;
  }

  /** Makes the exception of the part this database serves. */
  interface Failure {
    RuntimeException of(String message, @Nullable Throwable cause);
  }

  private final DataSource dataSource;
  private final String table;
  private final Failure failure;
  private final Duration queryTimeout;
  private final boolean createsSchema;
  private volatile boolean schemaKnown;
  private volatile boolean schemaNewer;
  private volatile @Nullable Dialect dialect;

  Database(DataSource dataSource, String table, Failure failure, Settings settings) {
    this.dataSource = dataSource;
    this.table = table;
    this.failure = failure;
    this.queryTimeout = settings.queryTimeout;
    this.createsSchema = settings.createSchema;
    this.dialect = settings.dialect;
  }

  /** Runs work; what it did is committed when this returns. */
  <T> T run(String doing, Work<T> work) {
    if (!schemaKnown) {
      if (createsSchema) {
        createSchema();
      } else {
        checkSchema(doing);
      }
    }
    return attempt(doing, timeoutSeconds(), Dialect::isRolledBack, work);
  }

  /** Whether the tables are of a later version, and may hold what this one does not know. */
  boolean isNewerSchema() {
    return schemaNewer;
  }

  /** Runs work on a connection of the caller's, in the caller's transaction. */
  <T> T runOn(Connection connection, String doing, Work<T> work) {
    boolean autoCommit;
    try {
      autoCommit = connection.getAutoCommit();
    } catch (SQLException e) {
      throw failed(doing, e);
    }
    if (autoCommit) {
      throw new IllegalArgumentException(
          "connection must be in a transaction of yours, and is in auto-commit mode");
    }
    try {
      Session session =
          new Session(connection, dialectOf(connection), timeoutSeconds(), /* isCallers= */ true);
      try {
        return work.on(session);
      } finally {
        session.end(/* committed= */ false);
      }
    } catch (SQLException e) {
      throw failed(doing, e);
    }
  }

  /** Applies the schema files that are missing; whoever else does so at the same time. */
  void createSchema() {
    attempt(
        "create the tables",
        NO_TIMEOUT,
        e -> Dialect.isRolledBack(e) || (dialect != null && dialect.isRaced(e)),
        session -> {
          Schema.upgrade(session);
          schemaNewer = Schema.version(session) > Schema.VERSION;
          return true;
        });
    schemaKnown = true;
  }

  /** Says once, and clearly, that the tables are not those this package was written for. */
  private void checkSchema(String doing) {
    int version = attempt(doing, timeoutSeconds(), Dialect::isRolledBack, Schema::version);
    Dialect known = requireNonNull(dialect);
    if (version < Schema.VERSION) {
      throw failure.of(
          "the table "
              + table
              + (version == 0 ? " is missing, or of no version" : " is of version " + version)
              + ", and version "
              + Schema.VERSION
              + " is needed: call createSchema(), or apply "
              + Schema.filesAfter(known, version),
          null);
    }
    schemaNewer = version > Schema.VERSION;
    if (schemaNewer) {
      log.warn(
          "The table {} is of version {}, newer than this library's {}",
          table,
          version,
          Schema.VERSION);
    }
    schemaKnown = true;
  }

  private <T> T attempt(
      String doing, int timeoutSeconds, Predicate<SQLException> again, Work<T> work) {
    for (int tries = 1; ; tries++) {
      try {
        return once(work, timeoutSeconds);
      } catch (SQLException e) {
        if (tries == TRIES || !again.test(e)) {
          throw failed(doing, e);
        }
        log.debug("Rolled back and tried again: could not {}: {}", doing, codes(e));
        LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(PAUSE_NANOS << tries));
      }
    }
  }

  private RuntimeException failed(String doing, SQLException e) {
    return failure.of("could not " + doing + ": " + describe(e), withoutMessage(e));
  }

  private <T> T once(Work<T> work, int timeoutSeconds) throws SQLException {
    Connection connection = connect();
    Session session = null;
    boolean done = false;
    try {
      session =
          new Session(connection, dialectOf(connection), timeoutSeconds, /* isCallers= */ false);
      T result = work.on(session);
      session.commit();
      done = true;
      return result;
    } finally {
      giveBack(connection, session, done);
    }
  }

  private Connection connect() throws SQLException {
    try {
      return dataSource.getConnection();
    } catch (RuntimeException e) {
      // Pools throw such when they are closed or cannot start.
      throw new SQLException(e.getClass().getName(), "08001", e);
    }
  }

  /** Failures here are of no interest to the caller: what was to be committed is. */
  private static void giveBack(Connection connection, @Nullable Session session, boolean done) {
    try (connection) {
      if (session != null) {
        session.end(done);
      }
    } catch (SQLException e) {
      log.debug("A connection could not be given back in order: {}", codes(e));
    }
  }

  private Dialect dialectOf(Connection connection) throws SQLException {
    Dialect known = dialect;
    if (known == null) {
      String product = connection.getMetaData().getDatabaseProductName();
      Optional<Dialect> named = Dialect.named(product);
      if (named.isEmpty()) {
        String allowed = Dialect.allowed();
        throw failure.of("the database must be one of " + allowed + ", was " + product, null);
      }
      known = named.get();
      dialect = known;
    }
    return known;
  }

  private int timeoutSeconds() {
    return (int) Math.min(Integer.MAX_VALUE / 1_000, queryTimeout.plusMillis(999).toSeconds());
  }

  private String describe(SQLException e) {
    Dialect known = dialect;
    String files = known == null ? "the schema" : Schema.filesAfter(known, 0);
    if (Dialect.isMissingTable(e)) {
      return "there is no table " + table + "; call createSchema(), or apply " + files;
    }
    if (Dialect.isMissingColumn(e)) {
      return "the table " + table + " is not as " + files + " have it (" + codes(e) + ")";
    }
    return Dialect.isReadOnly(e) ? "the database is read-only (" + codes(e) + ")" : codes(e);
  }

  /** All that may be said of a driver's exception: its kind and codes, and the kinds beneath it. */
  private static String codes(SQLException e) {
    StringBuilder codes = new StringBuilder(e.getClass().getSimpleName());
    codes.append(", SQLState ").append(e.getSQLState()).append(", code ").append(e.getErrorCode());
    int depth = 0;
    for (Throwable cause = e.getCause(); cause != null && depth < 5; cause = cause.getCause()) {
      codes.append(", by ").append(cause.getClass().getSimpleName());
      depth++;
    }
    return codes.toString();
  }

  private static SQLException withoutMessage(SQLException e) {
    SQLException bare = new SQLException(e.getClass().getName(), e.getSQLState(), e.getErrorCode());
    bare.setStackTrace(e.getStackTrace());
    return bare;
  }
}
