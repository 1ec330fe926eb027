package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** What the contracts of stores have in common: messages to store, and ways to wait for a store. */
final class StoreSamples {
  static final Duration LONG = Duration.ofHours(1);
  static final Duration SHORT = Duration.ofMillis(200);
  static final String ERROR = "NOT_SENT: connection refused";

  private StoreSamples() {}

  /** A message of a creator of its own, so that none holds another up. */
  static OutboundMessage message(String id, String content) {
    return message(id, content, Instant.parse("2026-01-01T00:00:00.123456Z"));
  }

  static OutboundMessage message(String id, String content, Instant timestamp) {
    return byCreator("creator of " + id, id, content, timestamp);
  }

  /** A message of a given creator. */
  static OutboundMessage byCreator(String creator, String id) {
    return byCreator(creator, id, "hello", Instant.parse("2026-01-01T00:00:00Z"));
  }

  private static OutboundMessage byCreator(
      String creator, String id, String content, Instant timestamp) {
    return OutboundMessage.builder(id, "user_42", timestamp)
        .creatorId(creator)
        .recipientId("fan_7")
        .content(content)
        .build();
  }

  static OutboundMessage everyField(String id) {
    return OutboundMessage.builder(id, "user_42", Instant.parse("2026-01-01T00:00:00.123456789Z"))
        .creatorId("creator \"9\"")
        .recipientId("fan'7")
        .content("Merci 🙂 ''\"\\ % _ \u0001\n\t 日本語")
        .mediaUrls(List.of("https://cdn.example.com/a.jpg?x='1'", "https://cdn.example.com/b.mp4"))
        .priority(Priority.HIGH)
        .workflowId("workflow-1")
        .traceId("trace-1")
        .metadata(
            Map.of(
                "text",
                "🙂\u0007",
                "number",
                42,
                "large",
                3_000_000_000L,
                "fraction",
                1.5,
                "flag",
                true,
                "list",
                Arrays.asList("a", null, List.of(), Map.of("deep", 1)),
                "empty",
                Map.of()))
        .unknownFields(Map.of("later", Map.of("version", 2)))
        .build();
  }

  static List<String> store(FallbackStore store, int messages) {
    List<String> ids = IntStream.range(0, messages).mapToObj(i -> "message-" + i).toList();
    ids.forEach(id -> store.store(message(id, "hello"), ERROR));
    return ids;
  }

  static List<String> ids(List<StoredMessage> messages) {
    return messages.stream().map(stored -> stored.message().messageId()).toList();
  }

  static StoredMessage only(List<StoredMessage> messages) {
    assertThat(messages).hasSize(1);
    return messages.get(0);
  }

  /** Asks until there is something, and not for ever. */
  static <T> List<T> await(Supplier<List<T>> question) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    List<T> answer = question.get();
    while (answer.isEmpty() && System.nanoTime() < end) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      answer = question.get();
    }
    return answer;
  }

  /** Gathers until there are enough, and not for ever. */
  static void until(Queue<StoredMessage> gathered, int enough, Supplier<List<StoredMessage>> more) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (gathered.size() < enough && System.nanoTime() < end) {
      gathered.addAll(more.get());
    }
  }

  static void atOnce(int threads, Runnable work) throws Exception {
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    try {
      List<Callable<Object>> calls = Collections.nCopies(threads, Executors.callable(work));
      for (Future<Object> done : executor.invokeAll(calls)) {
        done.get();
      }
    } finally {
      executor.shutdownNow();
    }
  }
}
