package com.huntaze.ratelimiter.testkit;

import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import java.util.function.Function;
import javax.sql.DataSource;

/**
 * A running database server.
 *
 * @param scheme the start of its JDBC URLs, such as {@code jdbc:postgresql}
 * @param address where it listens
 * @param firstDatabase the name of the database it has from the start
 * @param user who may do everything
 * @param password that user's password
 * @param dataSource makes the driver's data source for a JDBC URL
 * @param process what {@link #close()} stops
 */
record SqlServer(
    String scheme,
    InetSocketAddress address,
    String firstDatabase,
    String user,
    String password,
    Function<String, DataSource> dataSource,
    AutoCloseable process)
    implements AutoCloseable {

  LocalDatabase first() {
    return new LocalDatabase(this, firstDatabase, address);
  }

  LocalDatabase create() {
    String name = "db_" + UUID.randomUUID().toString().replace("-", "").substring(0, 16);
    try (Connection connection = first().dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    } catch (SQLException e) {
      throw new IllegalStateException("the database could not be created", e);
    }
    return new LocalDatabase(this, name, address);
  }

  String url(InetSocketAddress at, String database) {
    return "%s://%s:%d/%s?user=%s&password=%s"
        .formatted(scheme, at.getHostString(), at.getPort(), database, user, password);
  }

  @Override
  public void close() {
    try {
      process.close();
    } catch (Exception e) {
      throw new IllegalStateException("the database server did not stop", e);
    }
  }
}
