package com.huntaze.ratelimiter.queue;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.Map;

/** The entry queue's shape, camelCase; readers also take a top-level priority and no metadata. */
final class StandardPayload implements PayloadCodec {
  static final StandardPayload INSTANCE = new StandardPayload();

  private static final String SOURCE = "huntaze-app";

  private StandardPayload() {}

  @Override
  public String encode(OutboundMessage message) {
    return JsonFields.write(json -> write(json, message));
  }

  /** Field by field, since every send does it. What is ours goes before what was read. */
  private static void write(JsonGenerator json, OutboundMessage message) throws IOException {
    json.writeStartObject();
    json.writeStringField("messageId", message.messageId());
    if (!message.action().equals(OutboundMessage.SEND_MESSAGE)) {
      json.writeStringField("action", message.action());
    }
    json.writeStringField("userId", message.userId());
    JsonFields.writeIfPresent(json, "creatorId", message.creatorId());
    JsonFields.writeIfPresent(json, "recipientId", message.recipientId());
    JsonFields.writeIfPresent(json, "content", message.content());
    if (!message.mediaUrls().isEmpty()) {
      JsonFields.write(json, "mediaUrls", message.mediaUrls());
    }
    JsonFields.writeIfPresent(json, "profileUrl", message.profileUrl());
    json.writeStringField("timestamp", message.timestampText());
    if (message.revival() > 0) {
      json.writeNumberField("revival", message.revival());
    }
    json.writeObjectFieldStart("metadata");
    json.writeStringField("source", SOURCE);
    JsonFields.writeIfPresent(json, "workflowId", message.workflowId());
    JsonFields.writeIfPresent(json, "traceId", message.traceId());
    json.writeStringField("priority", message.priority().wireName());
    for (Map.Entry<String, Object> each : message.metadata().entrySet()) {
      if (!isMetadataOfOurs(each.getKey(), message)) {
        JsonFields.write(json, each.getKey(), each.getValue());
      }
    }
    json.writeEndObject();
    for (Map.Entry<String, Object> each : message.unknownFields().entrySet()) {
      if (!isFieldOfOurs(each.getKey(), message)) {
        JsonFields.write(json, each.getKey(), each.getValue());
      }
    }
    json.writeEndObject();
  }

  private static boolean isMetadataOfOurs(String name, OutboundMessage message) {
    return switch (name) {
      case "source", "priority" -> true;
      case "workflowId" -> message.workflowId().isPresent();
      case "traceId" -> message.traceId().isPresent();
      default -> false;
    };
  }

  private static boolean isFieldOfOurs(String name, OutboundMessage message) {
    return switch (name) {
      case "messageId", "userId", "timestamp", "metadata" -> true;
      case "action" -> !message.action().equals(OutboundMessage.SEND_MESSAGE);
      case "creatorId" -> message.creatorId().isPresent();
      case "recipientId" -> message.recipientId().isPresent();
      case "content" -> message.content().isPresent();
      case "mediaUrls" -> !message.mediaUrls().isEmpty();
      case "profileUrl" -> message.profileUrl().isPresent();
      case "revival" -> message.revival() > 0;
      default -> false;
    };
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
    boolean send = action.equals(OutboundMessage.SEND_MESSAGE);
    message
        .action(action)
        .creatorId(fields.optional("creatorId").orElse(null))
        .recipientId(fields.text("recipientId", send))
        .content(fields.text("content", send))
        .mediaUrls(fields.texts("mediaUrls", action.equals(OutboundMessage.DOWNLOAD_MEDIA)))
        .profileUrl(fields.text("profileUrl", action.equals(OutboundMessage.SCRAPE_PROFILE)))
        .revival(fields.count("revival"));
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
