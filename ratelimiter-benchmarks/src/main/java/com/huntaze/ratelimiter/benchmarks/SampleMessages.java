package com.huntaze.ratelimiter.benchmarks;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.SendMessageRequest;

/**
 * The message that is sent, as ours takes it and as its peers do: as many bytes in the same shape,
 * with the same four attributes. Every one has a text of 256 characters that no other has. A peer
 * gets its JSON ready-made but for the text. Thread-safe.
 */
final class SampleMessages {
  private static final String USER = "user-4711";
  private static final String RECIPIENT = "fan-0815";
  private static final String PADDING = "A text of some length. ".repeat(11).substring(0, 248);
  private static final String SLOT = "@";

  private final AtomicLong numbers = new AtomicLong(10_000_000);
  private final String queueUrl;
  private final String head;
  private final String tail;
  private final Map<String, String> attributes;

  SampleMessages(String queueUrl) {
    this.queueUrl = queueUrl;
    Instant accepted = Instant.parse("2026-01-01T00:00:00.123456Z");
    String body =
        PayloadCodec.standard()
            .encode(
                OutboundMessage.builder(UUID.randomUUID().toString(), USER, accepted)
                    .recipientId(RECIPIENT)
                    .content(SLOT)
                    .build());
    int slot = body.indexOf(SLOT);
    this.head = body.substring(0, slot);
    this.tail = body.substring(slot + SLOT.length());
    this.attributes =
        Map.of(
            "userId",
            USER,
            "messageType",
            OutboundMessage.SEND_MESSAGE,
            "timestamp",
            accepted.toString(),
            "priority",
            "medium");
  }

  String queueUrl() {
    return queueUrl;
  }

  OnlyFansMessage ours() {
    return OnlyFansMessage.builder().userId(USER).recipientId(RECIPIENT).content(content()).build();
  }

  String body() {
    return head + content() + tail;
  }

  Map<String, String> attributes() {
    return attributes;
  }

  SendMessageRequest request(String body) {
    return SendMessageRequest.builder()
        .queueUrl(queueUrl)
        .messageBody(body)
        .messageAttributes(
            Map.of(
                "userId", text("userId"),
                "messageType", text("messageType"),
                "timestamp", text("timestamp"),
                "priority", text("priority")))
        .build();
  }

  private MessageAttributeValue text(String name) {
    return MessageAttributeValue.builder()
        .dataType("String")
        .stringValue(attributes.get(name))
        .build();
  }

  private String content() {
    return PADDING + numbers.getAndIncrement();
  }
}
