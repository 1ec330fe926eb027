package com.huntaze.ratelimiter.benchmarks;

import com.huntaze.ratelimiter.testkit.LocalDatabase;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import com.huntaze.ratelimiter.testkit.LocalService;
import com.zaxxer.hikari.HikariConfig;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import javax.sql.DataSource;

/**
 * A database server of the test kit, on which every contestant has a database and a pool of its
 * own. Thread-safe.
 */
final class MeasuredDatabase implements AutoCloseable {
  /** Of every pool, all of them open from the start: more than any contestant has threads. */
  static final int CONNECTIONS = 24;

  private final Kind kind;
  private final LocalService server;
  private final Supplier<LocalDatabase> databases;

  private MeasuredDatabase(Kind kind, LocalService server, Supplier<LocalDatabase> databases) {
    this.kind = kind;
    this.server = server;
    this.databases = databases;
  }

  /** Whose server it is. */
  enum Kind {
    POSTGRES(
        "PostgreSQL",
        "SELECT 'PostgreSQL ' || current_setting('server_version') || ', fsync '"
            + " || current_setting('fsync') || ', synchronous_commit '"
            + " || current_setting('synchronous_commit')",
        "ANALYZE "),
    MARIADB(
        "MariaDB",
        "SELECT CONCAT('MariaDB ', VERSION(), ', innodb_flush_log_at_trx_commit ',"
            + " @@innodb_flush_log_at_trx_commit, ', innodb_buffer_pool_size ',"
            + " @@innodb_buffer_pool_size DIV 1048576, ' MiB')",
        "ANALYZE TABLE ");

    private final String title;
    private final String description;
    private final String analyze;

    Kind(String title, String description, String analyze) {
      this.title = title;
      this.description = description;
      this.analyze = analyze;
    }

    String title() {
      return title;
    }
  }

  static MeasuredDatabase start(String name) {
    Kind kind = Kind.valueOf(name.toUpperCase(Locale.ROOT));
    return switch (kind) {
      case POSTGRES -> {
        LocalPostgres server = LocalPostgres.start();
        yield new MeasuredDatabase(kind, server, server::newDatabase);
      }
      case MARIADB -> {
        LocalMariaDb server = LocalMariaDb.start();
        yield new MeasuredDatabase(kind, server, server::newDatabase);
      }
    };
  }

  Kind kind() {
    return kind;
  }

  /** Which version it is and how much it writes to disk for good. */
  String description() throws SQLException {
    try (Connection connection = databases.get().dataSource().getConnection();
        Statement statement = connection.createStatement();
        ResultSet answer = statement.executeQuery(kind.description)) {
      answer.next();
      return answer.getString(1);
    }
  }

  /** A pool on a new database; all connections are there, and read what is committed. */
  TransactionPool newPool(boolean autoCommit) throws SQLException {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(databases.get().jdbcUrl());
    config.setMaximumPoolSize(CONNECTIONS);
    config.setAutoCommit(autoCommit);
    config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
    TransactionPool pool = new TransactionPool(config);
    List<Connection> all = new ArrayList<>();
    try {
      for (int i = 0; i < CONNECTIONS; i++) {
        all.add(pool.getConnection());
      }
    } finally {
      for (Connection each : all) {
        each.close();
      }
    }
    return pool;
  }

  /** Empties all tables, but keeps those that tell the version of a schema. */
  void empty(DataSource pool) throws SQLException {
    onEachTable(pool, "TRUNCATE TABLE ");
  }

  /** Has the planner look at all tables, as it would by itself in a while. */
  void analyze(DataSource pool) throws SQLException {
    onEachTable(pool, kind.analyze);
  }

  private static void onEachTable(DataSource pool, String command) throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      for (String table : tables(connection)) {
        statement.execute(command + table);
      }
      if (!connection.getAutoCommit()) {
        connection.commit();
      }
    }
  }

  private static List<String> tables(Connection connection) throws SQLException {
    List<String> tables = new ArrayList<>();
    try (ResultSet rows =
        connection
            .getMetaData()
            .getTables(
                connection.getCatalog(),
                connection.getSchema(),
                "%",
                new String[] {"TABLE", "BASE TABLE"})) {
      while (rows.next()) {
        String table = rows.getString("TABLE_NAME");
        if (!table.toLowerCase(Locale.ROOT).endsWith("version")) {
          tables.add(table);
        }
      }
    }
    return tables;
  }

  static void execute(DataSource pool, List<String> statements) throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      for (String each : statements) {
        statement.execute(each);
      }
      if (!connection.getAutoCommit()) {
        connection.commit();
      }
    }
  }

  static long count(DataSource pool, String table) throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement();
        ResultSet answer = statement.executeQuery("SELECT COUNT(*) FROM " + table)) {
      answer.next();
      return answer.getLong(1);
    }
  }

  @Override
  public void close() {
    server.close();
  }
}
