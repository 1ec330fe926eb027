package com.huntaze.ratelimiter.fallback;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/**
 * The claimed messages that were not sent yet, in the order in which they were stored. Confined to
 * who holds the replayer's turn.
 */
final class Hand {
  private final List<StoredMessage> messages = new ArrayList<>();
  private long lapsesAt;

  /**
   * Takes up a claim.
   *
   * @param claimed the messages
   * @param lapsesAt until when they may be sent, by the replayer's ticker
   */
  void take(List<StoredMessage> claimed, long lapsesAt) {
    messages.addAll(claimed);
    this.lapsesAt = lapsesAt;
  }

  boolean isEmpty() {
    return messages.isEmpty();
  }

  boolean hasLapsed(long now) {
    return now - lapsesAt >= 0;
  }

  /**
   * Takes out what goes into the next call: in order, and the first of its creator.
   *
   * @param max the most messages
   * @param oneOfEach whether a call has at most one message of a creator
   * @param alone which messages go into a call of their own
   */
  List<StoredMessage> next(int max, boolean oneOfEach, Predicate<OutboundMessage> alone) {
    List<StoredMessage> next = new ArrayList<>();
    Set<String> creators = new HashSet<>();
    Iterator<StoredMessage> each = messages.iterator();
    while (each.hasNext() && next.size() < max) {
      StoredMessage stored = each.next();
      boolean first = creators.add(stored.message().creator());
      if (oneOfEach && !first) {
        continue;
      }
      boolean isolated = alone.test(stored.message());
      if (isolated && !next.isEmpty()) {
        break;
      }
      next.add(stored);
      each.remove();
      if (isolated) {
        break;
      }
    }
    return next;
  }

  /**
   * Takes out one message by chance: the first of its creator.
   *
   * @param last which messages are taken only if there are no others
   */
  List<StoredMessage> any(RandomGenerator random, Predicate<OutboundMessage> last) {
    Set<String> creators = new HashSet<>();
    List<StoredMessage> firsts =
        messages.stream().filter(each -> creators.add(each.message().creator())).toList();
    List<StoredMessage> better =
        firsts.stream().filter(each -> !last.test(each.message())).toList();
    List<StoredMessage> from = better.isEmpty() ? firsts : better;
    StoredMessage one = from.get(random.nextInt(from.size()));
    messages.remove(one);
    return List.of(one);
  }

  /** Takes out all messages of these creators. */
  List<StoredMessage> of(Set<String> creators) {
    List<StoredMessage> theirs =
        messages.stream().filter(each -> creators.contains(each.message().creator())).toList();
    messages.removeIf(each -> creators.contains(each.message().creator()));
    return theirs;
  }

  /** Takes out all that is left. */
  List<StoredMessage> rest() {
    List<StoredMessage> rest = List.copyOf(messages);
    messages.clear();
    return rest;
  }
}
