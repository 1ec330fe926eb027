package com.huntaze.ratelimiter.jdbc;

import static com.huntaze.ratelimiter.jdbc.TestDatabase.aesKey;
import static com.huntaze.ratelimiter.jdbc.TestDatabase.ask;
import static com.huntaze.ratelimiter.jdbc.TestDatabase.update;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import javax.crypto.SecretKey;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Content and media URLs encrypted at rest; what the store promises stays as it is. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class EncryptionTest {
  @RegisterExtension static final LocalPostgres postgres = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb mariaDb = LocalMariaDb.shared();

  private static final Duration LEASE = Duration.ofMinutes(1);
  private static final String MARKER = "CONTENT-MARKER-7391";

  private final SecretKey first = aesKey();
  private final SecretKey second = aesKey();

  @ParameterizedTest
  @EnumSource
  void no_column_of_a_row_shows_content_or_media_urls(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = store(database, EncryptionKeys.of("k1", Map.of("k1", first)));
    store.store(message("a"), "down");

    assertThat(wholeTable(database)).contains("user_42", "fan_7", "k1").doesNotContain(MARKER);
    assertThat(store.claim(1, LEASE).get(0).message()).isEqualTo(message("a"));
    assertThat(store.read("a")).contains(message("a"));
    store.store(message("a"), "down"); // the same again is known in spite of another nonce
  }

  @ParameterizedTest
  @EnumSource
  void after_a_rotation_old_rows_are_read_and_then_encrypted_again(TestDatabase kind)
      throws Exception {
    DataSource database = kind.withSchema().get();
    store(database, null).store(message("clear"), "down");
    store(database, EncryptionKeys.of("k1", Map.of("k1", first))).store(message("old"), "down");
    JdbcFallbackStore store =
        store(database, EncryptionKeys.of("k2", Map.of("k1", first, "k2", second)));
    IntStream.range(0, 600).forEach(i -> store.store(message("new" + i), "down"));
    List<StoredMessage> claimed = store.claim(2, LEASE);
    assertThat(claimed)
        .extracting(StoredMessage::message)
        .containsExactly(message("clear"), message("old"));

    assertThat(store.encryptAgain()).isEqualTo(2);

    assertThat(store.encryptAgain()).isZero();
    assertThat(wholeTable(database)).doesNotContain(MARKER);
    assertThat(ask(database, "SELECT DISTINCT key_id FROM onlyfans_messages"))
        .containsExactly("k2");
    JdbcFallbackStore later = store(database, EncryptionKeys.of("k2", Map.of("k2", second)));
    assertThat(later.read("clear")).contains(message("clear"));
    assertThat(later.read("old")).contains(message("old"));
    assertThat(later.replayed(claimed)).isEqualTo(2); // a claim outlives it
  }

  @ParameterizedTest
  @EnumSource
  void a_row_whose_key_is_missing_waits_and_is_not_dead(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    store(database, EncryptionKeys.of("k1", Map.of("k1", first))).store(message("a"), "down");
    JdbcFallbackStore other = store(database, EncryptionKeys.of("k2", Map.of("k2", second)));
    other.store(message("b"), "down");

    assertThat(other.claim(10, LEASE))
        .extracting(StoredMessage::message)
        .containsExactly(message("b"));

    assertThat(other.find("a").orElseThrow().status()).isEqualTo(StoredStatus.FAILED);
    assertThat(other.find("a").orElseThrow().lastError().orElseThrow()).contains("no key 'k1'");
    assertThatThrownBy(() -> other.read("a"))
        .isInstanceOf(FallbackException.class)
        .hasMessageContaining("k1");
    assertThatThrownBy(() -> store(database, null).read("a"))
        .isInstanceOf(FallbackException.class)
        .hasMessageContaining("the store has no keys");
  }

  @ParameterizedTest
  @EnumSource
  void a_row_that_was_altered_or_exchanged_is_dead(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = store(database, EncryptionKeys.of("k1", Map.of("k1", first)));
    for (String id : List.of("good", "exchanged", "cut", "text")) {
      store.store(message(id), "down");
    }
    String good = ask(database, "SELECT payload FROM onlyfans_messages WHERE id = 'good'").get(0);
    update(
        database, "UPDATE onlyfans_messages SET payload = '" + good + "' WHERE id = 'exchanged'");
    update(database, "UPDATE onlyfans_messages SET payload = 'AAAA' WHERE id = 'cut'");
    update(database, "UPDATE onlyfans_messages SET payload = '{not base64}' WHERE id = 'text'");

    assertThat(store.claim(10, LEASE))
        .extracting(StoredMessage::message)
        .containsExactly(message("good"));

    assertThat(store.backlog().count(StoredStatus.DEAD)).isEqualTo(3);
    assertThat(store.find("exchanged").orElseThrow().lastError().orElseThrow()).contains("altered");
  }

  @Test
  void a_key_service_that_is_down_stores_nothing_in_the_clear() throws Exception {
    DataSource database = TestDatabase.H2.withSchema().get();
    JdbcFallbackStore store =
        store(
            database,
            new EncryptionKeys() {
              @Override
              public String currentId() {
                return "k1";
              }

              @Override
              public Optional<SecretKey> key(String id) {
                throw new IllegalStateException("the key service knows " + MARKER);
              }
            });

    assertThatThrownBy(() -> store.store(message("a"), "down"))
        .isInstanceOf(FallbackException.class)
        .hasMessageContaining("key 'k1' could not be had")
        .hasMessageNotContaining(MARKER);
    assertThat(ask(database, "SELECT id FROM onlyfans_messages")).isEmpty();
  }

  @Test
  void a_current_key_that_is_not_among_the_keys_is_refused() {
    assertThatThrownBy(() -> EncryptionKeys.of("k2", Map.of("k1", first)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("k1")
        .hasMessageContaining("k2");
    assertThat(EncryptionKeys.of("k1", Map.of("k1", first))).hasToString("EncryptionKeys[k1]");
  }

  private static JdbcFallbackStore store(DataSource database, @Nullable EncryptionKeys keys) {
    JdbcFallbackStore.Builder builder = JdbcFallbackStore.builder(database);
    return keys == null ? builder.build() : builder.encryption(keys).build();
  }

  private static String wholeTable(DataSource database) throws Exception {
    StringBuilder text = new StringBuilder();
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT * FROM onlyfans_messages")) {
      while (rows.next()) {
        for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
          text.append(rows.getString(i)).append('\n');
        }
      }
    }
    return text.toString();
  }

  private static OutboundMessage message(String id) {
    return OutboundMessage.builder(id, "user_42", Instant.parse("2026-01-01T00:00:00Z"))
        .creatorId("creator of " + id)
        .recipientId("fan_7")
        .content(MARKER + " 🙂")
        .mediaUrls(List.of("https://cdn.example.com/" + MARKER))
        .build();
  }
}
