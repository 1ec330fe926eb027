package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.queue.Priority;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One message to one recipient on behalf of one user, as the caller states it.
 *
 * <p>Immutable and thread-safe. Building never fails: {@code send} validates every field before
 * anything else happens and reports all violations together. {@link #toString} shows no content,
 * media URL or metadata.
 */
public final class OnlyFansMessage {
  private final @Nullable String messageId;
  private final @Nullable String userId;
  private final @Nullable String creatorId;
  private final @Nullable String recipientId;
  private final @Nullable String content;
  private final List<@Nullable String> mediaUrls;
  private final Priority priority;
  private final @Nullable String workflowId;
  private final @Nullable String traceId;
  private final Map<String, @Nullable Object> metadata;

  private OnlyFansMessage(Builder builder) {
    this.messageId = builder.messageId;
    this.userId = builder.userId;
    this.creatorId = builder.creatorId;
    this.recipientId = builder.recipientId;
    this.content = builder.content;
    this.mediaUrls =
        builder.mediaUrls.isEmpty()
            ? List.of()
            : Collections.unmodifiableList(new ArrayList<>(builder.mediaUrls));
    this.priority = builder.priority;
    this.workflowId = builder.workflowId;
    this.traceId = builder.traceId;
    this.metadata =
        builder.metadata.isEmpty()
            ? Map.of()
            : Collections.unmodifiableMap(new LinkedHashMap<>(builder.metadata));
  }

  /** {@return a builder; user, recipient and content are required by {@code send}} */
  public static Builder builder() {
    return new Builder();
  }

  /** {@return the caller's own id, or null if one is to be made} */
  public @Nullable String messageId() {
    return messageId;
  }

  /** {@return the user on whose behalf it is sent} */
  public @Nullable String userId() {
    return userId;
  }

  /** {@return the creator's account, or null for the user's own} */
  public @Nullable String creatorId() {
    return creatorId;
  }

  /** {@return who receives it} */
  public @Nullable String recipientId() {
    return recipientId;
  }

  /** {@return the text} */
  public @Nullable String content() {
    return content;
  }

  /** {@return the URLs of the media to attach} */
  public List<@Nullable String> mediaUrls() {
    return mediaUrls;
  }

  /** {@return how urgent it is} */
  public Priority priority() {
    return priority;
  }

  /** {@return the caller's workflow, or null} */
  public @Nullable String workflowId() {
    return workflowId;
  }

  /** {@return the caller's trace, or null} */
  public @Nullable String traceId() {
    return traceId;
  }

  /** {@return the caller's own metadata} */
  public Map<String, @Nullable Object> metadata() {
    return metadata;
  }

  @Override
  public String toString() {
    return "OnlyFansMessage[" + messageId + ", user=" + userId + ", priority=" + priority + "]";
  }

  /** Sets up an {@link OnlyFansMessage}. Not thread-safe; the last call of a method wins. */
  public static final class Builder {
    private @Nullable String messageId;
    private @Nullable String userId;
    private @Nullable String creatorId;
    private @Nullable String recipientId;
    private @Nullable String content;
    private List<? extends @Nullable String> mediaUrls = List.of();
    private Priority priority = Priority.MEDIUM;
    private @Nullable String workflowId;
    private @Nullable String traceId;
    private Map<String, ? extends @Nullable Object> metadata = Map.of();

    private Builder() {}

    /**
     * Sets an id of the caller's own, which makes the send idempotent end to end. Default: a random
     * UUID.
     *
     * @param messageId 1 to 128 letters, digits and punctuation of ASCII; unique to this message
     * @return this builder
     */
    public Builder messageId(@Nullable String messageId) {
      this.messageId = messageId;
      return this;
    }

    /**
     * Sets the user on whose behalf it is sent. Required.
     *
     * @param userId 1 to 128 characters
     * @return this builder
     */
    public Builder userId(@Nullable String userId) {
      this.userId = userId;
      return this;
    }

    /**
     * Sets the creator's account, whose order and limit the message counts on. Default: the user.
     *
     * @param creatorId 1 to 128 characters
     * @return this builder
     */
    public Builder creatorId(@Nullable String creatorId) {
      this.creatorId = creatorId;
      return this;
    }

    /**
     * Sets who receives it. Required.
     *
     * @param recipientId 1 to 128 characters
     * @return this builder
     */
    public Builder recipientId(@Nullable String recipientId) {
      this.recipientId = recipientId;
      return this;
    }

    /**
     * Sets the text. Required.
     *
     * @param content 1 to 10,000 characters, unless the client was told another limit
     * @return this builder
     */
    public Builder content(@Nullable String content) {
      this.content = content;
      return this;
    }

    /**
     * Sets the media to attach. Default: none.
     *
     * @param mediaUrls up to 10 http or https URLs, unless the client was told another limit
     * @return this builder
     */
    public Builder mediaUrls(@Nullable List<? extends @Nullable String> mediaUrls) {
      this.mediaUrls = mediaUrls == null ? List.of() : mediaUrls;
      return this;
    }

    /**
     * Sets how urgent it is. Default {@link Priority#MEDIUM}.
     *
     * @param priority the priority; null for the default
     * @return this builder
     */
    public Builder priority(@Nullable Priority priority) {
      this.priority = priority == null ? Priority.MEDIUM : priority;
      return this;
    }

    /**
     * Sets the caller's workflow, carried along for correlation. Default: none.
     *
     * @param workflowId 1 to 128 characters
     * @return this builder
     */
    public Builder workflowId(@Nullable String workflowId) {
      this.workflowId = workflowId;
      return this;
    }

    /**
     * Sets the caller's trace, carried along to the API's request. W3C's {@code traceparent} and
     * X-Ray's header are known as such; anything else goes along in the message alone. Default:
     * what the calling thread's MDC has as {@code traceparent}, or as {@code trace_id} and {@code
     * span_id} or {@code traceId} and {@code spanId}.
     *
     * @param traceId 1 to 128 characters
     * @return this builder
     */
    public Builder traceId(@Nullable String traceId) {
      this.traceId = traceId;
      return this;
    }

    /**
     * Sets metadata that travels with the message. Default: none.
     *
     * @param metadata JSON values only: strings, numbers, booleans, lists and maps of them; up to
     *     50 keys, 5 levels and 16 KiB, unless the client was told other limits
     * @return this builder
     */
    public Builder metadata(@Nullable Map<String, ? extends @Nullable Object> metadata) {
      this.metadata = metadata == null ? Map.of() : metadata;
      return this;
    }

    /** {@return the message, not yet validated} */
    public OnlyFansMessage build() {
      return new OnlyFansMessage(this);
    }
  }
}
