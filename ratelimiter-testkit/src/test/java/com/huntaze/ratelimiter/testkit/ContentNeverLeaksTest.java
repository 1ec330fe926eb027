package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxy;
import ch.qos.logback.core.read.ListAppender;
import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.SinkException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A marker in content, media URL and metadata is looked for wherever the SDK speaks. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class ContentNeverLeaksTest {
  private static final String MARKER = "S3CR3T";

  private final Logger root = (Logger) LoggerFactory.getLogger("com.huntaze.ratelimiter");
  private final ListAppender<ILoggingEvent> appender = new ListAppender<>();
  private final List<String> seen = new ArrayList<>();

  @BeforeEach
  void listen() {
    appender.start();
    root.setLevel(Level.TRACE);
    root.setAdditive(false);
    root.addAppender(appender);
  }

  @AfterEach
  void stopListening() {
    root.detachAppender(appender);
    root.setLevel(null);
    root.setAdditive(true);
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

  private void note(Object shown) {
    seen.add(String.valueOf(shown));
  }

  @Test
  void neither_logs_nor_results_nor_to_string_show_content() throws Exception {
    CountDownLatch calls = new CountDownLatch(4);
    int[] statuses = {200, 429, 400, 200};
    OnlyFansGateway gateway =
        (message, timeout) -> {
          int i = (int) (statuses.length - calls.getCount());
          calls.countDown();
          note(message);
          return i < statuses.length
              ? new GatewayResponse(
                  statuses[i], Optional.of(Duration.ofMillis(10)), Optional.of(MARKER))
              : GatewayResponse.of(200);
        };
    try (var client =
        RateLimitedOnlyFansClient.embedded(
            gateway, RateLimit.rolling(100, Duration.ofMillis(10)))) {
      note(message("m0"));
      for (int i = 0; i < 3; i++) {
        note(client.send(message("m" + i)));
      }
      note(
          client.send(
              OnlyFansMessage.builder().content(MARKER + "\0").mediaUrls(List.of(MARKER)).build()));
      assertThat(calls.await(30, TimeUnit.SECONDS)).isTrue();
      note(client.queueStatus());
    }
    note(new GatewayResponse(200, Optional.empty(), Optional.of(MARKER)));

    InMemoryFallbackStore store = new InMemoryFallbackStore();
    MessageSink down =
        message -> {
          throw new SinkException(SinkException.Kind.NOT_SENT, "down for " + message, null);
        };
    try (var client =
        RateLimitedOnlyFansClient.builder()
            .sink(down)
            .fallbackStore(store)
            .retryBase(Duration.ofNanos(1))
            .build()) {
      note(client.send(message("m9")));
      client.replayFailed(10);
    }
    for (StoredMessage stored : store.claim(10, Duration.ofSeconds(1))) {
      note(stored);
    }

    for (ILoggingEvent event : appender.list) {
      note(event.getFormattedMessage());
      note(event.getKeyValuePairs());
      if (event.getThrowableProxy() instanceof ThrowableProxy proxy) {
        StringWriter stack = new StringWriter();
        proxy.getThrowable().printStackTrace(new PrintWriter(stack));
        note(stack);
      }
    }
    assertThat(appender.list).hasSizeGreaterThan(5);
    assertThat(seen).isNotEmpty().noneMatch(text -> text.contains(MARKER));
  }
}
