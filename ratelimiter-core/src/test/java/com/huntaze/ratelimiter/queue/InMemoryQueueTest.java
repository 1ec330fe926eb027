package com.huntaze.ratelimiter.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class InMemoryQueueTest {
  private final AtomicLong nanos = new AtomicLong();
  private final InMemoryQueue queue = new InMemoryQueue(1_000, nanos::get);

  private void put(String id, String creator, Priority priority) {
    queue.send(OutboundMessage.builder(id, creator, Instant.EPOCH).priority(priority).build());
  }

  private List<String> takeAndDelete(int count) {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      for (ReceivedMessage received : queue.receive(1, Duration.ZERO)) {
        ids.add(received.message().get().messageId());
        queue.delete(received);
      }
    }
    return ids;
  }

  @Test
  void one_creators_messages_of_one_priority_leave_in_order() {
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      put("m" + i, "alice", Priority.MEDIUM);
      expected.add("m" + i);
    }
    assertThat(takeAndDelete(20)).isEqualTo(expected);
  }

  @Test
  void one_message_of_a_creator_and_priority_is_in_hand_at_a_time() {
    put("m0", "alice", Priority.MEDIUM);
    put("m1", "alice", Priority.MEDIUM);
    put("n0", "bella", Priority.MEDIUM);
    assertThat(queue.receive(10, Duration.ZERO)).hasSize(2);
    assertThat(queue.receive(10, Duration.ZERO)).isEmpty();
  }

  @Test
  void creators_take_turns_so_that_nobody_waits_behind_a_burst() {
    for (int i = 0; i < 50; i++) {
      put("a" + i, "alice", Priority.MEDIUM);
    }
    put("b0", "bella", Priority.MEDIUM);
    put("c0", "chloe", Priority.MEDIUM);
    assertThat(takeAndDelete(3)).containsExactlyInAnyOrder("a0", "b0", "c0");
  }

  @Test
  void high_overtakes_low_and_low_never_starves() {
    for (int i = 0; i < 100; i++) {
      put("low" + i, "alice", Priority.LOW);
      put("medium" + i, "alice", Priority.MEDIUM);
      put("high" + i, "alice", Priority.HIGH);
    }
    List<String> first = takeAndDelete(100);
    assertThat(first.stream().filter(id -> id.startsWith("high"))).hasSize(60);
    assertThat(first.stream().filter(id -> id.startsWith("medium"))).hasSize(30);
    assertThat(first.stream().filter(id -> id.startsWith("low"))).hasSize(10);
  }

  @Test
  void a_message_that_is_given_back_comes_again_before_the_later_ones() {
    put("m0", "alice", Priority.MEDIUM);
    put("m1", "alice", Priority.MEDIUM);
    ReceivedMessage first = queue.receive(1, Duration.ZERO).get(0);
    queue.changeVisibility(first, Duration.ZERO);
    ReceivedMessage again = queue.receive(1, Duration.ZERO).get(0);
    assertThat(again.message().get().messageId()).isEqualTo("m0");
    assertThat(again.receiveCount()).isEqualTo(2);
  }

  @Test
  void a_message_nobody_speaks_of_comes_again_and_the_old_handle_is_void() {
    put("m0", "alice", Priority.MEDIUM);
    ReceivedMessage slow = queue.receive(1, Duration.ZERO).get(0);
    nanos.addAndGet(Duration.ofSeconds(61).toNanos());
    ReceivedMessage again = queue.receive(1, Duration.ZERO).get(0);
    queue.delete(slow);
    assertThat(queue.depth().waiting()).isEqualTo(1);
    queue.delete(again);
    assertThat(queue.depth().waiting()).isZero();
  }

  @Test
  void a_full_queue_is_an_outcome_and_not_a_hang() {
    InMemoryQueue small = new InMemoryQueue(1);
    OutboundMessage message = OutboundMessage.builder("m", "u", Instant.EPOCH).build();
    small.send(message);
    assertThatThrownBy(() -> small.send(message))
        .isInstanceOfSatisfying(
            SinkException.class,
            e -> assertThat(e.kind()).isEqualTo(SinkException.Kind.BACK_PRESSURE));
    assertThat(small.sendAll(Collections.nCopies(3, message)))
        .hasSize(3)
        .allMatch(SinkResult.NotTaken.class::isInstance);
  }

  @Test
  void a_waiting_receive_wakes_for_a_message() throws Exception {
    InMemoryQueue live = new InMemoryQueue(10);
    CompletableFuture<List<ReceivedMessage>> waiting =
        CompletableFuture.supplyAsync(() -> live.receive(1, Duration.ofSeconds(30)));
    live.send(OutboundMessage.builder("m", "u", Instant.EPOCH).build());
    assertThat(waiting.get(10, TimeUnit.SECONDS)).hasSize(1);
  }

  @Test
  void an_interrupted_receive_returns_and_keeps_the_flag() {
    Thread.currentThread().interrupt();
    assertThat(queue.receive(1, Duration.ofSeconds(30))).isEmpty();
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void draining_tells_what_was_handed_out_from_what_only_waited() {
    put("m0", "alice", Priority.MEDIUM);
    put("m1", "alice", Priority.MEDIUM);
    put("m2", "bella", Priority.LOW);
    queue.deadLetter(queue.receive(1, Duration.ZERO).get(0), "test");
    queue.receive(1, Duration.ZERO);
    InMemoryQueue.Drained drained = queue.drain();
    assertThat(drained.handedOut()).hasSize(2);
    assertThat(drained.waiting()).hasSize(1);
    assertThat(
            Stream.concat(drained.handedOut().stream(), drained.waiting().stream())
                .map(OutboundMessage::messageId))
        .containsExactlyInAnyOrder("m0", "m1", "m2");
    assertThat(queue.depth().waiting()).isZero();
    assertThat(queue.depth().deadLettered()).hasValue(0);
  }
}
