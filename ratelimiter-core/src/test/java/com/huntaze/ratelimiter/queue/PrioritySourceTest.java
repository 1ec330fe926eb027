package com.huntaze.ratelimiter.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.queue.MessageSource.VisibilityChange;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class PrioritySourceTest {
  private final Map<Priority, InMemoryQueue> queues = new EnumMap<>(Priority.class);
  private final MessageSource source;

  PrioritySourceTest() {
    for (Priority priority : Priority.values()) {
      queues.put(priority, new InMemoryQueue(1_000));
    }
    source = MessageSource.byPriority(Map.copyOf(queues));
  }

  /** What a message says of its own priority does not matter: its queue does. */
  private void put(Priority priority, int count) {
    for (int i = 0; i < count; i++) {
      queues
          .get(priority)
          .send(
              OutboundMessage.builder(priority + "-" + i, "creator-" + priority + i, Instant.EPOCH)
                  .build());
    }
  }

  private Map<Priority, Integer> take(int count) {
    Map<Priority, Integer> taken = new EnumMap<>(Priority.class);
    for (int left = count; left > 0; ) {
      List<ReceivedMessage> received = source.receive(Math.min(left, 3), Duration.ZERO);
      assertThat(received).isNotEmpty();
      received.forEach(each -> taken.merge(priority(each), 1, Integer::sum));
      left -= received.size();
    }
    return taken;
  }

  private static Priority priority(ReceivedMessage received) {
    String id = received.message().orElseThrow().messageId();
    return Priority.valueOf(id.substring(0, id.indexOf('-')));
  }

  @Test
  void each_priority_has_its_share_by_weight_while_all_have_messages() {
    for (Priority priority : Priority.values()) {
      put(priority, 200);
    }
    int round = 0;
    for (Priority priority : Priority.values()) {
      round += priority.weight();
    }
    Map<Priority, Integer> taken = take(10 * round);
    for (Priority priority : Priority.values()) {
      assertThat(taken).containsEntry(priority, 10 * priority.weight());
    }
  }

  @Test
  void what_one_queue_does_not_have_the_others_give_in_the_same_receive() {
    put(Priority.LOW, 7);
    assertThat(source.receive(10, Duration.ZERO)).hasSize(7);
    put(Priority.HIGH, 1);
    put(Priority.LOW, 20);
    List<ReceivedMessage> received = source.receive(10, Duration.ZERO);
    assertThat(received).hasSize(10);
    assertThat(received).extracting(PrioritySourceTest::priority).contains(Priority.HIGH);
  }

  @Test
  void a_queue_that_was_empty_for_long_has_gathered_no_claim() {
    put(Priority.LOW, 300);
    take(200);
    put(Priority.HIGH, 100);
    Map<Priority, Integer> taken = take(20);
    int weights = Priority.LOW.weight() + Priority.HIGH.weight();
    assertThat(taken.get(Priority.LOW)).isGreaterThanOrEqualTo(20 / weights - 1);
  }

  @Test
  void what_is_said_of_a_message_goes_to_the_queue_it_came_from() {
    for (Priority priority : Priority.values()) {
      put(priority, 2);
    }
    List<ReceivedMessage> received = source.receive(10, Duration.ZERO);
    assertThat(received).hasSize(6);
    List<VisibilityChange> back = new ArrayList<>();
    received.forEach(each -> back.add(new VisibilityChange(each, Duration.ZERO)));
    assertThat(source.changeVisibilityAll(back)).isEmpty();
    List<ReceivedMessage> again = source.receive(10, Duration.ZERO);
    assertThat(again).hasSize(6);
    source.delete(again.get(0));
    source.deadLetter(again.get(1), "reason");
    source.changeVisibility(again.get(2), Duration.ofMinutes(1));
    assertThat(source.deleteAll(again.subList(3, 6))).isEmpty();
    long waiting = queues.values().stream().mapToLong(queue -> queue.depth().waiting()).sum();
    assertThat(waiting).isEqualTo(1);
    ReceivedMessage foreign =
        ReceivedMessage.of("x", OutboundMessage.builder("x", "x", Instant.EPOCH).build(), 1);
    assertThat(source.deleteAll(List.of(foreign)))
        .hasSize(1)
        .first()
        .matches(each -> each.isLost());
    assertThatThrownBy(() -> source.delete(foreign)).isInstanceOf(NotInHandException.class);
  }

  @Test
  void a_queue_that_fails_keeps_nobody_from_the_others() {
    MessageSource broken =
        new MessageSource() {
          @Override
          public Duration visibility() {
            return Duration.ofSeconds(30);
          }

          @Override
          public List<ReceivedMessage> receive(int max, Duration wait) {
            throw new SourceException("down", null);
          }

          @Override
          public void delete(ReceivedMessage received) {}

          @Override
          public void changeVisibility(ReceivedMessage received, Duration visibility) {}

          @Override
          public void deadLetter(ReceivedMessage received, String reason) {}
        };
    MessageSource both =
        MessageSource.byPriority(
            Map.of(Priority.HIGH, broken, Priority.LOW, queues.get(Priority.LOW)));
    put(Priority.LOW, 3);
    assertThat(both.visibility()).isEqualTo(Duration.ofSeconds(30));
    assertThat(both.receive(10, Duration.ZERO)).hasSize(3);
    assertThatThrownBy(() -> both.receive(10, Duration.ZERO)).isInstanceOf(SourceException.class);
    assertThat(both.keepsOrder()).isFalse();
    assertThat(source.keepsOrder()).isTrue();
  }

  @Test
  void there_must_be_a_queue() {
    assertThatThrownBy(() -> MessageSource.byPriority(Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("sources");
  }
}
