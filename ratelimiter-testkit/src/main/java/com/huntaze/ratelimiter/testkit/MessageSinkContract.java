package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/**
 * What every {@link MessageSink} promises. A module that implements one extends this class in its
 * tests, says how a sink is made and reads back what arrived.
 *
 * <p>JUnit makes an instance for each test: each needs a sink of its own with nothing in it, with
 * room for 500 messages.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
public abstract class MessageSinkContract {
  private static final Instant NOW = Instant.parse("2026-03-01T12:30:00.123456Z");
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  /** For subclasses. */
  protected MessageSinkContract() {}

  /**
   * The sink under test.
   *
   * @return the same one throughout a test
   */
  protected abstract MessageSink sink();

  /**
   * Reads what has arrived behind the sink, and takes it out; {@link #drain} does for a queue.
   *
   * @param expected how many messages to wait for
   * @return every message that arrived, more than expected if there are more
   */
  protected abstract List<OutboundMessage> received(int expected);

  /**
   * A message that the sink refuses for its own sake, such as one that is too large.
   *
   * @return the message; empty, as by default, if it refuses none
   */
  protected Optional<OutboundMessage> refused() {
    return Optional.empty();
  }

  /**
   * Tells whether one creator's messages of one priority arrive in the order they were put.
   *
   * @return true, unless a sink promises no order
   */
  protected boolean keepsOrder() {
    return true;
  }

  /**
   * Receives and deletes all that a source has to give.
   *
   * @param source what reads the sink's far side
   * @param expected how many messages to wait for, two seconds after the last one at most
   * @return what was received, in order
   */
  protected static List<OutboundMessage> drain(MessageSource source, int expected) {
    List<OutboundMessage> all = new ArrayList<>();
    List<ReceivedMessage> some;
    do {
      some = source.receive(10, all.size() < expected ? PATIENCE : Duration.ZERO);
      for (ReceivedMessage received : some) {
        all.add(
            received.message().orElseThrow(() -> new AssertionError("unreadable: " + received)));
        source.delete(received);
      }
    } while (!some.isEmpty());
    return all;
  }

  private static OutboundMessage.Builder message(String id) {
    return OutboundMessage.builder(id, "user-1", NOW)
        .creatorId("creator-1")
        .recipientId("fan-1")
        .content("Hello, " + id);
  }

  /** Messages of seven creators, so that many may be in hand side by side. */
  private static List<OutboundMessage> messages(String prefix, int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> message(prefix + i).creatorId("creator-" + i % 7).build())
        .toList();
  }

  private static List<String> ids(List<OutboundMessage> messages) {
    return messages.stream().map(OutboundMessage::messageId).toList();
  }

  private void sendAllTaken(List<OutboundMessage> messages) {
    assertThat(sink().sendAll(messages))
        .hasSize(messages.size())
        .allSatisfy(result -> assertThat(result).isInstanceOf(SinkResult.Taken.class));
  }

  @Test
  void a_message_arrives_with_every_field_unchanged() {
    OutboundMessage full =
        message("m-full")
            .content("Größe 👩‍👩‍👧 𝄞\n\t\"quoted\" \\ </script> \u2028 \u007f")
            .mediaUrls(List.of("https://cdn.example/a.jpg?x=1&y=%20", "https://cdn.example/b.mp4"))
            .priority(Priority.HIGH)
            .workflowId("flow-7")
            .traceId("4bf92f3577b34da6a3ce929d0e0e4736")
            .metadata(
                Map.of("campaign", "spring 🌸", "step", 3, "tags", List.of("a", Map.of("b", true))))
            .unknownFields(Map.of("later", Map.of("version", 2)))
            .build();
    sink().send(full);
    assertThat(received(1)).containsExactly(full);
  }

  @Test
  void every_priority_arrives_as_it_was() {
    for (Priority priority : Priority.values()) {
      OutboundMessage message = message("m-" + priority).priority(priority).build();
      sink().send(message);
      assertThat(received(1)).containsExactly(message);
    }
  }

  @Test
  void an_action_without_recipient_and_content_arrives_unchanged() {
    OutboundMessage action =
        OutboundMessage.builder("m-action", "user-1", NOW)
            .creatorId("creator-1")
            .action("scrape_profile")
            .profileUrl("https://example.com/p")
            .build();
    sink().send(action);
    assertThat(received(1)).containsExactly(action);
  }

  @Test
  void all_of_a_batch_arrive_once_and_unchanged() {
    List<OutboundMessage> messages = messages("m", 25);
    sendAllTaken(messages);
    assertThat(received(25)).containsExactlyInAnyOrderElementsOf(messages);
  }

  @Test
  void all_that_a_limiter_let_through_arrive_once_and_unchanged() {
    List<OutboundMessage> messages = messages("m", 25);
    assertThat(
            sink()
                .forwardAll(
                    messages.stream()
                        .map(message -> new MessageSink.Granted(message, NOW, 3))
                        .toList()))
        .hasSize(25)
        .allSatisfy(result -> assertThat(result).isInstanceOf(SinkResult.Taken.class));
    assertThat(received(25)).containsExactlyInAnyOrderElementsOf(messages);
  }

  @Test
  void the_last_of_a_batch_arrives_whatever_its_size() {
    for (int size : new int[] {1, 2, 9, 10, 11, 20, 21}) {
      List<OutboundMessage> messages = messages("m" + size + "-", size);
      sendAllTaken(messages);
      assertThat(received(size))
          .as("of %d messages", size)
          .containsExactlyInAnyOrderElementsOf(messages);
    }
  }

  @Test
  void no_messages_are_no_results() {
    assertThat(sink().sendAll(List.of())).isEmpty();
    assertThat(received(0)).isEmpty();
  }

  @Test
  void a_refused_message_says_nothing_about_its_neighbours() {
    List<OutboundMessage> messages = new ArrayList<>(messages("m", 24));
    refused().ifPresent(bad -> messages.add(13, bad));
    List<SinkResult> results = sink().sendAll(messages);
    assertThat(results).hasSameSizeAs(messages);
    List<String> taken = new ArrayList<>();
    for (int i = 0; i < results.size(); i++) {
      if (results.get(i) instanceof SinkResult.NotTaken notTaken) {
        assertThat(notTaken.reason().kind()).as("message %d", i).isEqualTo(Kind.MESSAGE_REFUSED);
      } else {
        taken.add(messages.get(i).messageId());
      }
    }
    assertThat(taken).isEqualTo(ids(messages("m", 24)));
    assertThat(ids(received(24))).containsExactlyInAnyOrderElementsOf(taken);
  }

  @Test
  void a_refused_message_is_refused_alone_too_and_does_not_arrive() {
    OutboundMessage good = message("m-good").build();
    refused()
        .ifPresent(
            bad ->
                assertThatThrownBy(() -> sink().send(bad))
                    .isInstanceOfSatisfying(
                        SinkException.class,
                        e -> assertThat(e.kind()).isEqualTo(Kind.MESSAGE_REFUSED)));
    sink().send(good);
    assertThat(received(1)).containsExactly(good);
  }

  @Test
  void one_creators_messages_arrive_in_order_if_the_sink_promises_it() {
    List<OutboundMessage> messages =
        IntStream.range(0, 23).mapToObj(i -> message("m" + i).build()).toList();
    sendAllTaken(messages.subList(0, 12));
    messages.subList(12, 15).forEach(sink()::send);
    sendAllTaken(messages.subList(15, 23));
    List<String> arrived = ids(received(23));
    if (keepsOrder()) {
      assertThat(arrived).isEqualTo(ids(messages));
    } else {
      assertThat(arrived).containsExactlyInAnyOrderElementsOf(ids(messages));
    }
  }

  @Test
  void eight_threads_lose_and_double_none() throws Exception {
    MessageSink sink = sink();
    List<OutboundMessage> all = new ArrayList<>();
    List<Callable<Boolean>> tasks = new ArrayList<>();
    CountDownLatch start = new CountDownLatch(1);
    for (int t = 0; t < 8; t++) {
      List<OutboundMessage> batch = messages("batch" + t + "-", 25);
      List<OutboundMessage> singles = messages("single" + t + "-", 10);
      all.addAll(batch);
      all.addAll(singles);
      tasks.add(
          () -> {
            start.await();
            singles.forEach(sink::send);
            return sink.sendAll(batch).stream().allMatch(SinkResult.Taken.class::isInstance);
          });
    }
    ExecutorService threads = Executors.newFixedThreadPool(tasks.size());
    try {
      List<Future<Boolean>> outcomes = new ArrayList<>();
      tasks.forEach(task -> outcomes.add(threads.submit(task)));
      start.countDown();
      for (Future<Boolean> outcome : outcomes) {
        assertThat(outcome.get()).isTrue();
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(received(all.size())).containsExactlyInAnyOrderElementsOf(all);
  }
}
