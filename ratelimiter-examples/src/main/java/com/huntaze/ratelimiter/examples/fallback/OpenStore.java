package com.huntaze.ratelimiter.examples.fallback;

import com.huntaze.ratelimiter.DatabaseUrl;
import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.jdbc.EncryptionKeys;
import com.huntaze.ratelimiter.jdbc.JdbcFallbackStore;
import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/** The store of the settings, with a database that has answered once. */
final class OpenStore implements AutoCloseable {
  private static final Duration CONNECT = Duration.ofSeconds(10);

  private final RateLimiterConfig config;
  private final HikariDataSource dataSource;
  private final JdbcFallbackStore store;
  private final boolean encrypts;

  private OpenStore(
      RateLimiterConfig config, HikariDataSource dataSource, Optional<EncryptionKeys> keys) {
    this.config = config;
    this.dataSource = dataSource;
    JdbcFallbackStore.Builder builder = JdbcFallbackStore.builder(dataSource);
    keys.ifPresent(builder::encryption);
    this.store = builder.build();
    this.encrypts = keys.isPresent();
  }

  /**
   * Opens it.
   *
   * @throws StoppedException if settings are missing or wrong, or the database does not answer
   */
  static OpenStore open(Settings settings, @Nullable Path properties) {
    RateLimiterConfig config;
    try {
      config = settings.config(properties);
    } catch (IllegalArgumentException e) {
      throw unusable("settings are wrong: " + e.getMessage());
    }
    DatabaseUrl url =
        config
            .database()
            .orElseThrow(
                () ->
                    unusable(
                        "DATABASE_URL is unset; set it as in postgresql://user@host/database"));
    Optional<EncryptionKeys> keys = Keys.read(settings);
    HikariDataSource dataSource = connected(url);
    return new OpenStore(config, dataSource, keys);
  }

  JdbcFallbackStore store() {
    return store;
  }

  RateLimiterConfig config() {
    return config;
  }

  boolean encrypts() {
    return encrypts;
  }

  @Override
  public void close() {
    dataSource.close();
  }

  private static HikariDataSource connected(DatabaseUrl url) {
    String dialect = url.jdbcUrl().split(":", 3)[1]; // the rest may hold credentials
    try {
      DriverManager.getDriver(url.jdbcUrl());
    } catch (SQLException e) {
      throw unusable("no JDBC driver on the class path takes DATABASE_URL (" + dialect + ")");
    }
    try { // without the pool, which would wait and wrap
      Properties credentials = new Properties();
      url.user().ifPresent(user -> credentials.setProperty("user", user));
      url.password().ifPresent(password -> credentials.setProperty("password", password));
      DriverManager.setLoginTimeout((int) CONNECT.toSeconds());
      DriverManager.getConnection(url.jdbcUrl(), credentials).close();
    } catch (SQLException e) {
      throw unusable("the database of DATABASE_URL (" + dialect + ") " + why(e));
    }
    HikariDataSource dataSource = new HikariDataSource();
    dataSource.setPoolName("fallback");
    dataSource.setMaximumPoolSize(2);
    dataSource.setConnectionTimeout(CONNECT.toMillis());
    dataSource.setJdbcUrl(url.jdbcUrl());
    url.user().ifPresent(dataSource::setUsername);
    url.password().ifPresent(dataSource::setPassword);
    return dataSource;
  }

  /** Of a driver's exception only its codes, since its words may quote the URL. */
  private static String why(SQLException e) {
    String state = String.valueOf(e.getSQLState());
    String what =
        switch (state.length() < 2 ? "" : state.substring(0, 2)) {
          case "08" -> "cannot be reached";
          case "28" -> "refuses the user or the password";
          case "3D" -> "does not exist";
          default -> "cannot be used";
        };
    return what + ": SQLState " + state + ", code " + e.getErrorCode();
  }

  private static StoppedException unusable(String message) {
    return new StoppedException(StoreCommand.UNUSABLE, message);
  }
}
