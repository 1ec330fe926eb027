package com.huntaze.ratelimiter.jdbc;

import static com.huntaze.ratelimiter.jdbc.TestDatabase.update;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.read.ListAppender;
import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

/** Whatever goes wrong, content and media URLs are in no exception, log line or toString. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class NoLeakTest {
  @RegisterExtension static final LocalPostgres postgres = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb mariaDb = LocalMariaDb.shared();

  private static final String MARKER = "confidential";

  private final Logger ours = (Logger) LoggerFactory.getLogger("com.huntaze.ratelimiter");
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
  private final StringBuilder seen = new StringBuilder();

  @BeforeEach
  void listen() {
    lines.start();
    ours.setLevel(Level.TRACE);
    ours.addAppender(lines);
  }

  @AfterEach
  void stopListening() {
    ours.detachAppender(lines);
    ours.setLevel(null);
  }

  @ParameterizedTest
  @EnumSource
  void content_is_shown_nowhere(TestDatabase kind) throws Exception {
    DataSource database = kind.withSchema().get();
    JdbcFallbackStore store = JdbcFallbackStore.builder(database).build();
    store.store(message("kept", MARKER), "down");
    show(store);
    show(store.backlog());
    showThrown(() -> store.store(message("kept", "other " + MARKER), "down"));

    // What databases answer to these quotes the row, the value or the statement.
    update(
        database,
        "ALTER TABLE onlyfans_messages ADD CONSTRAINT short CHECK (content = '" + MARKER + "')");
    showThrown(() -> store.store(message("checked", MARKER + " text"), "down"));
    update(database, "ALTER TABLE onlyfans_messages DROP CONSTRAINT short");
    update(database, "CREATE UNIQUE INDEX one_user ON onlyfans_messages (user_id)");
    showThrown(() -> store.store(message("second", MARKER), MARKER.substring(0, 4)));

    List<StoredMessage> claimed = store.claim(1, Duration.ofMinutes(1));
    show(claimed);
    update(database, "UPDATE onlyfans_messages SET payload = '{\"content\":\"" + MARKER + "'");
    store.failed(claimed.get(0), "down", Duration.ZERO);
    assertThat(store.claim(1, Duration.ofMinutes(1))).isEmpty();
    update(database, "DROP TABLE onlyfans_messages");
    showThrown(() -> store.store(message("lost", MARKER), "down"));

    lines.list.forEach(
        line -> {
          seen.append(line.getFormattedMessage()).append('\n');
          if (line.getThrowableProxy() != null) {
            seen.append(ThrowableProxyUtil.asString(line.getThrowableProxy()));
          }
        });
    assertThat(lines.list).isNotEmpty();
    assertThat(seen.toString()).contains("kept").doesNotContain(MARKER);
  }

  private void show(Object object) {
    seen.append(object).append('\n');
  }

  private void showThrown(ThrowingCallable call) {
    Throwable thrown = catchThrowable(call);
    assertThat(thrown).isInstanceOf(FallbackException.class);
    StringWriter text = new StringWriter();
    thrown.printStackTrace(new PrintWriter(text, true));
    seen.append(text);
  }

  private static OutboundMessage message(String id, String content) {
    return OutboundMessage.builder(id, "user_42", Instant.parse("2026-01-01T00:00:00Z"))
        .recipientId("fan_7")
        .content(content)
        .mediaUrls(List.of("https://cdn.example.com/" + MARKER))
        .metadata(Map.of("note", MARKER))
        .build();
  }
}
