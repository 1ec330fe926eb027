package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.delivery.RateLimitGate.Outcome;
import com.huntaze.ratelimiter.queue.MessageSource.VisibilityChange;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A batch on its way through the gate: what became of each record, and when those that go back come
 * back. A record nothing was said of goes back. Confined to one thread.
 */
final class GateBatch {
  /** One message: its permit's id, and its records, of which a standard queue may give two. */
  record Item(OutboundMessage message, String permitId, List<Integer> records) {
    int first() {
      return records.get(0);
    }
  }

  private final List<ReceivedMessage> received;
  private final Outcome[] outcomes;
  private final @Nullable Duration[] visibility;
  private final Map<String, Item> items = new LinkedHashMap<>();

  /** Groups of which a record goes back: the first such record's index. */
  private final Map<String, Integer> held = new HashMap<>();

  GateBatch(List<ReceivedMessage> received) {
    this.received = received;
    this.outcomes = new Outcome[received.size()];
    this.visibility = new Duration[received.size()];
    for (int i = 0; i < received.size(); i++) {
      outcomes[i] = Outcome.RETRY;
      int index = i;
      received
          .get(i)
          .message()
          .ifPresent(
              message -> {
                String permitId = GateIds.permit(message);
                items
                    .computeIfAbsent(
                        permitId, id -> new Item(message, permitId, new ArrayList<>(1)))
                    .records()
                    .add(index);
              });
    }
  }

  ReceivedMessage received(int record) {
    return received.get(record);
  }

  /** The messages that could be read, each once, in order. */
  Collection<Item> items() {
    return items.values();
  }

  /** The records that could not be read, in order. */
  List<Integer> unreadable() {
    List<Integer> unreadable = new ArrayList<>();
    for (int i = 0; i < received.size(); i++) {
      if (received.get(i).message().isEmpty()) {
        unreadable.add(i);
      }
    }
    return unreadable;
  }

  /** Why a record could not be read. */
  String reason(int record) {
    return received.get(record).fault().map(fault -> fault.reason().name()).orElse("UNREADABLE");
  }

  /** Whether nothing was said of a record yet. */
  boolean isOpen(int record) {
    return outcomes[record] == Outcome.RETRY && visibility[record] == null;
  }

  /** It has ended: it is in another queue. */
  void end(int record, Outcome outcome) {
    outcomes[record] = outcome;
  }

  /** It goes back, and so do those of its group behind it. */
  void goBack(int record, Outcome outcome, Duration comesBackIn) {
    outcomes[record] = outcome;
    visibility[record] = comesBackIn;
    received.get(record).group().ifPresent(group -> held.merge(group, record, Math::min));
  }

  void goBack(Item item, Outcome outcome, Duration comesBackIn) {
    item.records().forEach(record -> goBack(record, outcome, comesBackIn));
  }

  /** Whether a record of its group ahead of it goes back. */
  boolean isHeld(int record) {
    return received.get(record).group().map(held::get).filter(ahead -> ahead < record).isPresent();
  }

  /**
   * When each record that goes back comes back, where that was said: those of a group with the
   * first of them. In hand for longer, one would keep its whole group from being handed out.
   *
   * @param sinceAnswer how long ago the bucket answered, from when the waits for a booking count
   */
  List<VisibilityChange> visibilityChanges(Duration sinceAnswer) {
    List<VisibilityChange> changes = new ArrayList<>();
    for (int i = 0; i < visibility.length; i++) {
      int like = isHeld(i) ? received.get(i).group().map(held::get).orElse(i) : i;
      Duration comesBackIn = visibility[i] == null ? null : visibility[like];
      if (comesBackIn != null) {
        Duration left =
            outcomes[like] == Outcome.BOOKED ? comesBackIn.minus(sinceAnswer) : comesBackIn;
        changes.add(
            new VisibilityChange(received.get(i), left.isNegative() ? Duration.ZERO : left));
      }
    }
    return changes;
  }

  List<Outcome> outcomes() {
    return List.of(outcomes);
  }
}
