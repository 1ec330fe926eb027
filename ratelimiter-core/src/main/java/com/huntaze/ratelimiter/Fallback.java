package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.NotQueued;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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

  /**
   * A message that the queue has not.
   *
   * @param reason why it has not
   */
  record Untaken(OutboundMessage message, SinkException reason) {
    String why() {
      return reason.kind() + ": " + reason.getMessage();
    }
  }

  /** Stores a message, or says loudly why it is the caller's still. */
  SendResult store(OutboundMessage message, SinkException reason) {
    return storeAll(List.of(new Untaken(message, reason))).get(0);
  }

  /** Stores messages at once and in order; item i says what became of message i. */
  List<SendResult> storeAll(List<Untaken> messages) {
    FallbackStore to = store;
    if (messages.isEmpty()) {
      return List.of();
    }
    if (to == null) {
      return messages.stream().map(this::unstored).toList();
    }
    boolean interrupted = Thread.interrupted();
    try {
      List<Optional<FallbackException>> refusals = storeIn(to, messages);
      List<SendResult> results = new ArrayList<>(messages.size());
      for (int i = 0; i < messages.size(); i++) {
        results.add(stored(messages.get(i), refusals.get(i)));
      }
      return results;
    } catch (RuntimeException | Error e) {
      return messages.stream().map(each -> notStored(each, e)).toList();
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static List<Optional<FallbackException>> storeIn(
      FallbackStore to, List<Untaken> messages) {
    if (messages.size() == 1) {
      to.store(messages.get(0).message(), messages.get(0).why());
      return List.of(Optional.empty());
    }
    List<Optional<FallbackException>> refusals =
        List.copyOf(
            to.storeAll(
                messages.stream().map(each -> new NotQueued(each.message(), each.why())).toList()));
    if (refusals.size() != messages.size()) {
      throw new FallbackException("the store gave no answer for each message", null);
    }
    return refusals;
  }

  private SendResult stored(Untaken untaken, Optional<FallbackException> refusal) {
    if (refusal.isPresent()) {
      return notStored(untaken, refusal.get());
    }
    OutboundMessage message = untaken.message();
    metrics.messageStored(message.priority());
    return new SendResult.Stored(message.messageId(), message.timestamp(), untaken.why());
  }

  private SendResult notStored(Untaken untaken, Throwable e) {
    return failed(
        untaken.message(),
        untaken.why()
            + inDoubt(untaken.reason())
            + "; the fallback store failed too: "
            + describe(e));
  }

  private SendResult unstored(Untaken untaken) {
    String id = untaken.message().messageId();
    return switch (untaken.reason().kind()) {
      case NO_CREDENTIALS -> new SendResult.Disabled(id);
      case BACK_PRESSURE -> {
        metrics.rateLimited(untaken.message().priority());
        yield new SendResult.RateLimited(id, roomIn());
      }
      default ->
          failed(
              untaken.message(),
              untaken.why() + inDoubt(untaken.reason()) + "; there is no fallback store");
    };
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

  /** Stores messages that had no outcome when the client closed. */
  List<SendResult> storeAtClose(List<OutboundMessage> messages) {
    SinkException closed = new SinkException(Kind.NOT_SENT, "the client closed", null);
    return storeAll(messages.stream().map(each -> new Untaken(each, closed)).toList());
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
