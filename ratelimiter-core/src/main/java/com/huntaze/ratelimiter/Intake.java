package com.huntaze.ratelimiter;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Validates what a caller sends and makes an accepted message of it. Thread-safe. */
final class Intake implements AutoCloseable {
  /**
   * What became of a caller's message.
   *
   * @param accepted the message, which nothing the caller still holds can change; null if it breaks
   *     rules
   * @param refused the rules it breaks; null if it is accepted
   */
  record Reading(@Nullable OutboundMessage accepted, SendResult.@Nullable Invalid refused) {
    /** Why it was not accepted. */
    SendResult.Invalid refusal() {
      return requireNonNull(refused);
    }
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
        ? new Reading(accept(message, id), null)
        : new Reading(null, new SendResult.Invalid(id, violations));
  }

  private OutboundMessage accept(OnlyFansMessage message, String id) {
    // Microseconds are what every store keeps.
    Instant now = clock.instant().truncatedTo(ChronoUnit.MICROS);
    return OutboundMessage.builder(id, requireNonNull(message.userId()), now)
        .creatorId(message.creatorId())
        .recipientId(message.recipientId())
        .content(message.content())
        .mediaUrls(urls(message))
        .priority(message.priority())
        .workflowId(message.workflowId())
        .traceId(message.traceId())
        .metadata(MetadataRules.copy(message.metadata()))
        .build();
  }

  private static List<String> urls(OnlyFansMessage message) {
    return message.mediaUrls().isEmpty()
        ? List.of()
        : message.mediaUrls().stream().map(url -> requireNonNull(url)).toList();
  }

  @Override
  public void close() {
    validator.close();
  }
}
