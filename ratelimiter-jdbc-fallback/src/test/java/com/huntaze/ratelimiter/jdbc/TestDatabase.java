package com.huntaze.ratelimiter.jdbc;

import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;

/** The databases the tests run on; each test takes an empty one of its own. */
enum TestDatabase {
  POSTGRESQL,
  MARIADB,
  H2;

  /** An empty database: each data source asked for is another way to it. */
  Supplier<DataSource> empty() {
    return switch (this) {
      case POSTGRESQL -> LocalPostgres.shared().newDatabase()::dataSource;
      case MARIADB -> LocalMariaDb.shared().newDatabase()::dataSource;
      case H2 -> {
        String url = "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1";
        yield () -> h2(url);
      }
    };
  }

  /** A database with our tables. */
  Supplier<DataSource> withSchema() {
    Supplier<DataSource> database = empty();
    JdbcFallbackStore.builder(database.get()).build().createSchema();
    return database;
  }

  static SecretKey aesKey() {
    byte[] key = new byte[32];
    new SecureRandom().nextBytes(key);
    return new SecretKeySpec(key, "AES");
  }

  static JdbcDataSource h2(String url) {
    JdbcDataSource dataSource = new JdbcDataSource();
    dataSource.setURL(url);
    return dataSource;
  }

  static int update(DataSource dataSource, String sql) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      return statement.executeUpdate(sql);
    }
  }

  /** The first column of all rows, as text. */
  static List<String> ask(DataSource dataSource, String sql) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      List<String> answers = new ArrayList<>();
      while (rows.next()) {
        answers.add(rows.getString(1));
      }
      return answers;
    }
  }
}
