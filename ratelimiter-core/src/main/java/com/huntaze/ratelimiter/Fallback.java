package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where messages go that the queue did not take: neither lost nor silent. Thread-safe; an interrupt
 * does not keep a message out of the store, and stays set.
 */
final class Fallback {
  private static final Logger log = LoggerFactory.getLogger(RateLimitedOnlyFansClient.class);

  private final @Nullable FallbackStore store;
  private final MetricsSink metrics;
  private final Supplier<Duration> roomIn;

  /**
   * Sets it up.
   *
   * @param roomIn how long until the queue may have room
   */
  Fallback(@Nullable FallbackStore store, MetricsSink metrics, Supplier<Duration> roomIn) {
    this.store = store;
    this.metrics = metrics;
    this.roomIn = roomIn;
  }

  /** Stores a message, or says loudly why it is the caller's still. */
  SendResult store(OutboundMessage message, SinkException reason) {
    String id = message.messageId();
    String why = reason.kind() + ": " + reason.getMessage();
    FallbackStore to = store;
    if (to == null) {
      return switch (reason.kind()) {
        case NO_CREDENTIALS -> new SendResult.Disabled(id);
        case BACK_PRESSURE -> {
          metrics.rateLimited(message.priority());
          yield new SendResult.RateLimited(id, roomIn.get());
        }
        default -> failed(message, why + inDoubt(reason) + "; there is no fallback store");
      };
    }
    boolean interrupted = Thread.interrupted();
    try {
      to.store(message, why);
      metrics.messageStored(message.priority());
      return new SendResult.Stored(id, message.timestamp(), why);
    } catch (RuntimeException e) {
      return failed(
          message, why + inDoubt(reason) + "; the fallback store failed too: " + e.getMessage());
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Stores a message that had no outcome when the client closed. */
  SendResult storeAtClose(OutboundMessage message) {
    return store(message, new SinkException(Kind.NOT_SENT, "the client closed", null));
  }

  private static String inDoubt(SinkException reason) {
    return reason.kind() == Kind.AMBIGUOUS ? ", and the queue may have it all the same" : "";
  }

  private SendResult failed(OutboundMessage message, String why) {
    metrics.messageFailed(message.priority());
    return new SendResult.Failed(message.messageId(), why);
  }

  /** Keeps a message for an operator; it is never replayed by itself, since the fan may have it. */
  boolean hold(OutboundMessage message) {
    log.error("Message {} is in doubt: its call was begun and has no outcome", message.messageId());
    try {
      if (store != null) {
        store.hold(message, "in doubt: its call was begun and has no outcome");
        return true;
      }
    } catch (RuntimeException e) {
      log.error("Message {} could not be held: {}", message.messageId(), e.toString());
    }
    return false;
  }
}
