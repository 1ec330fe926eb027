package com.huntaze.ratelimiter.queue;

import java.util.LinkedHashMap;
import java.util.Map;

/** The entry queue's shape, camelCase; readers also take a top-level priority and no metadata. */
final class StandardPayload implements PayloadCodec {
  static final StandardPayload INSTANCE = new StandardPayload();

  private static final String SOURCE = "huntaze-app";

  private StandardPayload() {}

  @Override
  public String encode(OutboundMessage message) {
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("messageId", message.messageId());
    if (!message.action().equals(OutboundMessage.SEND_MESSAGE)) {
      body.put("action", message.action());
    }
    body.put("userId", message.userId());
    message.creatorId().ifPresent(id -> body.put("creatorId", id));
    message.recipientId().ifPresent(id -> body.put("recipientId", id));
    message.content().ifPresent(content -> body.put("content", content));
    if (!message.mediaUrls().isEmpty()) {
      body.put("mediaUrls", message.mediaUrls());
    }
    body.put("timestamp", message.timestamp().toString());
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("source", SOURCE);
    message.workflowId().ifPresent(id -> metadata.put("workflowId", id));
    message.traceId().ifPresent(id -> metadata.put("traceId", id));
    metadata.put("priority", message.priority().wireName());
    message.metadata().forEach(metadata::putIfAbsent);
    body.put("metadata", metadata);
    message.unknownFields().forEach(body::putIfAbsent);
    return JsonFields.write(body);
  }

  @Override
  public OutboundMessage decode(String body) {
    return read(JsonFields.parse(body));
  }

  OutboundMessage read(JsonFields fields) {
    var message =
        OutboundMessage.builder(
            fields.required("messageId"), fields.required("userId"), fields.instant("timestamp"));
    String action = fields.optional("action").orElse(OutboundMessage.SEND_MESSAGE);
    message.action(action);
    message.creatorId(fields.optional("creatorId").orElse(null));
    if (action.equals(OutboundMessage.SEND_MESSAGE)) {
      message.recipientId(fields.required("recipientId")).content(fields.required("content"));
    } else {
      message
          .recipientId(fields.optional("recipientId").orElse(null))
          .content(fields.optional("content").orElse(null));
    }
    message.mediaUrls(fields.texts("mediaUrls"));
    JsonFields metadata = fields.object("metadata");
    metadata.optional("source");
    message
        .workflowId(metadata.optional("workflowId").orElse(null))
        .traceId(metadata.optional("traceId").orElse(null))
        .priority(
            metadata
                .priority("priority")
                .or(() -> fields.priority("priority"))
                .orElse(Priority.MEDIUM));
    fields.optional("priority");
    return message.metadata(metadata.rest()).unknownFields(fields.rest()).build();
  }
}
