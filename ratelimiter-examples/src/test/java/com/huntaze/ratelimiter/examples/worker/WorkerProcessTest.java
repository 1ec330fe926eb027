package com.huntaze.ratelimiter.examples.worker;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.huntaze.ratelimiter.jdbc.JdbcSentLog;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SinkResult;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import com.huntaze.ratelimiter.testkit.ApiCall;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import com.huntaze.ratelimiter.testkit.TcpProxy;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.sqs.SqsClient;

/** The reference worker as a real process over real services. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class WorkerProcessTest {
  @RegisterExtension static final LocalSqs SQS = LocalSqs.shared();
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();

  private static final Duration WINDOW = Duration.ofSeconds(1);
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String SECRET = "s3cr3t-content";

  private final JsonMapper json = JsonMapper.builder().build();
  private final FakeOnlyFansApi api = FakeOnlyFansApi.builder().limit(10, WINDOW).start();
  private final LocalRedis redis = LocalRedis.start();
  private final SqsClient sqs = SQS.newClient();
  private final String queue = SQS.createFifoQueueWithDeadLetters("worker", 3).url();
  private final SqsMessageSink sink = SqsMessageSink.builder(sqs).queue(queue).build();

  @BeforeEach
  void createSchema() {
    JdbcSentLog.builder(POSTGRES.dataSource()).build().createSchema();
  }

  @AfterEach
  void close() {
    sqs.close();
    redis.close();
    api.close();
  }

  private Map<String, String> environment() {
    Map<String, String> environment = new HashMap<>();
    environment.put("SQS_WORKFLOW_QUEUE", queue);
    environment.put("AWS_ENDPOINT_URL", SQS.endpoint().toString());
    environment.put("AWS_ACCESS_KEY_ID", "local");
    environment.put("AWS_SECRET_ACCESS_KEY", "local");
    environment.put("REDIS_URL", redis.uri().toString());
    environment.put("DATABASE_URL", POSTGRES.jdbcUrl());
    environment.put("ONLYFANS_API_URL", api.baseUri().toString());
    environment.put("ONLYFANS_API_KEY", "s3cr3t-key");
    environment.put("RATE_LIMIT", "10/1s");
    environment.put("WORKER_STOP_SECONDS", "20");
    environment.put("WORKER_HEALTH_PORT", "0");
    return environment;
  }

  private List<String> put(String prefix, int count) {
    List<OutboundMessage> messages =
        IntStream.range(0, count)
            .mapToObj(
                i ->
                    OutboundMessage.builder(prefix + "-" + i, "user", Instant.now())
                        .creatorId(prefix + "-creator-" + i % 4)
                        .recipientId("fan")
                        .content(SECRET)
                        .build())
            .toList();
    assertThat(sink.sendAll(messages)).allMatch(SinkResult.Taken.class::isInstance);
    return messages.stream().map(OutboundMessage::messageId).toList();
  }

  private List<String> delivered() {
    return api.deliveries().stream().map(ApiCall::messageId).toList();
  }

  @Test
  void it_delivers_in_order_under_the_limit_and_tells_its_health_and_results(@TempDir Path results)
      throws Exception {
    Map<String, String> environment = environment();
    environment.put("WORKER_RESULTS_DIRECTORY", results.toString());
    List<String> ids = put("deliver", 24);
    try (RunningWorker worker = RunningWorker.start(environment)) {
      assertThat(api.awaitDeliveries(24, PATIENCE)).as("%s", worker.lines()).isTrue();
      HttpResponse<String> health = worker.health();
      assertThat(health.statusCode()).isEqualTo(200);
      assertThat(json.readTree(health.body()).get("status").textValue()).isEqualTo("working");
      assertThat(delivered()).containsExactlyInAnyOrderElementsOf(ids);
      for (int c = 0; c < 4; c++) {
        int creator = c;
        assertThat(api.order("deliver-creator-" + c))
            .isEqualTo(
                IntStream.range(0, 24)
                    .filter(i -> i % 4 == creator)
                    .mapToObj(i -> "deliver-" + i)
                    .toList());
      }
      api.checkLimit();
      worker.terminate();
      assertThat(worker.exitCode(PATIENCE)).isEqualTo(143);

      List<JsonNode> lines = new ArrayList<>();
      for (String line : worker.lines()) {
        lines.add(json.readTree(line));
      }
      assertThat(lines.stream().filter(line -> line.path("status").asText().equals("success")))
          .hasSize(24)
          .allSatisfy(
              line -> {
                assertThat(line.get("duration_ms").isIntegralNumber()).isTrue();
                assertThat(line.get("action").textValue()).isEqualTo("send_message");
                assertThat(line.get("creator_id").textValue()).startsWith("deliver-creator-");
              });
      assertThat(String.join("\n", worker.lines())).doesNotContain("s3cr3t");
    }
    List<Path> kept;
    try (Stream<Path> files = Files.walk(results)) {
      kept = files.filter(Files::isRegularFile).toList();
    }
    assertThat(kept).hasSize(24);
    JsonNode result = json.readTree(kept.get(0).toFile());
    assertThat(result.at("/metrics/total_time_ms").isIntegralNumber()).isTrue();
    assertThat(result.at("/response/status_code").intValue()).isEqualTo(200);
  }

  @Test
  void told_to_stop_it_gives_back_what_waits_and_nothing_is_lost_or_doubled() throws Exception {
    List<String> ids = put("stop", 60);
    try (RunningWorker worker = RunningWorker.start(environment())) {
      assertThat(api.awaitDeliveries(12, PATIENCE)).as("%s", worker.lines()).isTrue();
      worker.terminate();
      assertThat(worker.exitCode(Duration.ofSeconds(20))).isEqualTo(143);
      assertThat(worker.lines()).anyMatch(line -> line.contains("0 messages were left in hand"));
    }
    List<String> found = new ArrayList<>(delivered());
    assertThat(found).hasSizeLessThan(60);
    SqsMessageSource rest = SqsMessageSource.builder(sqs).queue(queue).build();
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos(); // less than its visibility
    while (found.size() < 60 && System.nanoTime() < end) {
      for (ReceivedMessage each : rest.receive(10, Duration.ofSeconds(1))) {
        found.add(each.message().orElseThrow().messageId());
        rest.delete(each);
      }
    }
    assertThat(found).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(api.duplicates()).isEmpty();
    api.checkLimit();
  }

  @Test
  void while_its_queue_does_not_answer_it_says_so_and_asks_for_no_restart() throws Exception {
    try (TcpProxy wire = TcpProxy.to(SQS.address())) {
      Map<String, String> environment = environment();
      environment.put("AWS_ENDPOINT_URL", URI.create("http://127.0.0.1:" + wire.port()).toString());
      environment.put(
          "SQS_WORKFLOW_QUEUE", queue.replace(":" + SQS.address().getPort(), ":" + wire.port()));
      try (RunningWorker worker = RunningWorker.start(environment)) {
        awaitHealth(worker, "working");
        wire.cut();
        assertThat(awaitHealth(worker, "degraded")).contains("The source cannot be asked");
        wire.restore();
        awaitHealth(worker, "working");
      }
    }
  }

  private static String awaitHealth(RunningWorker worker, String status) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    HttpResponse<String> health = worker.health();
    while (!health.body().contains("\"" + status + "\"") && System.nanoTime() < end) {
      LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
      health = worker.health();
    }
    assertThat(health.body()).as("%s", worker.lines()).contains("\"" + status + "\"");
    assertThat(health.statusCode()).isEqualTo(200);
    return health.body();
  }

  @Test
  void a_database_without_a_driver_is_named_in_one_line_without_its_password_and_ends_it()
      throws Exception {
    Map<String, String> environment = environment();
    environment.put("DATABASE_URL", "mysql://user:s3cr3t@127.0.0.1/db");
    try (RunningWorker worker = RunningWorker.start(environment)) {
      assertThat(worker.exitCode(PATIENCE)).isEqualTo(2);
      assertThat(worker.lines())
          .singleElement()
          .asString()
          .contains("DATABASE_URL", "driver", "mysql")
          .doesNotContain("s3cr3t");
    }
  }

  @Test
  void a_setting_that_is_missing_is_named_and_ends_it() throws Exception {
    Map<String, String> environment = environment();
    environment.remove("REDIS_URL");
    try (RunningWorker worker = RunningWorker.start(environment)) {
      assertThat(worker.exitCode(PATIENCE)).isEqualTo(2);
      assertThat(worker.lines()).singleElement().asString().contains("REDIS_URL must be set");
    }
  }

  @Test
  void a_secret_that_cannot_be_read_at_the_start_is_named_and_ends_it() throws Exception {
    Map<String, String> environment = environment();
    environment.put("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    environment.put("ONLYFANS_API_KEY_SECRET", "s3cr3t-name");
    try (RunningWorker worker = RunningWorker.start(environment)) {
      assertThat(worker.exitCode(PATIENCE)).isEqualTo(2);
      assertThat(worker.lines())
          .singleElement()
          .asString()
          .contains("ONLYFANS_API_KEY_SECRET cannot be read", "ConnectException")
          .doesNotContain("s3cr3t");
    }
  }
}
