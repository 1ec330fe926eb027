package com.huntaze.ratelimiter.sqs;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.queue.MessageSink.Granted;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.TraceContext;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeNameForSends;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeValue;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageRequest;

/**
 * A message as SQS will get it, checked against what SQS takes. Immutable; {@link #toString} shows
 * no body.
 */
final class SqsEntry {
  /** What the attributes of the workflow queue take at most: a time, a count and a version. */
  private static final int WORKFLOW_ATTRIBUTES = 256;

  private static final MessageAttributeValue SEND_MESSAGE = string(OutboundMessage.SEND_MESSAGE);
  private static final Map<Priority, MessageAttributeValue> PRIORITIES =
      new EnumMap<>(Priority.class);

  static {
    for (Priority priority : Priority.values()) {
      PRIORITIES.put(priority, string(priority.wireName()));
    }
  }

  private static final MessageAttributeValue VERSION = string(Version.TEXT);

  private final String body;
  private final Map<String, MessageAttributeValue> attributes;
  private final @Nullable String group;
  private final @Nullable String deduplicationId;
  private final @Nullable String traceHeader;
  private final long bytes;

  private SqsEntry(
      String body,
      Map<String, MessageAttributeValue> attributes,
      @Nullable String group,
      @Nullable String deduplicationId,
      @Nullable String traceHeader) {
    this.body = body;
    this.attributes = attributes;
    this.group = group;
    this.deduplicationId = deduplicationId;
    this.traceHeader = traceHeader;
    this.bytes = SqsRules.bytes(body, attributes);
  }

  /**
   * A message for the entry queue. It has to fit the workflow queue too, or it would be stuck.
   *
   * @throws SinkException if SQS would refuse it
   */
  static SqsEntry standard(
      OutboundMessage message, Map<String, MessageAttributeValue> added, int maxBytes) {
    Map<String, MessageAttributeValue> attributes = new LinkedHashMap<>();
    attributes.put("userId", string(message.userId()));
    attributes.put(
        "messageType",
        message.action().equals(OutboundMessage.SEND_MESSAGE)
            ? SEND_MESSAGE
            : string(message.action()));
    attributes.put("timestamp", string(message.timestampText()));
    attributes.put("priority", requireNonNull(PRIORITIES.get(message.priority())));
    attributes.putAll(added);
    TraceContext trace = message.trace();
    addTraceparent(message, trace, attributes);
    SqsEntry entry =
        new SqsEntry(
            PayloadCodec.standard().encode(message),
            attributes,
            null,
            null,
            trace.awsTraceHeader().orElse(null));
    entry.check(message, maxBytes);
    // The other shape repeats two ids at most, so that it is not twice as long.
    if (entry.bytes > maxBytes / 2 - WORKFLOW_ATTRIBUTES) {
      checkSize(
          message,
          "in the workflow queue's shape it",
          SqsRules.bytes(PayloadCodec.workflow().encode(message)) + WORKFLOW_ATTRIBUTES,
          maxBytes);
    }
    return entry;
  }

  /**
   * A message for the workflow queue.
   *
   * @param granted what the limiter said about it; null if none was asked
   * @throws SinkException if SQS would refuse it
   */
  static SqsEntry fifo(
      OutboundMessage message,
      @Nullable Granted granted,
      Map<String, MessageAttributeValue> added,
      int maxBytes) {
    Map<String, MessageAttributeValue> attributes = new LinkedHashMap<>(added);
    attributes.put("rate_limiter_version", VERSION);
    if (granted != null) {
      attributes.put("rate_limit_timestamp", string(granted.grantedAt().toString()));
      attributes.put("tokens_remaining", number(granted.tokensRemaining()));
    }
    TraceContext trace = message.trace();
    addTraceparent(message, trace, attributes);
    SqsEntry entry =
        new SqsEntry(
            PayloadCodec.workflow().encode(message),
            attributes,
            SqsRules.legalId(message.creator()),
            SqsRules.deduplicationId(message.messageId(), message.revival()),
            trace.awsTraceHeader().orElse(null));
    entry.check(message, maxBytes);
    return entry;
  }

  /** One given in X-Ray's form goes along for free; the attribute would cost bytes and a place. */
  private static void addTraceparent(
      OutboundMessage message, TraceContext trace, Map<String, MessageAttributeValue> attributes) {
    if (trace.traceparent().isPresent() && trace.traceparent().equals(message.traceId())) {
      attributes.put("traceparent", string(trace.traceparent().get()));
    }
  }

  private void check(OutboundMessage message, int maxBytes) {
    checkCharacters(message, null, body);
    for (Map.Entry<String, MessageAttributeValue> each : attributes.entrySet()) {
      String value = each.getValue().stringValue();
      if (value.isEmpty()) {
        throw refused(message, "attribute " + each.getKey() + " is empty");
      }
      checkCharacters(message, each.getKey(), value);
    }
    checkSize(message, "it", bytes, maxBytes);
  }

  private static void checkCharacters(
      OutboundMessage message, @Nullable String attribute, String text) {
    OptionalInt illegal = SqsRules.illegalCharacter(text);
    if (illegal.isPresent()) {
      throw refused(
          message,
          "%s has U+%04X, which SQS does not take"
              .formatted(
                  attribute == null ? "body" : "attribute " + attribute, illegal.getAsInt()));
    }
  }

  private static void checkSize(OutboundMessage message, String which, long bytes, int maxBytes) {
    if (bytes > maxBytes) {
      throw refused(
          message, which + " is " + bytes + " bytes with its attributes, the limit is " + maxBytes);
    }
  }

  private static SinkException refused(OutboundMessage message, String why) {
    return new SinkException(
        Kind.MESSAGE_REFUSED,
        "message " + SqsErrors.token(message.messageId()) + " cannot be sent to SQS: " + why,
        null);
  }

  /** As SQS counts it: the body, and the names, types and values of the attributes. */
  long bytes() {
    return bytes;
  }

  /** Messages of one group keep their order; null for a standard queue, which keeps none. */
  @Nullable String group() {
    return group;
  }

  SendMessageRequest request(String queueUrl) {
    return SendMessageRequest.builder()
        .messageSystemAttributes(systemAttributes())
        .queueUrl(queueUrl)
        .messageBody(body)
        .messageAttributes(attributes)
        .messageGroupId(group)
        .messageDeduplicationId(deduplicationId)
        .build();
  }

  SendMessageBatchRequestEntry batchEntry(String id) {
    return SendMessageBatchRequestEntry.builder()
        .messageSystemAttributes(systemAttributes())
        .id(id)
        .messageBody(body)
        .messageAttributes(attributes)
        .messageGroupId(group)
        .messageDeduplicationId(deduplicationId)
        .build();
  }

  /** They count neither as attributes nor towards the size; null if there are none. */
  private @Nullable Map<MessageSystemAttributeNameForSends, MessageSystemAttributeValue>
      systemAttributes() {
    return traceHeader == null
        ? null
        : Map.of(
            MessageSystemAttributeNameForSends.AWS_TRACE_HEADER,
            MessageSystemAttributeValue.builder()
                .dataType(SqsRules.STRING)
                .stringValue(traceHeader)
                .build());
  }

  private static MessageAttributeValue number(long value) {
    return MessageAttributeValue.builder()
        .dataType("Number")
        .stringValue(Long.toString(value))
        .build();
  }

  /** An attribute of type String. */
  static MessageAttributeValue string(String value) {
    return MessageAttributeValue.builder().dataType(SqsRules.STRING).stringValue(value).build();
  }

  @Override
  public String toString() {
    return "SqsEntry[" + bytes + " bytes]";
  }
}
