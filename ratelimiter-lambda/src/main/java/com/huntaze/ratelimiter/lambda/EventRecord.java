package com.huntaze.ratelimiter.lambda;

import static java.util.Objects.requireNonNull;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/**
 * One record of an event, as far as it could be read. Immutable; {@link #toString} shows no body.
 *
 * @param messageId the id it is listed by, or null if that is unknown
 * @param receiptHandle what its visibility is changed by
 * @param body the message's payload
 * @param queueArn the queue it came from
 * @param group the group of a FIFO queue's message
 * @param receives how often it was received, as the event says it
 * @param traceHeader X-Ray's trace of it
 * @param traceparent W3C's trace of it
 * @param fault why it must be left alone, or null if it is whole
 */
record EventRecord(
    @Nullable String messageId,
    @Nullable String receiptHandle,
    @Nullable String body,
    @Nullable String queueArn,
    @Nullable String group,
    @Nullable String receives,
    @Nullable String traceHeader,
    @Nullable String traceparent,
    @Nullable String fault) {

  /** The message as SQS would have handed it out; of a whole record only. */
  Message message() {
    Map<MessageSystemAttributeName, String> attributes = new HashMap<>();
    if (group != null) {
      attributes.put(MessageSystemAttributeName.MESSAGE_GROUP_ID, group);
    }
    if (receives != null) {
      attributes.put(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT, receives);
    }
    if (traceHeader != null) {
      attributes.put(MessageSystemAttributeName.AWS_TRACE_HEADER, traceHeader);
    }
    Map<String, MessageAttributeValue> own = new HashMap<>();
    if (traceparent != null) {
      own.put(
          "traceparent",
          MessageAttributeValue.builder().dataType("String").stringValue(traceparent).build());
    }
    return Message.builder()
        .messageAttributes(own)
        .messageId(requireNonNull(messageId))
        .receiptHandle(requireNonNull(receiptHandle))
        .body(requireNonNull(body))
        .attributes(attributes)
        .build();
  }

  @Override
  public String toString() {
    return "EventRecord[" + messageId + ", fault=" + fault + "]";
  }
}
