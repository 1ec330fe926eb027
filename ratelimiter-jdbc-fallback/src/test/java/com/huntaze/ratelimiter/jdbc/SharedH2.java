package com.huntaze.ratelimiter.jdbc;

import java.sql.SQLException;
import java.util.UUID;
import org.h2.tools.Server;

/** H2 databases in this JVM that other processes can reach. */
final class SharedH2 {
  private static Server server;

  private SharedH2() {}

  /** The URL of an empty database, for any process; it lives as long as this JVM. */
  static synchronized String newDatabase() throws SQLException {
    if (server == null) {
      server = Server.createTcpServer("-tcpPort", "0", "-tcpDaemon").start();
    }
    String name = "mem:" + UUID.randomUUID();
    // Made from within: whoever comes by the network may not make one.
    TestDatabase.ask(TestDatabase.h2("jdbc:h2:" + name + ";DB_CLOSE_DELAY=-1"), "SELECT 1");
    return "jdbc:h2:tcp://127.0.0.1:" + server.getPort() + "/" + name;
  }
}
