package com.huntaze.ratelimiter.testkit;

import java.net.InetSocketAddress;
import org.testcontainers.mariadb.MariaDBContainer;
import org.testcontainers.utility.DockerImageName;

/** MariaDB in a container. */
final class MariaDbContainer {
  private static final String IMAGE = "mariadb:11";
  private static final int PORT = 3306;

  private MariaDbContainer() {}

  static SqlServer start() {
    MariaDBContainer container =
        new MariaDBContainer(DockerImageName.parse(IMAGE)).withUsername("root");
    container.start();
    return new SqlServer(
        "jdbc:mariadb",
        new InetSocketAddress(container.getHost(), container.getMappedPort(PORT)),
        container.getDatabaseName(),
        container.getUsername(),
        container.getPassword(),
        MariaDbProcess::dataSource,
        container::stop);
  }
}
