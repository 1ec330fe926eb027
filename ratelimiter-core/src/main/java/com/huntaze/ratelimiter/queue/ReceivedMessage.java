package com.huntaze.ratelimiter.queue;

import static java.util.Objects.requireNonNull;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A message a source handed out. It stays the source's until it is deleted; if nothing is said of
 * it within its visibility time-out, the source hands it out again.
 *
 * <p>Immutable and thread-safe. {@link #toString} shows no content.
 */
public final class ReceivedMessage {
  private final String handle;
  private final @Nullable OutboundMessage message;
  private final @Nullable PayloadException fault;
  private final int receiveCount;
  private final @Nullable String group;

  private ReceivedMessage(
      String handle,
      @Nullable OutboundMessage message,
      @Nullable PayloadException fault,
      int receiveCount,
      @Nullable String group) {
    this.handle = requireNonNull(handle, "handle");
    this.message = message;
    this.fault = fault;
    this.receiveCount = receiveCount;
    this.group = group;
  }

  /**
   * A message that could be read.
   *
   * @param handle the source's handle for this receive
   * @param message the message
   * @param receiveCount how often it was received, this time included
   * @return the received message
   */
  public static ReceivedMessage of(String handle, OutboundMessage message, int receiveCount) {
    return new ReceivedMessage(
        handle, requireNonNull(message, "message"), null, receiveCount, null);
  }

  /**
   * A message that could not be read, and never will be.
   *
   * @param handle the source's handle for this receive
   * @param fault why
   * @param receiveCount how often it was received, this time included
   * @return the received message
   */
  public static ReceivedMessage unreadable(
      String handle, PayloadException fault, int receiveCount) {
    return new ReceivedMessage(handle, null, requireNonNull(fault, "fault"), receiveCount, null);
  }

  /**
   * The same message as one of a group, within which the source keeps the order.
   *
   * @param group the group's id
   * @return the received message
   */
  public ReceivedMessage inGroup(String group) {
    return new ReceivedMessage(
        handle, message, fault, receiveCount, requireNonNull(group, "group"));
  }

  /** {@return the source's handle for this receive; a later receive has another} */
  public String handle() {
    return handle;
  }

  /** {@return the message, or empty if it could not be read} */
  public Optional<OutboundMessage> message() {
    return Optional.ofNullable(message);
  }

  /** {@return why it could not be read, or empty if it could} */
  public Optional<PayloadException> fault() {
    return Optional.ofNullable(fault);
  }

  /** {@return how often it was received, this time included} */
  public int receiveCount() {
    return receiveCount;
  }

  /** {@return the group whose order the source keeps, or empty if it keeps none} */
  public Optional<String> group() {
    return Optional.ofNullable(group);
  }

  @Override
  public String toString() {
    return "ReceivedMessage["
        + (message == null ? "unreadable" : message.messageId())
        + ", receives="
        + receiveCount
        + "]";
  }
}
