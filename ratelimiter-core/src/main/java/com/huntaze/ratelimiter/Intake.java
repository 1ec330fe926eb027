package com.huntaze.ratelimiter;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.UUID;

/** Validates what a caller sends and makes an accepted message of it. Thread-safe. */
final class Intake implements AutoCloseable {
  /** What became of a caller's message. */
  sealed interface Reading {
    /** It breaks no rule; nothing the caller still holds can change it. */
    record Accepted(OutboundMessage message) implements Reading {}

    /** It breaks rules. */
    record Refused(SendResult.Invalid result) implements Reading {}
  }

  private final MessageValidator validator;
  private final InstantSource clock;

  Intake(MessageLimits limits, InstantSource clock) {
    this.validator = new MessageValidator(limits);
    this.clock = clock;
  }

  Reading read(OnlyFansMessage message) {
    String id = message.messageId() == null ? UUID.randomUUID().toString() : message.messageId();
    List<Violation> violations = validator.validate(message);
    return violations.isEmpty()
        ? new Reading.Accepted(accept(message, id))
        : new Reading.Refused(new SendResult.Invalid(id, violations));
  }

  private OutboundMessage accept(OnlyFansMessage message, String id) {
    // Microseconds are what every store keeps.
    Instant now = clock.instant().truncatedTo(ChronoUnit.MICROS);
    return OutboundMessage.builder(id, requireNonNull(message.userId()), now)
        .creatorId(message.creatorId())
        .recipientId(message.recipientId())
        .content(message.content())
        .mediaUrls(message.mediaUrls().stream().map(url -> requireNonNull(url)).toList())
        .priority(message.priority())
        .workflowId(message.workflowId())
        .traceId(message.traceId())
        .metadata(MetadataRules.copy(message.metadata()))
        .build();
  }

  @Override
  public void close() {
    validator.close();
  }
}
