package com.huntaze.ratelimiter.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.SendStatus;
import com.huntaze.ratelimiter.jdbc.JdbcFallbackStore;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import com.huntaze.ratelimiter.testkit.FaultySqs;
import com.huntaze.ratelimiter.testkit.LocalDatabase;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import com.huntaze.ratelimiter.testkit.SqsFault;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.services.sqs.SqsClient;

/** A host that is killed while it sends, over an SQS that keeps failing and a real database. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SendingCrashTest {
  @RegisterExtension static final LocalSqs SQS = LocalSqs.shared();
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();

  private static final List<SqsFault> FAULTS =
      List.of(
          SqsFault.SERVICE_UNAVAILABLE,
          SqsFault.THROTTLED,
          SqsFault.RESET_BEFORE,
          SqsFault.RESET_AFTER_WRITE,
          SqsFault.GARBAGE,
          SqsFault.PARTIAL_SERVICE_FAULT,
          SqsFault.OMITTED_ENTRY);

  private final LocalDatabase database = POSTGRES.newDatabase();
  private final String queue = SQS.createQueue("sending");

  /** What each message's sender was told, the last of all kills at the end. */
  private final Map<String, SendStatus> answers = new HashMap<>();

  private final Set<String> queued = new HashSet<>();

  @Test
  void what_a_killed_host_was_told_is_accepted_is_in_the_queue_or_in_the_store() throws Exception {
    killAndLook(3);
  }

  @Test
  @Tag("slow")
  void nothing_accepted_is_missing_after_fifty_kills() throws Exception {
    killAndLook(50);
  }

  private void killAndLook(int kills) throws Exception {
    long seed = System.nanoTime();
    System.out.println("SendingCrashTest seed " + seed);
    SplittableRandom random = new SplittableRandom(seed);
    JdbcFallbackStore.builder(database.dataSource()).build().createSchema();
    long start = System.nanoTime();
    try (FaultySqs faulty = FaultySqs.inFrontOf(SQS);
        SqsClient direct = SQS.newClient()) {
      faulty.failShare(0.2, seed, FAULTS);
      for (int kill = 0; kill < kills; kill++) {
        int before = answers.size();
        Duration after = Duration.ofMillis(20 + random.nextInt(1_500));
        sendUntilKilled(faulty, "k" + kill, after);
        assertThat(answers).as("answers of the process killed after %s", after).isNotEmpty();
        receive(direct);
        Set<String> missing = new HashSet<>(answers.keySet());
        missing.removeAll(queued);
        missing.removeAll(stored());
        assertThat(missing)
            .as("of %d answers, %d before this kill", answers.size(), before)
            .isEmpty();
      }
      System.out.printf(
          "%d kills in %.0f s: %d queued, %d stored; %d of %d calls failed%n",
          kills,
          (System.nanoTime() - start) / 1e9,
          answered(SendStatus.QUEUED),
          answered(SendStatus.STORED),
          faulty.failedCalls(),
          faulty.calls());
    }
    assertThat(answered(SendStatus.QUEUED)).isPositive();
    assertThat(answered(SendStatus.STORED)).isPositive();
    assertThat(answers.values()).containsOnly(SendStatus.QUEUED, SendStatus.STORED);
  }

  /**
   * Starts a process, kills it so long after the store first took a message, and takes down what it
   * was told.
   */
  private void sendUntilKilled(FaultySqs faulty, String prefix, Duration after) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(SendingProcess.class.getName());
    command.addAll(SendingProcess.args(faulty.endpoint(), queue, database.jdbcUrl(), prefix));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    CountDownLatch firstStored = new CountDownLatch(1);
    Thread reader = new Thread(() -> read(process, firstStored), "sending-reader");
    reader.setDaemon(true);
    reader.start();
    try {
      assertThat(firstStored.await(60, TimeUnit.SECONDS))
          .as("it sends, and stores now and then")
          .isTrue();
      assertThat(process.waitFor(after.toMillis(), TimeUnit.MILLISECONDS)).as("it ended").isFalse();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    reader.join(30_000);
    assertThat(reader.isAlive()).isFalse();
  }

  private void read(Process process, CountDownLatch firstStored) {
    try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] words = line.split(" ");
        if (words.length == 4
            && words[0].equals(SendingProcess.ANSWERED)
            && words[3].equals(SendingProcess.END)) {
          answers.put(words[2], SendStatus.valueOf(words[1]));
          if (answers.get(words[2]) == SendStatus.STORED) {
            firstStored.countDown();
          }
        }
      }
    } catch (IOException e) {
      // the process was killed in the midst of a line
    }
  }

  private void receive(SqsClient direct) {
    SqsMessageSource source =
        SqsMessageSource.builder(direct).queue(queue).visibility(Duration.ofHours(12)).build();
    for (List<ReceivedMessage> some = source.receive(10, Duration.ZERO);
        !some.isEmpty();
        some = source.receive(10, Duration.ZERO)) {
      some.forEach(each -> queued.add(each.message().orElseThrow().messageId()));
    }
  }

  /** What the store still has: not what a replayer gave to the queue. */
  private Set<String> stored() throws SQLException {
    Set<String> ids = new HashSet<>();
    try (Connection connection = database.dataSource().getConnection();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery("SELECT id FROM onlyfans_messages WHERE status <> 'queued'")) {
      while (rows.next()) {
        ids.add(rows.getString(1));
      }
    }
    return ids;
  }

  private long answered(SendStatus status) {
    return answers.values().stream().filter(status::equals).count();
  }
}
