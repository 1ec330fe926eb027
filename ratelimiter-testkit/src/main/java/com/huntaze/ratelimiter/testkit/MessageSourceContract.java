package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.MessageSource.VisibilityChange;
import com.huntaze.ratelimiter.queue.NotInHandException;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/**
 * What every {@link MessageSource} promises. A module that implements one extends this class in its
 * tests, says how a source is made, puts messages behind it and reads its dead letters.
 *
 * <p>JUnit makes an instance for each test: each needs a source of its own with nothing in it,
 * whose visibility is ten seconds at least. Visibility is measured in real time, a second or two a
 * test.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
public abstract class MessageSourceContract {
  private static final Instant NOW = Instant.parse("2026-03-01T12:30:00.123456Z");
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final Duration SHORT = Duration.ofSeconds(1);
  private static final Duration LONG = Duration.ofSeconds(60);

  /** Longer than {@link #SHORT}, so that what comes back after it has come back. */
  private static final Duration LOOK = Duration.ofSeconds(2);

  /** For subclasses. */
  protected MessageSourceContract() {}

  /**
   * The source under test.
   *
   * @return the same one throughout a test
   */
  protected abstract MessageSource source();

  /**
   * Puts a message where the source takes it from.
   *
   * @param message the message
   */
  protected abstract void put(OutboundMessage message);

  /**
   * Reads what the source put aside; called once, when nothing else is left.
   *
   * @return the messages, in any order
   */
  protected abstract List<OutboundMessage> deadLetters();

  /**
   * Tells whether one creator's messages of one priority are handed out in the order they were put.
   *
   * @return true, unless a source promises no order
   */
  protected boolean keepsOrder() {
    return true;
  }

  private static OutboundMessage.Builder message(String id) {
    return OutboundMessage.builder(id, "user-1", NOW)
        .creatorId("creator-of-" + id)
        .recipientId("fan-1")
        .content("Hello 🌍, " + id);
  }

  private ReceivedMessage receiveOne() {
    List<ReceivedMessage> received = source().receive(1, PATIENCE);
    assertThat(received).hasSize(1);
    return received.get(0);
  }

  private ReceivedMessage putAndReceive(String id) {
    put(message(id).build());
    return receiveOne();
  }

  private List<ReceivedMessage> putAndReceive(int count) {
    IntStream.range(0, count).forEach(i -> put(message("m" + i).build()));
    List<ReceivedMessage> received = new ArrayList<>();
    while (received.size() < count) {
      List<ReceivedMessage> some = source().receive(10, PATIENCE);
      assertThat(some).as("after %s", received).isNotEmpty();
      received.addAll(some);
    }
    return received;
  }

  private static List<VisibilityChange> all(List<ReceivedMessage> received, Duration visibility) {
    return received.stream().map(each -> new VisibilityChange(each, visibility)).toList();
  }

  private static String id(ReceivedMessage received) {
    return received.message().orElseThrow().messageId();
  }

  private void assertNothingComes(Duration within) {
    assertThat(source().receive(10, within)).isEmpty();
  }

  @Test
  void a_message_is_handed_out_with_every_field_unchanged() {
    OutboundMessage message =
        message("m1")
            .mediaUrls(List.of("https://cdn.example/a.jpg"))
            .priority(Priority.LOW)
            .workflowId("flow-1")
            .traceId("trace-1")
            .metadata(Map.of("campaign", "spring"))
            .build();
    put(message);
    ReceivedMessage received = receiveOne();
    assertThat(received.message()).contains(message);
    assertThat(received.fault()).isEmpty();
    assertThat(received.receiveCount()).isEqualTo(1);
  }

  @Test
  void a_message_in_hand_is_hidden() {
    putAndReceive("m1");
    assertNothingComes(Duration.ZERO);
    assertNothingComes(SHORT);
  }

  @Test
  void a_message_comes_back_when_its_visibility_has_passed_and_not_before() {
    ReceivedMessage first = putAndReceive("m1");
    long start = System.nanoTime();
    source().changeVisibility(first, LOOK);
    ReceivedMessage again = receiveOne();
    // SQS counts whole seconds of a clock of its own.
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(LOOK.minus(SHORT));
    assertThat(id(again)).isEqualTo("m1");
    assertThat(again.handle()).isNotEqualTo(first.handle());
  }

  @Test
  void a_message_given_back_is_handed_out_at_once() {
    ReceivedMessage first = putAndReceive("m1");
    source().changeVisibility(first, Duration.ZERO);
    assertThat(id(receiveOne())).isEqualTo("m1");
  }

  @Test
  void a_message_stays_hidden_when_its_visibility_is_extended() {
    ReceivedMessage received = putAndReceive("m1");
    source().changeVisibility(received, SHORT);
    source().changeVisibility(received, LONG);
    assertNothingComes(LOOK);
  }

  @Test
  void a_deleted_message_is_gone() {
    ReceivedMessage received = putAndReceive("m1");
    source().changeVisibility(received, SHORT);
    source().delete(received);
    assertNothingComes(LOOK);
    assertThat(deadLetters()).isEmpty();
  }

  @Test
  void a_dead_lettered_message_is_gone_and_kept_aside_unchanged() {
    OutboundMessage message = message("m1").metadata(Map.of("campaign", "spring")).build();
    put(message);
    ReceivedMessage received = receiveOne();
    source().changeVisibility(received, SHORT);
    source().deadLetter(received, "in_doubt");
    assertNothingComes(LOOK);
    assertThat(deadLetters()).containsExactly(message);
  }

  @Test
  void ending_one_message_leaves_the_others_in_hand() {
    put(message("m1").build());
    put(message("m2").build());
    ReceivedMessage first = receiveOne();
    ReceivedMessage second = receiveOne();
    source().delete(first);
    assertThatNoException().isThrownBy(() -> source().changeVisibility(second, Duration.ZERO));
    assertThat(id(receiveOne())).isEqualTo(id(second));
  }

  @Test
  void many_messages_are_deleted_at_once() {
    List<ReceivedMessage> received = putAndReceive(13);
    assertThat(source().changeVisibilityAll(all(received, SHORT))).isEmpty();
    assertThat(source().deleteAll(received)).isEmpty();
    assertNothingComes(LOOK);
    assertThat(deadLetters()).isEmpty();
  }

  @Test
  void of_many_messages_each_gets_its_own_visibility() {
    List<ReceivedMessage> received = putAndReceive(12);
    List<VisibilityChange> changes = new ArrayList<>(all(received, LONG));
    changes.set(1, new VisibilityChange(received.get(1), Duration.ZERO));
    changes.set(11, new VisibilityChange(received.get(11), Duration.ZERO));
    assertThat(source().changeVisibilityAll(changes)).isEmpty();
    assertThat(List.of(id(receiveOne()), id(receiveOne())))
        .containsExactlyInAnyOrder(id(received.get(1)), id(received.get(11)));
    assertNothingComes(SHORT);
  }

  @Test
  void a_message_that_is_no_longer_in_hand_is_told_apart_and_hides_no_neighbour() {
    List<ReceivedMessage> received = putAndReceive(3);
    ReceivedMessage gone = received.get(1);
    source().delete(gone);
    assertThat(source().changeVisibilityAll(all(received, Duration.ZERO)))
        .singleElement()
        .satisfies(
            notDone -> {
              assertThat(notDone.received()).isSameAs(gone);
              assertThat(notDone.isLost()).isTrue();
            });
    assertThat(List.of(id(receiveOne()), id(receiveOne())))
        .containsExactlyInAnyOrder(id(received.get(0)), id(received.get(2)));
    assertThatThrownBy(() -> source().changeVisibility(gone, LONG))
        .isInstanceOf(NotInHandException.class);
  }

  @Test
  void nothing_said_of_no_message_is_nothing_done() {
    ReceivedMessage received = putAndReceive("m1");
    assertThat(source().deleteAll(List.of())).isEmpty();
    assertThat(source().changeVisibilityAll(List.of())).isEmpty();
    source().changeVisibility(received, Duration.ZERO);
    assertThat(id(receiveOne())).isEqualTo("m1");
  }

  @Test
  void a_source_says_how_long_it_hides_a_message() {
    assertThat(source().visibility())
        .isBetween(Duration.ofSeconds(10), MessageSource.MAX_VISIBILITY)
        .isEqualTo(source().visibility());
  }

  @Test
  void the_receive_count_counts() {
    ReceivedMessage received = putAndReceive("m1");
    for (int count = 1; count <= 3; count++) {
      assertThat(received.receiveCount()).isEqualTo(count);
      source().changeVisibility(received, Duration.ZERO);
      received = receiveOne();
    }
  }

  @Test
  void no_more_is_handed_out_than_was_asked_for() {
    IntStream.range(0, 15).forEach(i -> put(message("m" + i).build()));
    List<ReceivedMessage> some = source().receive(3, PATIENCE);
    assertThat(some).hasSizeBetween(1, 3);
    List<ReceivedMessage> more = source().receive(10, PATIENCE);
    assertThat(more).hasSizeBetween(1, 10);
  }

  @Test
  void a_batch_is_1_to_10_messages() {
    assertThatThrownBy(() -> source().receive(0, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0");
    assertThatThrownBy(() -> source().receive(11, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("11");
  }

  @Test
  void one_creators_messages_are_handed_out_in_order_if_the_source_promises_it() {
    List<String> ids = IntStream.range(0, 13).mapToObj(i -> "m" + i).toList();
    ids.forEach(id -> put(message(id).creatorId("creator-1").build()));
    List<String> received = new ArrayList<>();
    while (received.size() < ids.size()) {
      List<ReceivedMessage> some = source().receive(10, PATIENCE);
      assertThat(some).as("after %s", received).isNotEmpty();
      for (ReceivedMessage each : some) {
        received.add(id(each));
        source().delete(each);
      }
    }
    if (keepsOrder()) {
      assertThat(received).isEqualTo(ids);
    } else {
      assertThat(received).containsExactlyInAnyOrderElementsOf(ids);
    }
  }

  @Test
  void two_takers_never_hold_one_message() throws Exception {
    int count = 40;
    IntStream.range(0, count).forEach(i -> put(message("m" + i).build()));
    ExecutorService takers = Executors.newFixedThreadPool(8);
    try {
      List<Future<List<String>>> hands = new ArrayList<>();
      for (int t = 0; t < 8; t++) {
        hands.add(takers.submit(this::takeUntilNothingComes));
      }
      List<String> held = new ArrayList<>();
      for (Future<List<String>> hand : hands) {
        held.addAll(hand.get());
      }
      assertThat(held)
          .containsExactlyInAnyOrderElementsOf(
              IntStream.range(0, count).mapToObj(i -> "m" + i).toList());
    } finally {
      takers.shutdownNow();
    }
  }

  private List<String> takeUntilNothingComes() {
    List<String> held = new ArrayList<>();
    List<ReceivedMessage> some;
    do {
      some = source().receive(3, SHORT);
      some.forEach(each -> held.add(id(each)));
    } while (!some.isEmpty());
    return held;
  }

  @Test
  void a_waiting_taker_gets_what_comes_meanwhile() throws Exception {
    ExecutorService taker = Executors.newSingleThreadExecutor();
    try {
      CompletableFuture<Void> waiting = new CompletableFuture<>();
      Future<List<ReceivedMessage>> received =
          taker.submit(
              () -> {
                waiting.complete(null);
                return source().receive(1, PATIENCE);
              });
      waiting.get();
      put(message("m1").build());
      assertThat(received.get()).extracting(MessageSourceContract::id).containsExactly("m1");
    } finally {
      taker.shutdownNow();
    }
  }

  @Test
  void an_interrupted_taker_gets_nothing_and_stays_interrupted() {
    Thread.currentThread().interrupt();
    List<ReceivedMessage> received = source().receive(1, LOOK);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(received).isEmpty();
  }
}
