package com.huntaze.ratelimiter.queue;

/**
 * Writes a message as a queue's body and reads it back.
 *
 * <p>Called by queue adapters. Thread-safe. The two shapes are fixed by what other systems read:
 * {@link #standard()} is the entry queue's (camelCase), {@link #workflow()} the FIFO queue's
 * (snake_case). What a reader does not know it keeps.
 */
public interface PayloadCodec {
  /**
   * Writes a message.
   *
   * @param message the message
   * @return JSON
   */
  String encode(OutboundMessage message);

  /**
   * Reads a message.
   *
   * @param body JSON of this codec's shape
   * @return the message
   * @throws PayloadException if it is not such JSON; names the reason and the field only
   */
  OutboundMessage decode(String body);

  /** {@return the entry queue's shape, camelCase} */
  static PayloadCodec standard() {
    return StandardPayload.INSTANCE;
  }

  /** {@return the FIFO queue's shape, snake_case} */
  static PayloadCodec workflow() {
    return WorkflowPayload.INSTANCE;
  }

  /**
   * Reads a body of either shape: one with {@code user_id} or {@code creator_id} is the FIFO
   * queue's, any other the entry queue's.
   *
   * @param body JSON
   * @return the message
   * @throws PayloadException if it is neither
   */
  static OutboundMessage decodeEither(String body) {
    JsonFields fields = JsonFields.parse(body);
    return fields.has("user_id") || fields.has("creator_id")
        ? WorkflowPayload.INSTANCE.read(fields)
        : StandardPayload.INSTANCE.read(fields);
  }
}
