package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One thing to read from the external API on behalf of one user, as the caller states it: an
 * account's messages, a profile or a medium. It goes the way of a message, under the same limit;
 * what the API answered is found in the worker's result store.
 *
 * <p>Immutable and thread-safe. Building never fails: {@link RateLimitedOnlyFansClient#submit}
 * validates every field before anything else happens and reports all violations together. {@link
 * #toString} shows no URL or metadata.
 */
public final class OnlyFansAction {
  private final String action;
  private final @Nullable String messageId;
  private final @Nullable String userId;
  private final @Nullable String creatorId;
  private final @Nullable String recipientId;
  private final @Nullable String profileUrl;
  private final @Nullable String mediaUrl;
  private final Priority priority;
  private final @Nullable String workflowId;
  private final @Nullable String traceId;
  private final Map<String, @Nullable Object> metadata;

  private OnlyFansAction(Builder builder) {
    this.action = builder.action;
    this.messageId = builder.messageId;
    this.userId = builder.userId;
    this.creatorId = builder.creatorId;
    this.recipientId = builder.recipientId;
    this.profileUrl = builder.profileUrl;
    this.mediaUrl = builder.mediaUrl;
    this.priority = builder.priority;
    this.workflowId = builder.workflowId;
    this.traceId = builder.traceId;
    this.metadata = Collections.unmodifiableMap(new LinkedHashMap<>(builder.metadata));
  }

  /**
   * Starts reading the messages of the creator's account, or of one chat if a recipient is set.
   *
   * @return a builder; the user is required
   */
  public static Builder getMessages() {
    return new Builder(OutboundMessage.GET_MESSAGES);
  }

  /**
   * Starts reading a profile.
   *
   * @param profileUrl its URL, http or https; required
   * @return a builder; the user is required
   */
  public static Builder scrapeProfile(@Nullable String profileUrl) {
    Builder builder = new Builder(OutboundMessage.SCRAPE_PROFILE);
    builder.profileUrl = profileUrl;
    return builder;
  }

  /**
   * Starts reading a medium: one, since each is a call of its own against the limit.
   *
   * @param mediaUrl its URL, http or https; required
   * @return a builder; the user is required
   */
  public static Builder downloadMedia(@Nullable String mediaUrl) {
    Builder builder = new Builder(OutboundMessage.DOWNLOAD_MEDIA);
    builder.mediaUrl = mediaUrl;
    return builder;
  }

  /** {@return what is to be done, as in {@link OutboundMessage#action}} */
  public String action() {
    return action;
  }

  /** {@return the caller's own id, or null if one is to be made} */
  public @Nullable String messageId() {
    return messageId;
  }

  /** {@return the user on whose behalf it is done} */
  public @Nullable String userId() {
    return userId;
  }

  /** {@return the creator's account, or null for the user's own} */
  public @Nullable String creatorId() {
    return creatorId;
  }

  /** {@return whose chat it is about, or null} */
  public @Nullable String recipientId() {
    return recipientId;
  }

  /** {@return the profile to read, or null} */
  public @Nullable String profileUrl() {
    return profileUrl;
  }

  /** {@return the medium to read, or null} */
  public @Nullable String mediaUrl() {
    return mediaUrl;
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
    return "OnlyFansAction["
        + action
        + ", "
        + messageId
        + ", user="
        + userId
        + ", priority="
        + priority
        + "]";
  }

  /** Sets up an {@link OnlyFansAction}. Not thread-safe; the last call of a method wins. */
  public static final class Builder {
    private final String action;
    private @Nullable String messageId;
    private @Nullable String userId;
    private @Nullable String creatorId;
    private @Nullable String recipientId;
    private @Nullable String profileUrl;
    private @Nullable String mediaUrl;
    private Priority priority = Priority.MEDIUM;
    private @Nullable String workflowId;
    private @Nullable String traceId;
    private Map<String, ? extends @Nullable Object> metadata = Map.of();

    private Builder(String action) {
      this.action = action;
    }

    /**
     * Sets an id of the caller's own, which makes the action idempotent end to end. Default: a
     * random UUID.
     *
     * @param messageId 1 to 128 letters, digits and punctuation of ASCII; unique to this action
     * @return this builder
     */
    public Builder messageId(@Nullable String messageId) {
      this.messageId = messageId;
      return this;
    }

    /**
     * Sets the user on whose behalf it is done. Required.
     *
     * @param userId 1 to 128 characters
     * @return this builder
     */
    public Builder userId(@Nullable String userId) {
      this.userId = userId;
      return this;
    }

    /**
     * Sets the creator's account, whose order and limit it counts on. Default: the user.
     *
     * @param creatorId 1 to 128 characters
     * @return this builder
     */
    public Builder creatorId(@Nullable String creatorId) {
      this.creatorId = creatorId;
      return this;
    }

    /**
     * Sets whose chat it is about. Default: nobody's.
     *
     * @param recipientId 1 to 128 characters
     * @return this builder
     */
    public Builder recipientId(@Nullable String recipientId) {
      this.recipientId = recipientId;
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
     * Sets metadata that travels with the action. Default: none.
     *
     * @param metadata JSON values only, within the bounds of a message's
     * @return this builder
     */
    public Builder metadata(@Nullable Map<String, ? extends @Nullable Object> metadata) {
      this.metadata = metadata == null ? Map.of() : metadata;
      return this;
    }

    /** {@return the action, not yet validated} */
    public OnlyFansAction build() {
      return new OnlyFansAction(this);
    }
  }
}
