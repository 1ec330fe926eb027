package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says whose messages would overtake earlier ones of theirs that wait in the store. A store that
 * cannot be asked holds up nobody: that no message is lost goes before order. Thread-safe.
 */
final class Precedence {
  private static final Logger log = LoggerFactory.getLogger(RateLimitedOnlyFansClient.class);

  /** Why such a message does not go to the queue. */
  static final SinkResult BEHIND =
      new SinkResult.NotTaken(
          new SinkException(
              Kind.NOT_SENT,
              "behind earlier messages of its creator that wait in the store",
              null));

  private final @Nullable FallbackStore store;
  private final AtomicBoolean unasked = new AtomicBoolean();

  /**
   * Sets it up.
   *
   * @param store who is asked; null if there is no store or no order to keep, and nobody is asked
   */
  Precedence(@Nullable FallbackStore store) {
    this.store = store;
  }

  /** Those of the messages' creators who have earlier messages in the store. */
  @SuppressWarnings("ConstantValue") // a store of somebody else's may answer anything
  Set<String> ahead(List<OutboundMessage> messages) {
    FallbackStore asked = store;
    if (asked == null || messages.isEmpty()) {
      return Set.of();
    }
    try {
      Set<String> ahead =
          asked.waiting(
              messages.stream().map(OutboundMessage::creator).collect(Collectors.toSet()));
      if (ahead == null) {
        throw new NullPointerException("no answer");
      }
      if (unasked.compareAndSet(true, false)) {
        log.info("The fallback store answers again, and creators' messages keep their order");
      }
      return ahead;
    } catch (RuntimeException | Error e) {
      if (unasked.compareAndSet(false, true)) {
        log.warn(
            "The fallback store does not say who has messages in it, so that later messages may"
                + " overtake those: {}",
            Fallback.describe(e));
      }
      return Set.of();
    }
  }
}
