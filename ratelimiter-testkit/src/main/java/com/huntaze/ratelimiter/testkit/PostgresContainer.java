package com.huntaze.ratelimiter.testkit;

import java.net.InetSocketAddress;
import org.testcontainers.postgresql.PostgreSQLContainer;
import org.testcontainers.utility.DockerImageName;

/** PostgreSQL in a container. */
final class PostgresContainer {
  private static final String IMAGE = "postgres:18";
  private static final int PORT = 5432;

  private PostgresContainer() {}

  static SqlServer start() {
    PostgreSQLContainer container = new PostgreSQLContainer(DockerImageName.parse(IMAGE));
    container.start();
    return new SqlServer(
        "jdbc:postgresql",
        new InetSocketAddress(container.getHost(), container.getMappedPort(PORT)),
        container.getDatabaseName(),
        container.getUsername(),
        container.getPassword(),
        PostgresProcess::dataSource,
        container::stop);
  }
}
