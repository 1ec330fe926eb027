package com.huntaze.ratelimiter.examples;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.SendResult;
import com.huntaze.ratelimiter.jdbc.JdbcFallbackStore;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import com.huntaze.ratelimiter.testkit.FaultySqs;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import software.amazon.awssdk.services.sqs.SqsClient;

/**
 * A process that sends as fast as it can from several threads, until its standard input ends. Each
 * answer is a line on standard output, written as soon as the sender has it.
 */
final class SendingProcess {
  static final String READY = "sending: ready";
  static final String ANSWERED = "answered";

  /** What a line ends with; one that was cut short does not. */
  static final String END = "end";

  private static final int SENDERS_OF_EACH_KIND = 2;
  private static final int UNANSWERED = 500;

  private final RateLimitedOnlyFansClient client;

  private SendingProcess(RateLimitedOnlyFansClient client) {
    this.client = client;
  }

  /** The arguments: SQS, the queue, the database, and what ids begin with. */
  static List<String> args(URI sqs, String queue, String jdbcUrl, String prefix) {
    return List.of(sqs.toString(), queue, jdbcUrl, prefix);
  }

  public static void main(String[] args) throws IOException {
    HikariConfig database = new HikariConfig();
    database.setJdbcUrl(args[2]);
    try (HikariDataSource dataSource = new HikariDataSource(database);
        SqsClient sqs = FaultySqs.newClient(URI.create(args[0]), Duration.ofSeconds(10));
        RateLimitedOnlyFansClient client =
            RateLimitedOnlyFansClient.builder()
                .sink(SqsMessageSink.builder(sqs).queue(args[1]).build())
                .fallbackStore(JdbcFallbackStore.builder(dataSource).build())
                .maxRetries(1)
                .retryBase(Duration.ofMillis(5))
                .breaker(5, Duration.ofMillis(100))
                .build()) {
      SendingProcess process = new SendingProcess(client);
      say(READY);
      for (int i = 0; i < SENDERS_OF_EACH_KIND; i++) {
        String prefix = args[3] + "-" + i;
        daemon(() -> process.send(prefix + "-s-"));
        daemon(() -> process.sendAsync(prefix + "-a-"));
      }
      while (System.in.read() >= 0) {
        // Lives until whoever started it closes the stream, or is gone.
      }
    }
  }

  private static void daemon(Runnable task) {
    Thread thread = new Thread(task, "sender");
    thread.setDaemon(true);
    thread.start();
  }

  private void send(String prefix) {
    for (int i = 0; ; i++) {
      answered(client.send(message(prefix + i)));
    }
  }

  private void sendAsync(String prefix) {
    Semaphore room = new Semaphore(UNANSWERED);
    for (int i = 0; ; i++) {
      room.acquireUninterruptibly();
      var unused =
          client
              .sendAsync(message(prefix + i))
              .thenAccept(
                  result -> {
                    answered(result);
                    room.release();
                  });
    }
  }

  private static OnlyFansMessage message(String id) {
    return OnlyFansMessage.builder()
        .messageId(id)
        .userId("agency_1")
        .recipientId("fan_1")
        .content("Good evening!")
        .build();
  }

  private static void answered(SendResult result) {
    say(String.join(" ", ANSWERED, result.status().name(), result.messageId(), END));
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }
}
