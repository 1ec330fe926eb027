package com.huntaze.ratelimiter.testkit;

import java.net.InetSocketAddress;
import javax.sql.DataSource;

/**
 * One database of a {@link LocalPostgres} or {@link LocalMariaDb}, and how to reach it.
 *
 * <p>Immutable. It lives as long as its server does.
 */
public final class LocalDatabase {
  private final SqlServer server;
  private final String name;
  private final InetSocketAddress address;

  LocalDatabase(SqlServer server, String name, InetSocketAddress address) {
    this.server = server;
    this.name = name;
    this.address = address;
  }

  /** {@return the database's name on its server} */
  public String name() {
    return name;
  }

  /** {@return a JDBC URL with user and password in it, all that a connection pool needs} */
  public String jdbcUrl() {
    return server.url(address, name);
  }

  /**
   * {@return the driver's own data source: each connection it gives is a new one} Nothing of it
   * needs closing but the connections.
   */
  public DataSource dataSource() {
    return server.dataSource().apply(jdbcUrl());
  }

  /**
   * {@return the same database as reached by another address}
   *
   * @param other the address, such as that of a {@link TcpProxy} in front of the server
   */
  public LocalDatabase via(InetSocketAddress other) {
    return new LocalDatabase(server, name, other);
  }

  /** {@return name and address, without the password} */
  @Override
  public String toString() {
    return name + " at " + address;
  }
}
