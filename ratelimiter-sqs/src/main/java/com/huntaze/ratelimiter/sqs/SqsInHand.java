package com.huntaze.ratelimiter.sqs;

import com.huntaze.ratelimiter.limit.Ticker;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/** What a source handed out and has not heard the end of, by receipt handle. Thread-safe. */
final class SqsInHand {
  /**
   * What a dead-letter queue needs of a message, until when it is in hand, and whether something
   * else received it, which deletes it too.
   */
  record Held(String body, String id, String group, long until, boolean isAdopted) {
    Held until(long later) {
      return new Held(body, id, group, later, isAdopted);
    }

    @Override
    public String toString() {
      return "Held[" + id + "]";
    }
  }

  private final Ticker ticker;
  private final Map<String, Held> held = new ConcurrentHashMap<>();

  SqsInHand(Ticker ticker) {
    this.ticker = ticker;
  }

  /** Begins with a message that was received just now. */
  void hold(Message message, Duration visibility, boolean isAdopted) {
    String group =
        message.attributes().getOrDefault(MessageSystemAttributeName.MESSAGE_GROUP_ID, "default");
    held.put(
        message.receiptHandle(),
        new Held(
            message.body(),
            message.messageId(),
            group,
            ticker.nanos() + visibility.toNanos(),
            isAdopted));
  }

  /** Sets when it lapses; zero ends it. */
  void changed(String handle, long from, Duration visibility) {
    held.computeIfPresent(
        handle,
        (same, each) -> visibility.isZero() ? null : each.until(from + visibility.toNanos()));
  }

  void ended(String handle) {
    held.remove(handle);
  }

  /** Lapsed messages are somebody else's by now. */
  void forgetLapsed() {
    held.values().removeIf(this::hasLapsed);
  }

  Optional<Held> get(String handle) {
    return Optional.ofNullable(held.get(handle)).filter(each -> !hasLapsed(each));
  }

  /** How many bodies are kept. */
  int size() {
    return held.size();
  }

  private boolean hasLapsed(Held each) {
    return each.until() - ticker.nanos() <= 0;
  }
}
