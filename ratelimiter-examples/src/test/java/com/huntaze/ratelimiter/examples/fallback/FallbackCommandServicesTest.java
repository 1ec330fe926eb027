package com.huntaze.ratelimiter.examples.fallback;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.huntaze.ratelimiter.examples.fallback.Operator.Run;
import com.huntaze.ratelimiter.fallback.StoredEntry;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.testkit.LocalDatabase;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.sqs.SqsClient;

/** The command line with a queue, with PostgreSQL, and as a process of its own. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class FallbackCommandServicesTest {
  private static final String NO_ONE = "http://127.0.0.1:1";

  private static void queue(Map<String, String> settings, String queueUrl, String endpoint) {
    settings.put("SQS_RATE_LIMITER_QUEUE", queueUrl);
    settings.put("AWS_ENDPOINT_URL", endpoint);
    settings.put("AWS_ACCESS_KEY_ID", "local");
    settings.put("AWS_SECRET_ACCESS_KEY", "local");
  }

  private static int arrived(String queueUrl) {
    int arrived = 0;
    try (SqsClient sqs = LocalSqs.shared().newClient()) {
      for (int got = 1; got > 0; arrived += got) {
        got =
            sqs.receiveMessage(
                    request ->
                        request.queueUrl(queueUrl).maxNumberOfMessages(10).waitTimeSeconds(0))
                .messages()
                .size();
      }
    }
    return arrived;
  }

  /** In the form of hosting providers: postgresql://user:password@host:port/database. */
  private static String providersForm(LocalDatabase database) {
    return database
        .jdbcUrl()
        .replaceFirst(
            "jdbc:postgresql://([^/]+)/([^?]+)\\?user=([^&]+)&password=(.*)",
            "postgresql://$3:$4@$1/$2");
  }

  @Test
  void replay_moves_what_is_due_to_the_queue() {
    String queueUrl = LocalSqs.shared().createQueue("fallback-command");
    try (Operator operator = Operator.onH2()) {
      queue(operator.settings, queueUrl, LocalSqs.shared().endpoint().toString());
      for (int i = 0; i < 12; i++) {
        operator.waiting("waiting-" + i);
      }
      operator.dead("dead-1");
      JsonNode some = operator.run("replay", "--max", "2", "--json").json();
      assertThat(some.toString()).isEqualTo("{\"replayed\":2,\"refused\":0,\"waiting\":10}");
      Run rest = operator.run("replay", "--pace", "1000/1s");
      assertThat(rest.exitCode()).isZero();
      assertThat(rest.out()).isEqualTo("10 messages replayed, 0 still waiting\n");
      assertThat(operator.store().backlog().count(StoredStatus.QUEUED)).isEqualTo(12);
      assertThat(operator.store().backlog().count(StoredStatus.DEAD)).isEqualTo(1);
      assertThat(arrived(queueUrl)).isEqualTo(12);
    }
  }

  @Test
  void a_message_that_the_queue_refuses_is_told_and_holds_up_no_other() {
    String queueUrl = LocalSqs.shared().createQueue("fallback-command");
    try (Operator operator = Operator.onH2()) {
      queue(operator.settings, queueUrl, LocalSqs.shared().endpoint().toString());
      operator
          .store()
          .store(Operator.message("large", "user_42", "fan_7", "S3CRET".repeat(50_000)), "down");
      for (int i = 0; i < 12; i++) {
        operator.waiting("waiting-" + i);
      }
      Run run = operator.run("replay");
      assertThat(run.exitCode()).isZero();
      assertThat(run.out().lines())
          .containsExactly(
              "12 messages replayed, 0 still waiting",
              "1 message refused by the queue for good, now dead");
      assertThat(operator.run("list").out()).contains("MESSAGE_REFUSED").doesNotContain("S3CRET");
      assertThat(arrived(queueUrl)).isEqualTo(12);
    }
  }

  @Test
  void a_queue_that_cannot_be_reached_is_1_and_the_messages_still_wait() {
    try (Operator operator = Operator.onH2()) {
      queue(operator.settings, "no-queue", NO_ONE);
      operator.waiting("waiting-1", "waiting-2");
      Run run = operator.run("replay", "--json");
      assertThat(run.exitCode()).isEqualTo(1);
      assertThat(run.json().path("replayed").asInt()).isZero();
      assertThat(run.err().lines()).hasSize(1);
      assertThat(run.err())
          .startsWith("fallback: the queue did not take all: NOT_SENT: queue no-queue")
          .doesNotContain(Operator.MARKER);
      assertThat(operator.store().find("waiting-1").map(StoredEntry::status))
          .contains(StoredStatus.FAILED);
    }
  }

  @Test
  void a_providers_postgresql_url_serves_every_command() {
    LocalDatabase database = LocalPostgres.shared().newDatabase();
    String url = providersForm(database);
    assertThat(url).startsWith("postgresql://").contains("@").doesNotContain("?");
    try (Operator operator = Operator.on(url, database.jdbcUrl())) {
      operator.dead("dead-1", "dead-2");
      assertThat(operator.run("list").out()).contains("dead-1", "dead-2");
      assertThat(operator.run("revive", "dead-1").exitCode()).isZero();
      assertThat(operator.run("show", "dead-1", "--content").out()).contains(Operator.MARKER);
      assertThat(operator.run("delete", "dead-2").exitCode()).isZero();
      assertThat(operator.run("purge", "--older-than", "14d", "--yes").exitCode()).isZero();
      assertThat(operator.run("stats", "--json").json().path("waiting").asInt()).isEqualTo(1);
      assertThat(operator.run("erase", "--user", "user_42", "--yes").out())
          .isEqualTo("1 message erased\n");
    }
  }

  /** With logging as in production: on stderr, and nothing but the answer on stdout. */
  @Test
  void as_a_process_it_answers_on_stdout_and_ends_with_the_exit_code(@TempDir Path dir)
      throws IOException, InterruptedException {
    String url = "jdbc:h2:file:" + dir.resolve("store");
    try (Operator operator = Operator.on(url, url)) {
      operator.waiting("waiting-1");
    }
    Path out = dir.resolve("out");
    Path err = dir.resolve("err");
    ProcessBuilder builder =
        new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                FallbackCommand.class.getName(),
                "replay",
                "--json"));
    queue(builder.environment(), "no-queue", NO_ONE);
    builder.environment().put("DATABASE_URL", url);
    builder.redirectOutput(out.toFile()).redirectError(err.toFile());
    int exitCode = builder.start().waitFor();
    Run run = new Run(exitCode, Files.readString(out), Files.readString(err));
    assertThat(run.exitCode()).as(run.err()).isEqualTo(1);
    assertThat(run.json().toString()).isEqualTo("{\"replayed\":0,\"refused\":0,\"waiting\":1}");
    assertThat(run.err())
        .contains("WARN  Replayer: ", "\nfallback: the queue did not take all: NOT_SENT: ")
        .doesNotContain(Operator.MARKER, "\tat ");
  }
}
