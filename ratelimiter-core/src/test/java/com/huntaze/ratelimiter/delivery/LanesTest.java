package com.huntaze.ratelimiter.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class LanesTest {
  private final InMemoryQueue queue = new InMemoryQueue(100);
  private final Heartbeat heartbeat = new Heartbeat(queue, Ticker.system());

  private List<Hand> hands(Priority priority, String creator, int from, int to) {
    List<Hand> hands = new ArrayList<>();
    for (int i = from; i <= to; i++) {
      OutboundMessage message =
          OutboundMessage.builder(creator + i, creator, Instant.EPOCH).priority(priority).build();
      hands.add(
          new Hand(
              ReceivedMessage.of(message.messageId(), message, 1),
              queue,
              heartbeat,
              new FaultLog()));
    }
    return hands;
  }

  private static String id(Lanes.Work work) {
    return work.hand.received().handle();
  }

  private static List<String> picks(Lanes lanes, int count) throws InterruptedException {
    List<String> picks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Lanes.Work work = lanes.next();
      picks.add(id(work));
      lanes.done(work, true);
    }
    return picks;
  }

  @Test
  void creators_take_turns_whatever_a_burst_of_one_has_at_hand() throws Exception {
    for (boolean ordered : new boolean[] {true, false}) {
      Lanes lanes = new Lanes(1, ordered);
      lanes.add(hands(Priority.MEDIUM, "a", 1, 4));
      lanes.add(hands(Priority.MEDIUM, "b", 1, 2));
      lanes.add(hands(Priority.MEDIUM, "c", 1, 1));
      assertThat(picks(lanes, 7)).containsExactly("a1", "b1", "c1", "a2", "b2", "a3", "a4");
    }
  }

  @Test
  void the_creator_with_the_fewest_calls_goes_first() throws Exception {
    Lanes lanes = new Lanes(10, false);
    lanes.add(hands(Priority.MEDIUM, "a", 1, 5));
    lanes.next();
    lanes.next();
    lanes.add(hands(Priority.MEDIUM, "b", 1, 2));
    assertThat(List.of(id(lanes.next()), id(lanes.next()), id(lanes.next())))
        .containsExactly("b1", "b2", "a3");
  }

  @Test
  void high_overtakes_low_and_low_has_its_share() throws Exception {
    Lanes lanes = new Lanes(1, true);
    for (int i = 0; i < 20; i++) {
      lanes.add(hands(Priority.LOW, "low" + i + "-", 1, 1));
      lanes.add(hands(Priority.HIGH, "high" + i + "-", 1, 1));
    }
    List<String> picks = picks(lanes, 12);
    assertThat(picks.get(0)).startsWith("high");
    long low = picks.stream().filter(id -> id.startsWith("low")).count();
    double share =
        (double) Priority.LOW.weight() / (Priority.LOW.weight() + Priority.HIGH.weight());
    assertThat(low).isEqualTo(Math.round(12 * share));
  }

  @Test
  void where_order_is_kept_a_creator_has_one_at_work_and_those_behind_leave_with_it()
      throws Exception {
    Lanes lanes = new Lanes(10, true);
    lanes.add(hands(Priority.MEDIUM, "a", 1, 3));
    lanes.add(hands(Priority.MEDIUM, "b", 1, 2));
    Lanes.Work a1 = lanes.next();
    Lanes.Work b1 = lanes.next();
    assertThat(lanes.unasked()).as("both at work, and none that could start").isEqualTo(2);
    assertThat(lanes.done(a1, false))
        .extracting(hand -> hand.received().handle())
        .containsExactly("a2", "a3");
    assertThat(lanes.done(b1, true)).isEmpty();
    assertThat(id(lanes.next())).isEqualTo("b2");
  }

  @Test
  void what_the_bucket_has_answered_for_is_not_about_to_ask() throws Exception {
    Lanes lanes = new Lanes(4, false);
    lanes.add(hands(Priority.MEDIUM, "a", 1, 5));
    assertThat(lanes.unasked()).as("half of the senders").isEqualTo(2);
    lanes.add(hands(Priority.MEDIUM, "b", 1, 5));
    assertThat(lanes.unasked()).as("as many as there are senders").isEqualTo(4);
    Lanes.Work first = lanes.next();
    first.hand.answered();
    first.hand.answered();
    assertThat(lanes.unasked()).isEqualTo(3);
    lanes.done(first, true);
    assertThat(lanes.unasked()).isEqualTo(4);
  }

  @Test
  void there_is_room_while_a_sender_is_free_or_few_creators_are_at_hand() {
    Lanes lanes = new Lanes(2, false);
    lanes.add(hands(Priority.MEDIUM, "a", 1, 5));
    assertThat(lanes.hasRoom()).as("a burst of one").isTrue();
    lanes.add(hands(Priority.MEDIUM, "b", 1, 1));
    assertThat(lanes.hasRoom()).as("a creator for each sender").isFalse();
  }

  @Test
  void a_creator_that_waits_for_its_own_limit_leaves_half_of_the_senders_to_others()
      throws Exception {
    Lanes lanes = new Lanes(4, false);
    lanes.add(hands(Priority.MEDIUM, "a", 1, 9));
    lanes.next();
    lanes.next();
    lanes.add(hands(Priority.MEDIUM, "b", 1, 1));
    assertThat(id(lanes.next())).isEqualTo("b1");
    assertThat(lanes.unasked()).as("and none of the first").isEqualTo(3);
  }

  @Test
  void closed_lanes_hand_out_nothing() throws Exception {
    Lanes lanes = new Lanes(2, true);
    lanes.add(hands(Priority.MEDIUM, "a", 1, 1));
    lanes.close();
    assertThat(lanes.next()).isNull();
  }
}
