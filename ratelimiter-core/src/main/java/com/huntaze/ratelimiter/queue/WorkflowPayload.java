package com.huntaze.ratelimiter.queue;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The FIFO queue's shape, snake_case; writes {@code normal} where the others say medium. */
final class WorkflowPayload implements PayloadCodec {
  static final WorkflowPayload INSTANCE = new WorkflowPayload();

  private WorkflowPayload() {}

  @Override
  public String encode(OutboundMessage message) {
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("action", message.action());
    body.put("creator_id", message.creator());
    body.put("user_id", message.userId());
    message.recipientId().ifPresent(id -> body.put("recipient_id", id));
    body.put("message_id", message.messageId());
    body.put("timestamp", message.timestampText());
    message.content().ifPresent(content -> body.put("message_content", content));
    if (!message.mediaUrls().isEmpty()) {
      body.put("media_urls", message.mediaUrls());
    }
    if (message.revival() > 0) {
      body.put("revival", message.revival());
    }
    Map<String, Object> metadata = new LinkedHashMap<>();
    message.workflowId().ifPresent(id -> metadata.put("workflow_id", id));
    metadata.put(
        "priority",
        message.priority() == Priority.MEDIUM ? "normal" : message.priority().wireName());
    metadata.put("correlation_id", message.traceId().orElse(message.messageId()));
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
    String action = fields.required("action");
    String creatorId = fields.required("creator_id");
    String userId = fields.optional("user_id").orElse(creatorId);
    Instant timestamp = fields.instant("timestamp");
    boolean send = action.equals(OutboundMessage.SEND_MESSAGE);
    String recipientId =
        send ? fields.required("recipient_id") : fields.optional("recipient_id").orElse(null);
    String content =
        send ? fields.required("message_content") : fields.optional("message_content").orElse(null);
    String messageId =
        fields
            .optional("message_id")
            .orElseGet(() -> digest(action, creatorId, timestamp, recipientId, content));
    JsonFields metadata = fields.object("metadata");
    String correlationId = metadata.optional("correlation_id").orElse(messageId);
    return OutboundMessage.builder(messageId, userId, timestamp)
        .action(action)
        .creatorId(creatorId)
        .recipientId(recipientId)
        .content(content)
        .mediaUrls(fields.texts("media_urls"))
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
  private static String digest(
      String action,
      String creatorId,
      Instant timestamp,
      @Nullable String recipientId,
      @Nullable String content) {
    List<String> parts =
        List.of(
            action,
            creatorId,
            timestamp.toString(),
            recipientId == null ? "" : recipientId,
            content == null ? "" : content);
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
