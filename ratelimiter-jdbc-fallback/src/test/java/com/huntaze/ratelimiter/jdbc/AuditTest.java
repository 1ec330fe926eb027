package com.huntaze.ratelimiter.jdbc;

import static com.huntaze.ratelimiter.jdbc.TestDatabase.update;
import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import javax.sql.DataSource;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a store must not do, done by hand, and seen. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class AuditTest {
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb MARIADB = LocalMariaDb.shared();

  private static final String CLAIM = "UPDATE onlyfans_messages SET lease_owner = '%s' WHERE %s";
  private static final String COMPLETE =
      "UPDATE onlyfans_messages SET status = 'queued', queued_at = CURRENT_TIMESTAMP(6),"
          + " lease_owner = NULL WHERE %s";

  @ParameterizedTest
  @EnumSource
  void claims_and_completions_in_order_are_no_fault(TestDatabase kind) throws Exception {
    DataSource database = audited(kind);
    try (Connection one = database.getConnection();
        Connection other = database.getConnection()) {
      change(one, CLAIM, "token1", "id IN ('a1', 'a2')");
      change(other, CLAIM, "token2", "id = 'b1'");
      change(one, COMPLETE, "id IN ('a1', 'a2')");
      change(one, CLAIM, "token3", "id = 'b1'"); // the lease of before has lapsed
      change(one, COMPLETE, "id = 'b1'");
    }

    Audit audit = Audit.read(database);

    assertThat(audit.claims()).containsExactlyInAnyOrder("a1", "a2", "b1", "b1");
    assertThat(audit.completions()).containsExactlyInAnyOrder("a1", "a2", "b1");
    assertThat(audit.claimsAgain()).isEqualTo(1);
    assertThat(audit.claimers()).isEqualTo(2);
    assertThat(audit.waiting()).isEmpty();
    assertThat(audit.staleCompletions()).isEmpty();
    assertThat(audit.overtakings()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void a_completion_by_the_claimer_of_before_is_seen(TestDatabase kind) throws Exception {
    DataSource database = audited(kind);
    try (Connection one = database.getConnection();
        Connection other = database.getConnection()) {
      change(one, CLAIM, "token1", "id = 'a1'");
      change(other, CLAIM, "token2", "id = 'a1'");
      change(one, COMPLETE, "id = 'a1'");
    }

    assertThat(Audit.read(database).staleCompletions()).singleElement().asString().contains("a1");
  }

  @ParameterizedTest
  @EnumSource
  void a_second_completion_is_seen(TestDatabase kind) throws Exception {
    DataSource database = audited(kind);
    try (Connection one = database.getConnection()) {
      change(one, CLAIM, "token1", "id = 'a1'");
      change(one, COMPLETE, "id = 'a1'");
      change(one, COMPLETE, "id = 'a1'");
    }

    Audit audit = Audit.read(database);

    assertThat(audit.completions()).containsExactly("a1", "a1");
    assertThat(audit.staleCompletions()).hasSize(1); // under no token any more
    assertThat(audit.waiting()).hasSize(2);
  }

  @ParameterizedTest
  @EnumSource
  void a_claim_ahead_of_an_earlier_row_of_its_creator_is_seen(TestDatabase kind) throws Exception {
    DataSource database = audited(kind);
    try (Connection one = database.getConnection()) {
      change(one, CLAIM, "token1", "id = 'a2'");
    }
    assertThat(Audit.read(database).overtakings()).containsExactly("a2 overtook a1 of creator_a");

    database = audited(kind);
    try (Connection one = database.getConnection()) {
      change(one, CLAIM, "token1", "id = 'a1'");
      change(one, CLAIM, "token2", "id = 'a2'"); // not the same claim
    }
    assertThat(Audit.read(database).overtakings()).containsExactly("a2 overtook a1 of creator_a");
  }

  /** Two rows of one creator, who is named as the user or as the creator, and one of another. */
  private static DataSource audited(TestDatabase kind) throws SQLException {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = JdbcFallbackStore.builder(database).build();
    store.store(message("a1", "creator_a").build(), "down");
    store.store(message("b1", "creator_b").build(), "down");
    store.store(message("a2", "agency").creatorId("creator_a").build(), "down");
    Audit.begin(kind, database);
    // What changes neither claim nor status is neither.
    update(database, "UPDATE onlyfans_messages SET attempts = 1");
    return database;
  }

  private static OutboundMessage.Builder message(String id, String userId) {
    return OutboundMessage.builder(id, userId, Instant.EPOCH).recipientId("fan").content("hello");
  }

  private static void change(Connection connection, String sql, String... values)
      throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.executeUpdate(sql.formatted((Object[]) values));
    }
  }
}
