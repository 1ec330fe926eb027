package com.huntaze.ratelimiter.examples.fallback;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.huntaze.ratelimiter.examples.fallback.Operator.Run;
import com.huntaze.ratelimiter.fallback.StoredEntry;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator does with stored messages, on H2. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class FallbackCommandTest {
  private final Operator operator = Operator.onH2();

  @AfterEach
  void close() {
    operator.close();
  }

  private StoredStatus status(String id) {
    return operator.store().find(id).map(StoredEntry::status).orElseThrow();
  }

  private static List<String> names(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  @Test
  void list_shows_the_dead_a_line_each_and_tells_how_to_get_the_next_page() {
    operator.dead("dead-1", "dead-2", "dead-3");
    operator.waiting("waiting-1");
    long second = operator.store().find("dead-2").orElseThrow().position();

    Run first = operator.run("list", "--max", "2");
    assertThat(first.exitCode()).isZero();
    assertThat(first.err()).isEmpty();
    List<String> lines = first.out().lines().toList();
    assertThat(lines).hasSize(4);
    assertThat(lines.get(0)).startsWith("ID ").endsWith("LAST ERROR");
    assertThat(lines.get(1))
        .startsWith("dead-1  creator of dead-1  fan_7")
        .contains("  high  ", "  dead  ")
        .endsWith("AMBIGUOUS: no answer");
    assertThat(lines.get(2)).startsWith("dead-2 ");
    assertThat(lines.get(3)).endsWith("--after " + second);

    Run last = operator.run("list", "--max", "2", "--after", String.valueOf(second));
    assertThat(last.out().lines().toList()).hasSize(2).last().asString().startsWith("dead-3 ");
    assertThat(operator.run("list", "--status", "sent").out()).contains("no messages are sent");
  }

  @Test
  void list_in_json_has_stable_names_and_the_position_of_the_next_page() {
    operator.waiting("waiting-1", "waiting-2");
    JsonNode page = operator.run("list", "--status", "failed", "--max", "1", "--json").json();
    assertThat(names(page)).containsExactly("status", "entries", "next");
    assertThat(page.path("status").asText()).isEqualTo("failed");
    assertThat(page.path("entries")).hasSize(1);
    JsonNode entry = page.path("entries").get(0);
    assertThat(names(entry))
        .containsExactly(
            "position",
            "messageId",
            "userId",
            "creator",
            "recipientId",
            "priority",
            "status",
            "attempts",
            "revivals",
            "lastError",
            "storedAt",
            "ageSeconds",
            "dueInSeconds",
            "claimed");
    assertThat(entry.path("messageId").asText()).isEqualTo("waiting-1");
    assertThat(entry.path("storedAt").asText()).matches("20\\d\\d-.*Z");
    assertThat(entry.path("dueInSeconds").isIntegralNumber()).isTrue();
    assertThat(page.path("next").asLong()).isEqualTo(entry.path("position").asLong());
    JsonNode rest =
        operator
            .run("--json", "list", "--status=failed", "--after=" + page.path("next").asLong())
            .json();
    assertThat(rest.path("entries")).hasSize(1);
    assertThat(rest.path("next").isNull()).isTrue();
  }

  @Test
  void show_tells_only_how_long_content_is_unless_it_is_asked_for() {
    operator.dead("dead-1");
    Run masked = operator.run("show", "dead-1");
    assertThat(masked.exitCode()).isZero();
    assertThat(masked.out())
        .contains("(12 characters)", "(32 characters)", "metadata campaign", "(6 characters)")
        .contains("AMBIGUOUS: no answer", "2026-01-01T00:00:00.500Z", "workflow-1", "trace-1")
        .doesNotContain(Operator.MARKER);
    assertThat(operator.run("show", "dead-1", "--content").out())
        .contains("hello " + Operator.MARKER, "https://media.example/" + Operator.MARKER + ".jpg")
        .contains("[1,\"" + Operator.MARKER + "\"]");
  }

  @Test
  void show_in_json_has_the_same_names_with_and_without_content() {
    operator.dead("dead-1");
    JsonNode masked = operator.run("show", "--json", "dead-1").json();
    assertThat(names(masked)).endsWith("claimed", "message", "unreadable");
    assertThat(names(masked.path("message")))
        .containsExactly(
            "action",
            "acceptedAt",
            "workflowId",
            "traceId",
            "content",
            "mediaUrls",
            "profileUrl",
            "metadata",
            "otherFields");
    assertThat(masked.path("dueInSeconds").isNull()).isTrue();
    assertThat(masked.path("message").path("content").toString()).isEqualTo("{\"length\":12}");
    assertThat(masked.toString()).doesNotContain(Operator.MARKER);

    JsonNode message = operator.run("show", "--json", "--content", "dead-1").json().path("message");
    assertThat(names(message)).isEqualTo(names(masked.path("message")));
    assertThat(message.path("content").path("length").asInt()).isEqualTo(12);
    assertThat(message.path("content").path("value").asText()).isEqualTo("hello S3CRET");
    assertThat(message.path("mediaUrls").get(0).path("value").asText()).endsWith("S3CRET.jpg");
    assertThat(message.path("metadata").path("steps").path("value").get(1).asText())
        .isEqualTo("S3CRET");
    assertThat(message.path("otherFields").path("later").path("value").path("deep").asText())
        .isEqualTo("S3CRET");
  }

  @Test
  void revive_makes_dead_messages_due_and_tells_which_were_not_dead() {
    operator.dead("dead-1", "dead-2");
    operator.waiting("waiting-1");
    Run run = operator.run("revive", "dead-1", "waiting-1", "nobody", "dead-2");
    assertThat(run.exitCode()).isEqualTo(3);
    assertThat(run.out().lines())
        .containsExactly(
            "dead-1 revived",
            "waiting-1 not revived: no dead message",
            "nobody not revived: no dead message",
            "dead-2 revived",
            "2 messages revived");
    assertThat(status("dead-1")).isEqualTo(StoredStatus.FAILED);
    assertThat(operator.store().find("dead-2").orElseThrow().revivals()).isEqualTo(1);
  }

  @Test
  void revive_takes_all_that_are_dead_or_as_many_as_it_is_told() {
    String[] ids = IntStream.range(0, 503).mapToObj(i -> "dead-" + i).toArray(String[]::new);
    operator.dead(ids);
    JsonNode two = operator.run("revive", "--all-dead", "--max", "2", "--json").json();
    assertThat(names(two)).containsExactly("revived", "messages");
    assertThat(two.path("revived").asInt()).isEqualTo(2);
    assertThat(two.path("messages").get(1).path("messageId").asText()).isEqualTo("dead-1");
    assertThat(two.path("messages").get(1).path("revived").asBoolean()).isTrue();
    assertThat(operator.run("revive", "--all-dead").out()).endsWith("501 messages revived\n");
    assertThat(operator.store().backlog().count(StoredStatus.DEAD)).isZero();
    assertThat(operator.run("revive", "--all-dead").exitCode()).isZero();
  }

  @Test
  void delete_takes_dead_messages_only() {
    operator.dead("dead-1");
    operator.waiting("waiting-1");
    assertThat(operator.run("delete", "dead-1").exitCode()).isZero();
    assertThat(operator.store().find("dead-1")).isEmpty();
    Run run = operator.run("delete", "--json", "dead-1", "waiting-1");
    assertThat(run.exitCode()).isEqualTo(3);
    assertThat(run.json().path("deleted").asInt()).isZero();
    assertThat(run.json().path("messages").get(1).path("deleted").asBoolean(true)).isFalse();
    assertThat(status("waiting-1")).isEqualTo(StoredStatus.FAILED);
  }

  @Test
  void purge_deletes_what_was_replayed_long_ago_in_steps_and_nothing_else() {
    operator.waiting(IntStream.range(0, 1_005).mapToObj(i -> "old-" + i).toArray(String[]::new));
    operator.sql(
        "UPDATE onlyfans_messages SET status = 'queued',"
            + " queued_at = DATEADD('DAY', -15, CURRENT_TIMESTAMP)");
    operator.waiting("recent", "waiting-1");
    operator.sql(
        "UPDATE onlyfans_messages SET status = 'sent',"
            + " queued_at = DATEADD('DAY', -13, CURRENT_TIMESTAMP) WHERE id = 'recent'");
    operator.dead("dead-1");
    Run unconfirmed = operator.run("purge", "--older-than", "14d");
    assertThat(unconfirmed.exitCode()).isEqualTo(2);
    assertThat(operator.store().backlog().count(StoredStatus.QUEUED)).isEqualTo(1_005);

    JsonNode run = operator.run("purge", "--older-than", "P14D", "--yes", "--json").json();
    assertThat(run.toString()).isEqualTo("{\"purged\":1005,\"olderThanSeconds\":1209600}");
    assertThat(operator.run("purge", "--older-than=12h", "--yes").out())
        .isEqualTo("1 message purged\n");
    assertThat(operator.store().find("waiting-1")).isPresent();
    assertThat(operator.store().find("dead-1")).isPresent();
  }

  @Test
  void erase_deletes_all_of_a_user_or_of_a_recipient() {
    operator.store().store(Operator.message("1", "user_1", "fan_1", "x"), "down");
    operator.store().hold(Operator.message("2", "user_1", "fan_2", "x"), "down");
    operator.store().store(Operator.message("3", "user_2", "fan_2", "x"), "down");
    operator.store().store(Operator.message("4", "user_2", "fan_3", "x"), "down");
    assertThat(operator.run("erase", "--recipient", "fan_2", "--yes", "--json").out())
        .isEqualTo("{\"erased\":2}\n");
    assertThat(operator.run("erase", "--user", "user_1", "--yes").out())
        .isEqualTo("1 message erased\n");
    assertThat(operator.store().find("4")).isPresent();
    assertThat(operator.questions).isEmpty();
  }

  @Test
  void erase_does_nothing_unless_it_is_confirmed() {
    operator.waiting("waiting-1");
    Run nobody = operator.run("erase", "--user", "user_42");
    assertThat(nobody.exitCode()).isEqualTo(2);
    assertThat(nobody.out()).isEmpty();
    assertThat(nobody.err()).startsWith("--yes is required where nobody can be asked.");
    operator.answer = Optional.of("y");
    Run other = operator.run("erase", "--user", "user_42");
    assertThat(other.exitCode()).isEqualTo(2);
    assertThat(other.err()).isEqualTo("fallback: not confirmed, so nothing was done\n");
    assertThat(operator.store().find("waiting-1")).isPresent();

    operator.answer = Optional.of(" Yes ");
    assertThat(operator.run("erase", "--user", "user_42").exitCode()).isZero();
    assertThat(operator.store().find("waiting-1")).isEmpty();
    assertThat(operator.questions)
        .hasSize(3)
        .last()
        .asString()
        .contains("on behalf of user user_42 will be deleted for good", "Type yes");
  }

  @Test
  void stats_counts_by_status_and_flags_what_waits_longer_than_five_minutes() {
    operator.dead("dead-1");
    assertThat(operator.run("stats").out()).contains("oldest waiting  -").doesNotContain("LATE");
    operator.waiting("waiting-1", "waiting-2");
    assertThat(operator.run("stats").out()).doesNotContain("LATE");
    operator.sql(
        "UPDATE onlyfans_messages SET created_at = DATEADD('SECOND', -301, created_at)"
            + " WHERE id = 'waiting-1'");
    assertThat(operator.run("stats").out())
        .contains("failed          2", "dead            1", "oldest waiting  5m", "LATE");
    JsonNode json = operator.run("stats", "--json").json();
    assertThat(names(json))
        .containsExactly("byStatus", "waiting", "oldestWaitingSeconds", "oldestWaitsTooLong");
    assertThat(names(json.path("byStatus")))
        .containsExactly("failed", "queued", "sent", "rate_limited", "dead");
    assertThat(json.path("waiting").asInt()).isEqualTo(2);
    assertThat(json.path("oldestWaitingSeconds").asInt()).isGreaterThanOrEqualTo(301);
    assertThat(json.path("oldestWaitsTooLong").asBoolean()).isTrue();
  }

  @Test
  void create_schema_makes_the_tables_and_without_them_the_error_names_it(@TempDir Path dir)
      throws IOException {
    Path file = dir.resolve("fallback.properties");
    Files.writeString(file, "DATABASE_URL=jdbc:h2:file:" + dir.resolve("store") + "\n");
    String properties = "--properties=" + file;
    Run before = operator.run("stats", properties);
    assertThat(before.exitCode()).isEqualTo(1);
    assertThat(before.out()).isEmpty();
    assertThat(before.err().lines()).hasSize(1);
    assertThat(before.err()).contains("run fallback create-schema");
    assertThat(operator.run("create-schema", properties, "--json").json().path("schema").asText())
        .isEqualTo("ready");
    assertThat(operator.run("create-schema", properties).out()).isEqualTo("the tables are ready\n");
    assertThat(operator.run("stats", properties).exitCode()).isZero();
  }
}
