package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import java.time.Duration;
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
  private final @Nullable TokenBucket bucket;
  private final MetricsSink metrics;

  Fallback(@Nullable FallbackStore store, @Nullable TokenBucket bucket, MetricsSink metrics) {
    this.store = store;
    this.bucket = bucket;
    this.metrics = metrics;
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
          yield new SendResult.RateLimited(id, roomIn());
        }
        default -> failed(message, why + inDoubt(reason) + "; there is no fallback store");
      };
    }
    boolean interrupted = Thread.interrupted();
    try {
      to.store(message, why);
      metrics.messageStored(message.priority());
      return new SendResult.Stored(id, message.timestamp(), why);
    } catch (RuntimeException | Error e) {
      return failed(
          message, why + inDoubt(reason) + "; the fallback store failed too: " + describe(e));
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** How long until a full queue may have room. */
  private Duration roomIn() {
    try {
      Duration next = bucket == null ? Duration.ZERO : bucket.state(Scope.global()).nextPermitIn();
      return next.isZero() ? Duration.ofSeconds(1) : next;
    } catch (RuntimeException e) {
      return Duration.ofSeconds(1);
    }
  }

  /** Stores a message that had no outcome when the client closed. */
  SendResult storeAtClose(OutboundMessage message) {
    return store(message, new SinkException(Kind.NOT_SENT, "the client closed", null));
  }

  /** A message that the store had not taken when it was given up. */
  SendResult stuckAtClose(OutboundMessage message) {
    return failed(message, "the client closed, and the fallback store did not answer");
  }

  /** The words of our own exceptions; of any other only the class, since it may quote a message. */
  static String describe(Throwable e) {
    return e instanceof FallbackException
            || e instanceof SinkException
            || e instanceof TokenBucketException
        ? String.valueOf(e.getMessage())
        : e.getClass().getName();
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
      log.error("Message {} could not be held: {}", message.messageId(), describe(e));
    }
    return false;
  }
}
