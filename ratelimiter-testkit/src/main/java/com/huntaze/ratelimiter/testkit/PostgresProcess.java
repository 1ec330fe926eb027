package com.huntaze.ratelimiter.testkit;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/** PostgreSQL as child processes of this JVM. */
final class PostgresProcess {
  private PostgresProcess() {}

  static SqlServer start() throws IOException {
    EmbeddedPostgres postgres =
        EmbeddedPostgres.builder()
            .setOutputRedirector(ProcessBuilder.Redirect.DISCARD)
            .setErrorRedirector(ProcessBuilder.Redirect.DISCARD)
            .setRegisterShutdownHook(false)
            .start();
    return new SqlServer(
        "jdbc:postgresql",
        Loopback.at(postgres.getPort()),
        "postgres",
        "postgres",
        "postgres",
        PostgresProcess::dataSource,
        postgres);
  }

  static DataSource dataSource(String url) {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setURL(url);
    return dataSource;
  }
}
