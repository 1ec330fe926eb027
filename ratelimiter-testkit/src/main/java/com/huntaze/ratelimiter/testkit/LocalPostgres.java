package com.huntaze.ratelimiter.testkit;

import java.net.InetSocketAddress;
import javax.sql.DataSource;

/**
 * A PostgreSQL 18 on this machine: a child process, or a container.
 *
 * <p>Tests that share one take a {@link #newDatabase()} each, so that they share no table. Nothing
 * is synced to disk for good: this server is for tests, and loses data in a power cut.
 *
 * <p>Thread-safe.
 */
public final class LocalPostgres implements LocalService {
  private static final LocalPostgres SHARED = new LocalPostgres(true);

  private final OnDemand<SqlServer> server;

  private LocalPostgres(boolean again) {
    this.server =
        new OnDemand<>(
            "local PostgreSQL",
            again,
            () -> Docker.isChosen() ? PostgresContainer.start() : PostgresProcess.start());
  }

  /**
   * {@return a server of one's own, running}
   *
   * @throws IllegalStateException if it does not start
   */
  public static LocalPostgres start() {
    LocalPostgres postgres = new LocalPostgres(false);
    postgres.server.get();
    return postgres;
  }

  /** {@return the server that all tests of this JVM share; it starts at first use} */
  public static LocalPostgres shared() {
    return SHARED;
  }

  /** {@return a JDBC URL, with user and password, of the database that every caller shares} */
  public String jdbcUrl() {
    return server.get().first().jdbcUrl();
  }

  /** {@return a data source, without a pool, of the database that every caller shares} */
  public DataSource dataSource() {
    return server.get().first().dataSource();
  }

  /**
   * {@return a new, empty database that no one else uses}
   *
   * @throws IllegalStateException if it cannot be created
   */
  public LocalDatabase newDatabase() {
    return server.get().create();
  }

  @Override
  public InetSocketAddress address() {
    return server.get().address();
  }

  @Override
  public void close() {
    server.close();
  }
}
