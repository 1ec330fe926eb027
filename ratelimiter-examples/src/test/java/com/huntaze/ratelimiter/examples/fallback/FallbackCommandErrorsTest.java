package com.huntaze.ratelimiter.examples.fallback;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.examples.fallback.Operator.Run;
import com.huntaze.ratelimiter.jdbc.EncryptionKeys;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the command line says when it cannot do what it is told, and what it never says. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class FallbackCommandErrorsTest {
  private static final String OLD_KEY = Base64.getEncoder().encodeToString(new byte[16]);
  private static final String NEW_KEY = Base64.getEncoder().encodeToString(new byte[32]);

  private final Operator operator = Operator.onH2();

  @AfterEach
  void close() {
    operator.close();
  }

  private static EncryptionKeys oldKey() {
    return EncryptionKeys.of("old", Map.of("old", new SecretKeySpec(new byte[16], "AES")));
  }

  private Run failed(String... args) {
    Run run = operator.run(args);
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.err()).startsWith("fallback: ");
    assertThat(run.err().lines()).hasSize(1);
    return run;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "lists",
        "list --status lost",
        "list --max 0",
        "list --max 10001",
        "list --after -1",
        "list id",
        "show",
        "show a b",
        "replay --max many",
        "replay --pace fast",
        "revive",
        "revive --all-dead id",
        "revive --max 5 id",
        "delete",
        "purge",
        "purge --older-than 14 --yes",
        "purge --older-than 0d --yes",
        "purge --older-than -P1D --yes",
        "purge --older-than 9999999d --yes",
        "erase --yes",
        "erase --user a --recipient b --yes",
        "stats --verbose"
      })
  void wrong_usage_is_2_with_help_on_stderr_and_does_nothing(String line) {
    operator.dead("dead-1");
    Run run = operator.run(line.isEmpty() ? new String[0] : line.split(" "));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).containsAnyOf("Usage: fallback", "Did you mean: fallback list");
    assertThat(operator.store().find("dead-1").orElseThrow().revivals()).isZero();
  }

  @Test
  void an_unknown_id_is_3_with_a_line_on_stderr() {
    for (String[] args :
        List.of(new String[] {"show", "x"}, new String[] {"show", "x", "--json"})) {
      Run run = operator.run(args);
      assertThat(run.exitCode()).isEqualTo(3);
      assertThat(run.out()).isEmpty();
      assertThat(run.err()).isEqualTo("fallback: nothing is stored under the id x\n");
    }
    assertThat(operator.run("revive", "x").exitCode()).isEqualTo(3);
    assertThat(operator.run("delete", "x", "--json").exitCode()).isEqualTo(3);
  }

  @ParameterizedTest
  @CsvSource({
    "postgresql://user:hunter2@127.0.0.1:1/db, (postgresql) cannot be reached: SQLState 08",
    "jdbc:postgresql://127.0.0.1:1/db?password=hunter2, (postgresql) cannot be reached",
    "mysql://user:hunter2@127.0.0.1:1/db, 'no JDBC driver on the class path takes DATABASE_URL'",
    "oracle://user:hunter2@127.0.0.1:1/db, settings are wrong: DATABASE_URL must be",
    "'', DATABASE_URL is unset"
  })
  void a_database_that_cannot_be_used_is_1_with_one_clear_line(String url, String line) {
    operator.settings.put("DATABASE_URL", url);
    for (String command : List.of("stats", "list --json", "show x", "erase --user x --yes")) {
      Run run = failed(command.split(" "));
      assertThat(run.out()).isEmpty();
      assertThat(run.err()).contains(line).doesNotContain("hunter2");
    }
  }

  @Test
  void a_wrong_password_is_told_and_not_shown() {
    String url = operator.settings.get("DATABASE_URL") + ";USER=sa;PASSWORD=hunter2";
    operator.settings.put("DATABASE_URL", url);
    assertThat(failed("stats").err())
        .contains("(h2) refuses the user or the password")
        .doesNotContain("hunter2");
  }

  @Test
  void encrypted_rows_are_read_with_the_keys_and_brought_to_the_current_one() {
    operator.store(oldKey()).hold(Operator.message("old-1"), "down");
    operator.dead("clear-1");
    Run locked = operator.run("show", "old-1");
    assertThat(locked.exitCode()).isZero();
    assertThat(locked.out()).contains("unreadable  message old-1 is encrypted with key 'old'");
    assertThat(failed("show", "old-1", "--content").err()).contains("encrypted with key 'old'");
    assertThat(failed("encrypt-again").err()).contains("FALLBACK_KEYS is unset");

    operator.settings.put("FALLBACK_KEYS", "old=" + OLD_KEY + ", new=" + NEW_KEY);
    operator.settings.put("FALLBACK_KEY_ID", "new");
    assertThat(operator.run("show", "old-1", "--content").out()).contains(Operator.MARKER);
    assertThat(operator.run("encrypt-again", "--json").out()).isEqualTo("{\"encrypted\":2}\n");
    assertThat(operator.run("encrypt-again").out()).isEqualTo("0 messages encrypted\n");
    operator.settings.put("FALLBACK_KEYS", "new=" + NEW_KEY);
    assertThat(operator.run("show", "clear-1", "--content").out()).contains(Operator.MARKER);
  }

  @ParameterizedTest
  @CsvSource({
    "hunter2, a, item 1 of FALLBACK_KEYS must be id=base64",
    "=hunter2, a, item 1 of FALLBACK_KEYS must be id=base64",
    "hunter2=, a, 'must be an AES key of 16, 24 or 32 bytes, had 0'",
    "a=hunter2!, a, what is behind its = is not Base64",
    "a=aHVudGVyMg==, a, had 7",
    "a=AAAAAAAAAAAAAAAAAAAAAA==, b, 'FALLBACK_KEY_ID must be one of the ids in FALLBACK_KEYS, [a]'",
    ", a, FALLBACK_KEY_ID is set and FALLBACK_KEYS is not"
  })
  void keys_that_cannot_be_used_are_told_and_not_shown(String keys, String current, String line) {
    if (keys != null) {
      operator.settings.put("FALLBACK_KEYS", keys);
    }
    operator.settings.put("FALLBACK_KEY_ID", current);
    assertThat(failed("stats").err()).contains(line).doesNotContain("hunter2", "aHVudGVyMg");
  }

  @Test
  void replay_needs_a_queue_in_the_settings() {
    operator.waiting("waiting-1");
    assertThat(failed("replay").err()).contains("SQS_RATE_LIMITER_QUEUE is unset");
  }

  static List<String> everyCommand() {
    return List.of(
        "list",
        "list --status failed",
        "show dead-1",
        "show altered",
        "show altered --content",
        "show nobody",
        "show",
        "stats",
        "replay",
        "revive dead-1 nobody",
        "revive --all-dead",
        "delete dead-2 nobody",
        "purge --older-than 1s --yes",
        "purge --older-than 1s",
        "encrypt-again",
        "create-schema",
        "erase --user nobody",
        "erase --user user_42 --yes");
  }

  @Test
  void no_command_shows_what_a_message_says_unless_it_is_asked_to() {
    List<String> shown = new ArrayList<>();
    for (String database : List.of(operator.settings.get("DATABASE_URL"), "jdbc:h2:tcp://[")) {
      operator.settings.put("DATABASE_URL", database);
      operator.settings.put("SQS_RATE_LIMITER_QUEUE", "a-queue");
      operator.settings.put("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
      operator.settings.put("AWS_ACCESS_KEY_ID", "id");
      operator.settings.put("AWS_SECRET_ACCESS_KEY", "hunter2");
      operator.settings.put("FALLBACK_KEYS", "new=" + NEW_KEY);
      operator.settings.put("FALLBACK_KEY_ID", "new");
      for (String command : everyCommand()) {
        operator.dead("dead-1", "dead-2", "altered");
        operator.waiting("waiting-1");
        operator.sql(
            "UPDATE onlyfans_messages SET key_id = NULL,"
                + " payload = '{\"content\": \"S3CRET\", \"userId\": \"S3CRET' WHERE id = 'altered'");
        for (String form : List.of("", " --json")) {
          Run run = operator.run((command + form).split(" "));
          assertThat(run.all()).as(command + form).isNotEmpty();
          Stream.of(Operator.MARKER, "hunter2", NEW_KEY, "\tat ")
              .filter(run.all()::contains)
              .forEach(secret -> shown.add(command + form + " shows " + secret));
          if (!form.isEmpty() && !run.out().isEmpty()) {
            assertThat(run.json().isObject()).as(command).isTrue();
          }
        }
        operator.sql("DELETE FROM onlyfans_messages");
      }
    }
    assertThat(shown).isEmpty();
  }

  @Test
  void an_id_may_begin_with_what_command_lines_give_a_meaning_to(@TempDir Path dir)
      throws IOException {
    String ofAFile = "@" + Files.writeString(dir.resolve("f"), "another");
    operator.dead(ofAFile, "-dead", "--json");
    assertThat(operator.run("show", ofAFile).exitCode()).isZero();
    assertThat(operator.run("revive", "--", "-dead", "--json").out()).contains("--json revived");
  }

  @Test
  void nothing_that_is_stored_moves_the_cursor_or_ends_the_line() {
    operator
        .store()
        .hold(Operator.message("1", "user_1", "fan\n\u001b[2J", "a\u001b[31m\r\nb\u202e"), "down");
    String shown = operator.run("show", "1", "--content").out();
    assertThat(shown).contains("a\\u001b[31m\\u000d\\u000ab\\u202e").doesNotContain("\u001b");
    assertThat(operator.run("list").out().lines()).hasSize(2);
    assertThat(operator.run("show", "no\u001b[2Jbody").err()).doesNotContain("\u001b");
  }
}
