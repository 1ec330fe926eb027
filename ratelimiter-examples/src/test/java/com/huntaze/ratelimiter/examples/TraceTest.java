package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.spi.FilterReply;
import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.SendStatus;
import com.huntaze.ratelimiter.jdbc.JdbcFallbackStore;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import com.huntaze.ratelimiter.testkit.ApiCall;
import com.huntaze.ratelimiter.testkit.ApiFault;
import com.huntaze.ratelimiter.testkit.FaultySqs;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import com.huntaze.ratelimiter.testkit.SqsFault;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeNameForSends;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeValue;

/** What goes along with a message on its whole way, and what never shows on it. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class TraceTest {
  @RegisterExtension static final LocalSqs SQS = LocalSqs.shared();
  @RegisterExtension static final LocalRedis REDIS = LocalRedis.shared();
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();

  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String TRACEPARENT = "00-" + TRACE + "-00f067aa0ba902b7-01";
  private static final String MARKER = "marker-that-no-one-may-see";
  private static final Duration LONG = Duration.ofSeconds(60);

  /** Those that write what goes over the wire, which nobody switches on; named in the papers. */
  private static final List<String> LEFT_OUT =
      List.of(
          "org.elasticmq",
          "org.apache.pekko",
          "software.amazon.awssdk.services.sqs.internal.MessageMD5ChecksumInterceptor");

  private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  private final Lines lines = new Lines();
  private final Map<Logger, Level> before = new HashMap<>();

  /** Everything that is logged, as text with all that hangs on it. */
  private static final class Lines extends AppenderBase<ILoggingEvent> {
    final Queue<String> ours = new ConcurrentLinkedQueue<>();
    final Queue<String> leaks = new ConcurrentLinkedQueue<>();

    void await(String text) {
      long end = System.nanoTime() + LONG.toNanos();
      while (ours.stream().noneMatch(line -> line.contains(text))) {
        assertThat(System.nanoTime()).as("a line with '%s'", text).isLessThan(end);
        LockSupport.parkNanos(1_000_000);
      }
    }

    @Override
    protected void append(ILoggingEvent event) {
      String logger = event.getLoggerName();
      if (LEFT_OUT.stream().anyMatch(logger::startsWith)) {
        return;
      }
      String text =
          logger
              + " "
              + event.getFormattedMessage()
              + " "
              + event.getKeyValuePairs()
              + event.getMDCPropertyMap()
              + (event.getThrowableProxy() == null
                  ? ""
                  : ThrowableProxyUtil.asString(event.getThrowableProxy()));
      if (text.contains(MARKER)) {
        leaks.add(text);
      }
      if (logger.startsWith("com.huntaze")) {
        ours.add(text);
      }
    }
  }

  /** Keeps what is captured at TRACE off the console. */
  private static final class Silence extends Filter<ILoggingEvent> {
    @Override
    public FilterReply decide(ILoggingEvent event) {
      return FilterReply.DENY;
    }
  }

  @BeforeEach
  void listen() {
    root.iteratorForAppenders().forEachRemaining(each -> each.addFilter(new Silence()));
    lines.start();
    for (Logger each : root.getLoggerContext().getLoggerList()) {
      if (each.getLevel() != null) {
        before.put(each, each.getLevel());
        each.setLevel(Level.TRACE);
      }
    }
    root.addAppender(lines);
  }

  @AfterEach
  void stopListening() {
    MDC.clear();
    root.detachAppender(lines);
    before.forEach(Logger::setLevel);
    root.iteratorForAppenders().forEachRemaining(each -> each.clearAllFilters());
  }

  private static OnlyFansMessage message(String id) {
    return OnlyFansMessage.builder()
        .messageId(id)
        .userId("agency")
        .creatorId("creator")
        .recipientId("fan")
        .content(MARKER)
        .mediaUrls(List.of("https://media.example/" + MARKER))
        .metadata(Map.of("note", MARKER))
        .build();
  }

  private static JdbcFallbackStore store(Pipeline pipeline) {
    PGSimpleDataSource database = new PGSimpleDataSource();
    database.setUrl(pipeline.database.jdbcUrl());
    return JdbcFallbackStore.builder(database).createSchema(true).build();
  }

  @Test
  void one_trace_goes_from_the_callers_mdc_through_store_and_queues_to_the_api() throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, RateLimit.rolling(10, Duration.ofSeconds(1)));
        FaultySqs down = FaultySqs.inFrontOf(SQS);
        SqsClient sqs = down.newClient(Duration.ofSeconds(5));
        RateLimitedOnlyFansClient client =
            RateLimitedOnlyFansClient.builder()
                .sink(SqsMessageSink.builder(sqs).queue(pipeline.entry.url()).build())
                .fallbackStore(store(pipeline))
                .build()) {
      down.failAll(SqsFault.ACCESS_DENIED);
      MDC.put("traceparent", TRACEPARENT);
      assertThat(client.send(message("m1")).status()).isEqualTo(SendStatus.STORED);
      MDC.clear();
      down.heal();
      client.replayFailed(10);
      pipeline.api.failNext(1, ApiFault.status(503));
      pipeline.api.failNext(1, ApiFault.status(400));

      pipeline.startHandler();
      pipeline.startWorker();

      assertThat(pipeline.api.awaitCalls(2, LONG)).isTrue();
      assertThat(pipeline.api.calls())
          .as("the call that failed, and the one that was refused")
          .extracting(ApiCall::traceparent)
          .allMatch(header -> header.filter(TRACEPARENT::equals).isPresent());
      lines.await("refused message m1"); // it is logged after the call that has arrived
      assertThat(lines.ours)
          .as("lines of client, gate and worker that can be found by the trace")
          .anyMatch(line -> line.contains("STORED") && line.contains(TRACE))
          .anyMatch(line -> line.contains("Token bucket result") && line.contains(TRACE))
          .anyMatch(line -> line.contains("refused message m1") && line.contains(TRACE));
      assertThat(lines.leaks).as("content in a log").isEmpty();
    }
  }

  @Test
  void a_trace_that_only_stands_beside_a_message_goes_on_to_the_api() throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, RateLimit.rolling(10, Duration.ofSeconds(1)))) {
      pipeline.client.sendMessage(
          request ->
              request
                  .queueUrl(pipeline.entry.url())
                  .messageBody(
                      """
                      {"messageId":"m2","userId":"u","recipientId":"r","content":"c",\
                      "timestamp":"2026-01-02T03:04:05Z"}""")
                  .messageSystemAttributes(
                      Map.of(
                          MessageSystemAttributeNameForSends.AWS_TRACE_HEADER,
                          MessageSystemAttributeValue.builder()
                              .dataType("String")
                              .stringValue(
                                  "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736"
                                      + ";Parent=00f067aa0ba902b7;Sampled=1")
                              .build())));
      pipeline.startHandler();
      pipeline.startWorker();

      assertThat(pipeline.api.awaitCalls(1, LONG)).isTrue();
      assertThat(pipeline.api.calls().get(0).traceparent()).contains(TRACEPARENT);
    }
  }
}
