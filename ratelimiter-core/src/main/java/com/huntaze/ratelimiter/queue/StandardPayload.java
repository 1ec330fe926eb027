package com.huntaze.ratelimiter.queue;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonSerializable;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.jsontype.TypeSerializer;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The entry queue's shape, camelCase; readers also take a top-level priority and no metadata. */
final class StandardPayload implements PayloadCodec {
  static final StandardPayload INSTANCE = new StandardPayload();

  private static final String SOURCE = "huntaze-app";

  private StandardPayload() {}

  @Override
  public String encode(OutboundMessage message) {
    return JsonFields.write(new Body(message));
  }

  /** Written field by field, since every send does. What is ours goes before what was read. */
  private static final class Body extends JsonSerializable.Base {
    private final OutboundMessage message;

    Body(OutboundMessage message) {
      this.message = message;
    }

    @Override
    public void serialize(JsonGenerator json, SerializerProvider provider) throws IOException {
      json.writeStartObject();
      json.writeStringField("messageId", message.messageId());
      String action = message.action();
      write(json, "action", action.equals(OutboundMessage.SEND_MESSAGE) ? null : action);
      json.writeStringField("userId", message.userId());
      write(json, "creatorId", message.creatorId().orElse(null));
      write(json, "recipientId", message.recipientId().orElse(null));
      write(json, "content", message.content().orElse(null));
      if (!message.mediaUrls().isEmpty()) {
        json.writePOJOField("mediaUrls", message.mediaUrls());
      }
      json.writeStringField("timestamp", message.timestampText());
      json.writeObjectFieldStart("metadata");
      json.writeStringField("source", SOURCE);
      write(json, "workflowId", message.workflowId().orElse(null));
      write(json, "traceId", message.traceId().orElse(null));
      json.writeStringField("priority", message.priority().wireName());
      for (Map.Entry<String, Object> each : message.metadata().entrySet()) {
        if (!isMetadataOfOurs(each.getKey())) {
          json.writePOJOField(each.getKey(), each.getValue());
        }
      }
      json.writeEndObject();
      for (Map.Entry<String, Object> each : message.unknownFields().entrySet()) {
        if (!isFieldOfOurs(each.getKey())) {
          json.writePOJOField(each.getKey(), each.getValue());
        }
      }
      json.writeEndObject();
    }

    private static void write(JsonGenerator json, String name, @Nullable String value)
        throws IOException {
      if (value != null) {
        json.writeStringField(name, value);
      }
    }

    private boolean isMetadataOfOurs(String name) {
      return switch (name) {
        case "source", "priority" -> true;
        case "workflowId" -> message.workflowId().isPresent();
        case "traceId" -> message.traceId().isPresent();
        default -> false;
      };
    }

    private boolean isFieldOfOurs(String name) {
      return switch (name) {
        case "messageId", "userId", "timestamp", "metadata" -> true;
        case "action" -> !message.action().equals(OutboundMessage.SEND_MESSAGE);
        case "creatorId" -> message.creatorId().isPresent();
        case "recipientId" -> message.recipientId().isPresent();
        case "content" -> message.content().isPresent();
        case "mediaUrls" -> !message.mediaUrls().isEmpty();
        default -> false;
      };
    }

    @Override
    public void serializeWithType(
        JsonGenerator json, SerializerProvider provider, TypeSerializer typeSerializer)
        throws IOException {
      serialize(json, provider);
    }
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
