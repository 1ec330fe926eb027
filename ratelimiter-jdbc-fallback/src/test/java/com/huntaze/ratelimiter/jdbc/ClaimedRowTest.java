package com.huntaze.ratelimiter.jdbc;

import static com.huntaze.ratelimiter.jdbc.TestDatabase.ask;
import static com.huntaze.ratelimiter.jdbc.TestDatabase.update;
import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class ClaimedRowTest {
  @RegisterExtension static final LocalPostgres postgres = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb mariaDb = LocalMariaDb.shared();
  @RegisterExtension final Pools pools = new Pools();

  private static final Duration LEASE = Duration.ofMinutes(1);

  @Test
  void a_claim_on_postgresql_is_one_statement() {
    Watched pool = pools.on(TestDatabase.POSTGRESQL.withSchema().get());
    JdbcFallbackStore store = store(pool.dataSource());
    IntStream.range(0, 300).forEach(i -> store.store(message("m" + i), "down"));
    pool.forgetPrepared();

    List<StoredMessage> claimed = store.claim(300, LEASE);
    assertThat(pool.prepared()).hasSize(1);
    assertThat(store.replayed(claimed)).isEqualTo(300);
    assertThat(pool.prepared()).hasSize(2);
  }

  @Test
  void a_claim_on_postgresql_walks_the_index_in_order() throws Exception {
    DataSource database = TestDatabase.POSTGRESQL.withSchema().get();
    fill(database, "generate_series(1, 100000) AS numbers(n)");
    update(database, "ANALYZE onlyfans_messages");

    String claim = Dialect.POSTGRESQL.sql(ClaimedRow.postgresql(10)).replaceFirst("\\?", "'me'");
    String plan = String.join("\n", ask(database, "EXPLAIN " + claim.replace("?", "60000000")));

    assertThat(plan)
        .contains("Index Scan using onlyfans_messages_claim")
        .doesNotContain("Seq Scan", "Sort Key: onlyfans_messages.seq");
  }

  @ParameterizedTest
  @EnumSource(names = {"MARIADB", "H2"})
  void a_claim_elsewhere_walks_the_index_in_order(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    boolean isH2 = kind == TestDatabase.H2;
    fill(
        database,
        isH2 ? "SYSTEM_RANGE(1, 20000) AS numbers(n)" : "(SELECT seq AS n FROM seq_1_to_20000) n");
    Watched pool = pools.on(database);
    assertThat(store(pool.dataSource()).claim(10, LEASE)).hasSize(10);

    String pick =
        pool.prepared().stream()
            .filter(sql -> sql.startsWith("SELECT") && sql.contains("LIMIT"))
            .findFirst()
            .orElseThrow();
    try (Connection connection = database.getConnection();
        var statement = connection.createStatement();
        var rows = statement.executeQuery((isH2 ? "EXPLAIN " : "EXPLAIN FORMAT=JSON ") + pick)) {
      rows.next();
      assertThat(rows.getString(1))
          .containsIgnoringCase("onlyfans_messages_claim")
          .doesNotContain("filesort");
      assertThat(!isH2 || rows.getString(1).contains("index sorted")).isTrue();
    }
  }

  /** Rows as they are when half of a backlog has been replayed. */
  private static void fill(DataSource database, String numbers) throws SQLException {
    update(
        database,
        """
        INSERT INTO onlyfans_messages (
          id, user_id, priority, payload, status, next_attempt_at, created_at, updated_at)
        SELECT CONCAT('m', n), 'user', 'low',
          CONCAT('{"messageId":"m', n, '","userId":"user","recipientId":"fan","content":"hello",',
            '"timestamp":"2026-01-01T00:00:00Z"}'),
          CASE WHEN MOD(n, 2) = 0 THEN 'queued' ELSE 'failed' END,
          '2026-01-01 00:00:00', '2026-01-01 00:00:00', '2026-01-01 00:00:00'
        FROM %s\
        """
            .formatted(numbers));
  }

  private static JdbcFallbackStore store(DataSource dataSource) {
    return JdbcFallbackStore.builder(dataSource).build();
  }

  private static OutboundMessage message(String id) {
    return OutboundMessage.builder(id, "user_42", Instant.parse("2026-01-01T00:00:00Z"))
        .recipientId("fan_7")
        .content("hello")
        .build();
  }
}
