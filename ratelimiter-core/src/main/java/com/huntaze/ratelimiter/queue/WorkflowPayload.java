package com.huntaze.ratelimiter.queue;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** The FIFO queue's shape, snake_case; writes {@code normal} where the others say medium. */
final class WorkflowPayload implements PayloadCodec {
  static final WorkflowPayload INSTANCE = new WorkflowPayload();

  private WorkflowPayload() {}

  @Override
  public String encode(OutboundMessage message) {
    return JsonFields.write(json -> write(json, message));
  }

  /** What is ours goes before what was read. */
  private static void write(JsonGenerator json, OutboundMessage message) throws IOException {
    json.writeStartObject();
    json.writeStringField("action", message.action());
    json.writeStringField("creator_id", message.creator());
    json.writeStringField("user_id", message.userId());
    JsonFields.writeIfPresent(json, "recipient_id", message.recipientId());
    json.writeStringField("message_id", message.messageId());
    json.writeStringField("timestamp", message.timestampText());
    JsonFields.writeIfPresent(json, "message_content", message.content());
    if (!message.mediaUrls().isEmpty()) {
      JsonFields.write(json, "media_urls", message.mediaUrls());
    }
    JsonFields.writeIfPresent(json, "profile_url", message.profileUrl());
    if (message.revival() > 0) {
      json.writeNumberField("revival", message.revival());
    }
    json.writeObjectFieldStart("metadata");
    JsonFields.writeIfPresent(json, "workflow_id", message.workflowId());
    json.writeStringField(
        "priority",
        message.priority() == Priority.MEDIUM ? "normal" : message.priority().wireName());
    json.writeStringField("correlation_id", message.traceId().orElse(message.messageId()));
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
      case "priority", "correlation_id" -> true;
      case "workflow_id" -> message.workflowId().isPresent();
      default -> false;
    };
  }

  private static boolean isFieldOfOurs(String name, OutboundMessage message) {
    return switch (name) {
      case "action", "creator_id", "user_id", "message_id", "timestamp", "metadata" -> true;
      case "recipient_id" -> message.recipientId().isPresent();
      case "message_content" -> message.content().isPresent();
      case "media_urls" -> !message.mediaUrls().isEmpty();
      case "profile_url" -> message.profileUrl().isPresent();
      case "revival" -> message.revival() > 0;
      default -> false;
    };
  }

  @Override
  public OutboundMessage decode(String body) {
    return read(JsonFields.parse(body));
  }

  OutboundMessage read(JsonFields fields) {
    String action = fields.required("action");
    String creatorId = fields.required("creator_id");
    String userId = fields.optional("user_id").orElse(creatorId);
    Instant timestamp = fields.instant("timestamp");
    boolean send = action.equals(OutboundMessage.SEND_MESSAGE);
    String recipientId = fields.text("recipient_id", send);
    String content = fields.text("message_content", send);
    List<String> mediaUrls =
        fields.texts("media_urls", action.equals(OutboundMessage.DOWNLOAD_MEDIA));
    String profileUrl = fields.text("profile_url", action.equals(OutboundMessage.SCRAPE_PROFILE));
    List<String> parts = new ArrayList<>();
    Collections.addAll(
        parts,
        action,
        creatorId,
        timestamp.toString(),
        recipientId == null ? "" : recipientId,
        content == null ? "" : content);
    if (profileUrl != null || !mediaUrls.isEmpty()) {
      parts.add(profileUrl == null ? "" : profileUrl);
      parts.addAll(mediaUrls);
    }
    String messageId = fields.optional("message_id").orElseGet(() -> digest(parts));
    JsonFields metadata = fields.object("metadata");
    String correlationId = metadata.optional("correlation_id").orElse(messageId);
    return OutboundMessage.builder(messageId, userId, timestamp)
        .action(action)
        .creatorId(creatorId)
        .recipientId(recipientId)
        .content(content)
        .mediaUrls(mediaUrls)
        .profileUrl(profileUrl)
        .revival(fields.count("revival"))
        .workflowId(metadata.optional("workflow_id").orElse(null))
        .traceId(correlationId.equals(messageId) ? null : correlationId)
        .priority(metadata.priority("priority").orElse(Priority.MEDIUM))
        .metadata(metadata.rest())
        .unknownFields(fields.rest())
        .build();
  }

  /**
   * The id of a message that has none: the same for the same message, and different for two
   * messages of one creator in the same instant.
   */
  private static String digest(List<String> parts) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      for (String part : parts) {
        byte[] bytes = part.getBytes(UTF_8);
        sha256.update((bytes.length + ":").getBytes(UTF_8));
        sha256.update(bytes);
      }
      return HexFormat.of().formatHex(sha256.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
