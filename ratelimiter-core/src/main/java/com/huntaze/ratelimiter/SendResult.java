package com.huntaze.ratelimiter;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What became of one message. Closed for 1.x; immutable and thread-safe; carries no content.
 *
 * <p>The outcome of a message is never an exception. What applies to one outcome only is an {@code
 * Optional} here, so that a caller can read it without asking which outcome it is.
 */
public sealed interface SendResult {
  /** {@return the message's id: the caller's own, or the one that was made} */
  String messageId();

  /** {@return what became of it} */
  SendStatus status();

  /** {@return whether the message is ours to deliver now; if not, the caller still has it} */
  default boolean accepted() {
    return switch (status()) {
      case QUEUED, SENT, STORED -> true;
      case RATE_LIMITED, INVALID, DISABLED, FAILED -> false;
    };
  }

  /** {@return when it was accepted} */
  default Optional<Instant> queuedAt() {
    return Optional.empty();
  }

  /**
   * {@return when it is expected to be delivered, reckoned from the backlog and the limit; empty
   * where neither is known}
   */
  default Optional<Instant> estimatedDelivery() {
    return Optional.empty();
  }

  /** {@return how long to wait before sending it again} */
  default Optional<Duration> retryAfter() {
    return Optional.empty();
  }

  /** {@return what went wrong, in words and without content} */
  default Optional<String> error() {
    return Optional.empty();
  }

  /** {@return the rules the message breaks; empty unless it is invalid} */
  default List<Violation> violations() {
    return List.of();
  }

  /**
   * The queue has the message.
   *
   * @param messageId the message's id
   * @param at when it was accepted
   * @param expected when it is expected to be delivered, if that is known
   */
  record Queued(String messageId, Instant at, @Nullable Instant expected) implements SendResult {
    @Override
    public SendStatus status() {
      return SendStatus.QUEUED;
    }

    @Override
    public Optional<Instant> queuedAt() {
      return Optional.of(at);
    }

    @Override
    public Optional<Instant> estimatedDelivery() {
      return Optional.ofNullable(expected);
    }
  }

  /**
   * The external API has the message.
   *
   * @param messageId the message's id
   * @param at when it was accepted
   */
  record Sent(String messageId, Instant at) implements SendResult {
    @Override
    public SendStatus status() {
      return SendStatus.SENT;
    }

    @Override
    public Optional<Instant> queuedAt() {
      return Optional.of(at);
    }
  }

  /**
   * The fallback store has the message.
   *
   * @param messageId the message's id
   * @param at when it was accepted
   * @param reason why the queue did not take it
   */
  record Stored(String messageId, Instant at, String reason) implements SendResult {
    @Override
    public SendStatus status() {
      return SendStatus.STORED;
    }

    @Override
    public Optional<Instant> queuedAt() {
      return Optional.of(at);
    }

    @Override
    public Optional<String> error() {
      return Optional.of(reason);
    }
  }

  /**
   * There is no room now.
   *
   * @param messageId the message's id
   * @param delay how long until there may be
   */
  record RateLimited(String messageId, Duration delay) implements SendResult {
    @Override
    public SendStatus status() {
      return SendStatus.RATE_LIMITED;
    }

    @Override
    public Optional<Duration> retryAfter() {
      return Optional.of(delay);
    }
  }

  /**
   * The message breaks rules.
   *
   * @param messageId the message's id
   * @param violations every rule it breaks
   */
  record Invalid(String messageId, List<Violation> violations) implements SendResult {
    /** Copies the list. */
    public Invalid {
      violations = List.copyOf(violations);
    }

    @Override
    public SendStatus status() {
      return SendStatus.INVALID;
    }

    @Override
    public Optional<String> error() {
      return Optional.of(
          String.join(
              "; ", violations.stream().map(each -> each.field() + " " + each.message()).toList()));
    }
  }

  /**
   * Rate limiting is off, and there is no direct way to send.
   *
   * @param messageId the message's id
   */
  record Disabled(String messageId) implements SendResult {
    @Override
    public SendStatus status() {
      return SendStatus.DISABLED;
    }
  }

  /**
   * Nothing took the message.
   *
   * @param messageId the message's id
   * @param reason what failed
   */
  record Failed(String messageId, String reason) implements SendResult {
    @Override
    public SendStatus status() {
      return SendStatus.FAILED;
    }

    @Override
    public Optional<String> error() {
      return Optional.of(reason);
    }
  }
}
