package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
@Tag("slow")
class LocalDatabaseTest {
  @RegisterExtension static final LocalPostgres postgres = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb mariaDb = LocalMariaDb.shared();

  static Stream<Named<Supplier<LocalDatabase>>> servers() {
    return Stream.of(
        Named.of("PostgreSQL", postgres::newDatabase), Named.of("MariaDB", mariaDb::newDatabase));
  }

  @ParameterizedTest
  @MethodSource("servers")
  void a_new_database_is_empty_and_nobody_elses(Supplier<LocalDatabase> newDatabase)
      throws Exception {
    LocalDatabase mine = newDatabase.get();
    update(mine.dataSource(), "CREATE TABLE kept (text VARCHAR(20))");
    update(mine.dataSource(), "INSERT INTO kept VALUES ('hé 🙂')");

    assertThat(ask(mine.dataSource(), "SELECT text FROM kept")).isEqualTo("hé 🙂");
    LocalDatabase other = newDatabase.get();
    assertThatThrownBy(() -> ask(other.dataSource(), "SELECT text FROM kept"))
        .isInstanceOf(SQLException.class);
  }

  @ParameterizedTest
  @MethodSource("servers")
  void its_url_is_all_a_connection_needs(Supplier<LocalDatabase> newDatabase) throws Exception {
    LocalDatabase database = newDatabase.get();
    try (Connection connection = DriverManager.getConnection(database.jdbcUrl())) {
      assertThat(connection.getCatalog()).isEqualTo(database.name());
    }
    assertThat(database.toString()).doesNotContain("password");
  }

  @ParameterizedTest
  @MethodSource("servers")
  void it_can_be_reached_through_a_proxy(Supplier<LocalDatabase> newDatabase) throws Exception {
    LocalDatabase database = newDatabase.get();
    boolean isPostgres = database.jdbcUrl().startsWith("jdbc:postgresql");
    try (TcpProxy proxy = TcpProxy.to((isPostgres ? postgres : mariaDb).address())) {
      DataSource proxied = database.via(proxy.address()).dataSource();
      assertThat(ask(proxied, "SELECT 1")).isEqualTo("1");

      proxy.cut();
      assertThatThrownBy(() -> ask(proxied, "SELECT 1")).isInstanceOf(SQLException.class);
    }
  }

  @Test
  void the_shared_database_answers() throws Exception {
    assertThat(ask(postgres.dataSource(), "SHOW server_encoding")).isEqualTo("UTF8");
    assertThat(ask(postgres.dataSource(), "SHOW server_version")).startsWith("18.");
    assertThat(ask(mariaDb.dataSource(), "SELECT VERSION()")).startsWith("11.");
    try (Connection connection = DriverManager.getConnection(postgres.jdbcUrl())) {
      assertThat(connection.isValid(1)).isTrue();
    }
    try (Connection connection = DriverManager.getConnection(mariaDb.jdbcUrl())) {
      assertThat(connection.isValid(1)).isTrue();
    }
  }

  private static void update(DataSource dataSource, String sql) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static String ask(DataSource dataSource, String sql) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getString(1);
    }
  }
}
