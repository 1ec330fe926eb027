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
  private final MdcTrace mdc = new MdcTrace();

  Intake(MessageLimits limits, InstantSource clock) {
    this.validator = new MessageValidator(limits);
    this.clock = clock;
  }

  Reading read(OnlyFansMessage message) {
    String id = idOf(message.messageId());
    List<Violation> violations = validator.validate(message);
    return violations.isEmpty()
        ? new Reading(accept(message, id), null)
        : new Reading(null, new SendResult.Invalid(id, violations));
  }

  Reading read(OnlyFansAction action) {
    String id = idOf(action.messageId());
    List<Violation> violations = validator.validate(action);
    return violations.isEmpty()
        ? new Reading(accept(action, id), null)
        : new Reading(null, new SendResult.Invalid(id, violations));
  }

  private static String idOf(@Nullable String messageId) {
    return messageId == null ? UUID.randomUUID().toString() : messageId;
  }

  /** The one given, else the caller's own. */
  private @Nullable String traceOf(@Nullable String given) {
    return given != null ? given : mdc.current();
  }

  /** Now, in the microseconds that every store keeps. */
  private Instant now() {
    return clock.instant().truncatedTo(ChronoUnit.MICROS);
  }

  private OutboundMessage accept(OnlyFansAction action, String id) {
    String mediaUrl = action.mediaUrl();
    return OutboundMessage.builder(id, requireNonNull(action.userId()), now())
        .action(action.action())
        .creatorId(action.creatorId())
        .recipientId(action.recipientId())
        .mediaUrls(mediaUrl == null ? List.of() : List.of(mediaUrl))
        .profileUrl(action.profileUrl())
        .priority(action.priority())
        .workflowId(action.workflowId())
        .traceId(traceOf(action.traceId()))
        .metadata(MetadataRules.copy(action.metadata()))
        .build();
  }

  private OutboundMessage accept(OnlyFansMessage message, String id) {
    return OutboundMessage.builder(id, requireNonNull(message.userId()), now())
        .creatorId(message.creatorId())
        .recipientId(message.recipientId())
        .content(message.content())
        .mediaUrls(urls(message))
        .priority(message.priority())
        .workflowId(message.workflowId())
        .traceId(traceOf(message.traceId()))
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
