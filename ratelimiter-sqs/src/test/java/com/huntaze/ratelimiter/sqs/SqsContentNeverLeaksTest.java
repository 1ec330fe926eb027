package com.huntaze.ratelimiter.sqs;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxy;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.read.ListAppender;
import ch.qos.logback.core.spi.FilterReply;
import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SourceException;
import com.huntaze.ratelimiter.testkit.FaultySqs;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import com.huntaze.ratelimiter.testkit.SqsFault;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.sqs.SqsClient;

/**
 * Every logger of this JVM at TRACE while SQS fails in every way, but for the local server's own
 * and the one with which the SDK quotes bodies, which the sink warns of.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SqsContentNeverLeaksTest {
  @RegisterExtension static final LocalSqs sqs = LocalSqs.shared();

  private static final String MARKER = "marker-that-no-one-may-see";
  private static final String QUOTING =
      "software.amazon.awssdk.services.sqs.internal.MessageMD5ChecksumInterceptor";
  private static final List<String> LEFT_OUT =
      List.of("org.elasticmq", "org.apache.pekko", QUOTING);

  private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
  private final Queue<String> seen = new ConcurrentLinkedQueue<>();
  private Level before;

  @BeforeEach
  void listen() {
    before = root.getLevel();
    root.iteratorForAppenders().forEachRemaining(each -> each.addFilter(Silence.INSTANCE));
    lines.start();
    root.setLevel(Level.TRACE);
    root.addAppender(lines);
  }

  @AfterEach
  void stopListening() {
    root.detachAppender(lines);
    root.setLevel(before);
    root.iteratorForAppenders().forEachRemaining(each -> each.clearAllFilters());
  }

  /** Keeps what is captured at TRACE off the console. */
  private static final class Silence extends Filter<ILoggingEvent> {
    static final Silence INSTANCE = new Silence();

    @Override
    public FilterReply decide(ILoggingEvent event) {
      return FilterReply.DENY;
    }
  }

  private void note(Object shown) {
    seen.add(String.valueOf(shown));
  }

  private void note(Throwable thrown) {
    StringWriter stack = new StringWriter();
    thrown.printStackTrace(new PrintWriter(stack));
    note((Object) stack);
  }

  /** Hears every event with all it carries. */
  private MetricsSink metrics() {
    return (MetricsSink)
        Proxy.newProxyInstance(
            MetricsSink.class.getClassLoader(),
            new Class<?>[] {MetricsSink.class},
            (self, method, args) -> {
              note(method.getName() + Arrays.toString(args));
              return null;
            });
  }

  private static OnlyFansMessage message(String id) {
    return OnlyFansMessage.builder()
        .messageId(id)
        .userId("u")
        .recipientId("r")
        .content(MARKER)
        .mediaUrls(List.of("https://h/" + MARKER))
        .metadata(Map.of("k", MARKER))
        .build();
  }

  private void check() {
    for (ILoggingEvent line : List.copyOf(lines.list)) {
      if (LEFT_OUT.stream().noneMatch(line.getLoggerName()::startsWith)) {
        note(line.getFormattedMessage());
        note(line.getKeyValuePairs());
        if (line.getThrowableProxy() instanceof ThrowableProxy proxy) {
          note(proxy.getThrowable());
        }
      }
    }
    assertThat(seen).hasSizeGreaterThan(10);
    assertThat(seen).noneMatch(text -> text.contains(MARKER));
  }

  @ParameterizedTest
  @EnumSource(SqsFault.class)
  void no_log_metric_exception_or_result_shows_content(SqsFault fault) throws Exception {
    String url = sqs.createQueue("entry");
    InMemoryFallbackStore store = new InMemoryFallbackStore();
    try (FaultySqs faulty = FaultySqs.inFrontOf(sqs);
        SqsClient client = faulty.newClient(Duration.ofMillis(300));
        RateLimitedOnlyFansClient limited =
            RateLimitedOnlyFansClient.builder()
                .sink(SqsMessageSink.builder(client).queue(url).build())
                .fallbackStore(store)
                .metrics(metrics())
                .maxRetries(1)
                .retryBase(Duration.ofMillis(1))
                .build()) {
      faulty.failAll(fault);
      note(limited.send(message("m1")));
      note(limited.sendBatch(List.of(message("m2"), message("m3"))));
      note(limited.sendAsync(message("m4")).get(20, TimeUnit.SECONDS));
      note(limited.queueStatus());
      note(limited.check());
      try {
        note(
            SqsMessageSink.builder(client)
                .queue(url)
                .build()
                .send(
                    OutboundMessage.builder("m5", "u", Instant.EPOCH)
                        .recipientId("r")
                        .content(MARKER)
                        .build()));
      } catch (SinkException e) {
        note(e);
      }
    }
    check();
  }

  @Test
  void a_source_shows_none_either() throws Exception {
    String url = sqs.createQueue("entry");
    try (SqsClient client = sqs.newClient()) {
      SqsMessageSink.builder(client)
          .queue(url)
          .build()
          .send(
              OutboundMessage.builder("m5", "u", Instant.EPOCH)
                  .recipientId("r")
                  .content(MARKER)
                  .build());
      client.sendMessage(request -> request.queueUrl(url).messageBody("no JSON: " + MARKER));
      SqsMessageSource source = SqsMessageSource.builder(client).queue(url).build();
      int received = 0;
      while (received < 2) {
        for (ReceivedMessage each : source.receive(10, Duration.ofSeconds(5))) {
          received++;
          note(each);
          note(each.message());
          note(each.fault());
          try {
            source.deadLetter(each, "no_queue");
          } catch (SourceException e) {
            note(e);
          }
        }
      }
      note(source);
    }
    check();
  }

  @Test
  void the_sdk_s_logger_that_quotes_bodies_is_warned_of_and_found_by_the_check() {
    Logger quoting = (Logger) LoggerFactory.getLogger(QUOTING);
    RecordingSqs client = new RecordingSqs();
    try {
      quoting.setLevel(Level.INFO);
      assertThat(SqsMessageSink.builder(client).queue("entry").build().check())
          .noneMatch(finding -> finding.contains(QUOTING));
      assertThat(lines.list).noneMatch(line -> line.getLevel() == Level.WARN);
      quoting.setLevel(Level.DEBUG);
      assertThat(SqsMessageSink.builder(client).queue("entry").build().check())
          .anyMatch(finding -> finding.contains(QUOTING));
      assertThat(lines.list)
          .filteredOn(line -> line.getLevel() == Level.WARN)
          .singleElement()
          .satisfies(line -> assertThat(line.getFormattedMessage()).contains(QUOTING));
    } finally {
      quoting.setLevel(null);
    }
  }
}
