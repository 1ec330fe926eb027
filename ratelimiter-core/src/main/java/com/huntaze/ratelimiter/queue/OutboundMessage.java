package com.huntaze.ratelimiter.queue;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A message that was accepted and is on its way: what queues, stores and the gateway hand on.
 *
 * <p>Made by the client from a validated message, and by the payload codecs from what a queue
 * holds. Immutable and thread-safe. {@link #toString} shows no content, URL or metadata. A number
 * in metadata or unknown fields has the type it would have after a way through a queue.
 */
public final class OutboundMessage {
  /** The action of a message to a fan. */
  public static final String SEND_MESSAGE = "send_message";

  /** The action that reads a profile's page. */
  public static final String SCRAPE_PROFILE = "scrape_profile";

  /** The action that reads media. */
  public static final String DOWNLOAD_MEDIA = "download_media";

  /** The action that reads an account's messages. */
  public static final String GET_MESSAGES = "get_messages";

  private static final Set<String> READS = Set.of(SCRAPE_PROFILE, DOWNLOAD_MEDIA, GET_MESSAGES);

  private final String messageId;
  private final String action;
  private final String userId;
  private final @Nullable String creatorId;
  private final @Nullable String recipientId;
  private final @Nullable String content;
  private final List<String> mediaUrls;
  private final @Nullable String profileUrl;
  private final Priority priority;
  private final Instant timestamp;
  private final @Nullable String workflowId;
  private final @Nullable String traceId;
  private final Map<String, Object> metadata;
  private final Map<String, Object> unknownFields;
  private final int revival;

  /** Made once it is asked for; threads that race make equal ones. */
  private @Nullable String timestampText;

  private OutboundMessage(Builder builder) {
    this.messageId = requireNonNull(builder.messageId, "messageId");
    this.userId = requireNonNull(builder.userId, "userId");
    this.action = builder.action;
    this.creatorId = builder.creatorId;
    this.recipientId = builder.recipientId;
    this.content = builder.content;
    this.mediaUrls = List.copyOf(builder.mediaUrls);
    this.profileUrl = builder.profileUrl;
    this.priority = builder.priority;
    this.timestamp = requireNonNull(builder.timestamp, "timestamp");
    this.workflowId = builder.workflowId;
    this.traceId = builder.traceId;
    this.metadata = JsonValues.copy(builder.metadata);
    this.unknownFields = JsonValues.copy(builder.unknownFields);
    this.revival = builder.revival;
  }

  /**
   * Starts a message.
   *
   * @param messageId the id, which every step keeps
   * @param userId the user on whose behalf it is sent
   * @param timestamp when it was accepted
   * @return a builder with the action {@value #SEND_MESSAGE} and medium priority
   */
  public static Builder builder(String messageId, String userId, Instant timestamp) {
    return new Builder(messageId, userId, timestamp);
  }

  /** {@return the id that makes the message the same one at every step} */
  public String messageId() {
    return messageId;
  }

  /** {@return what the gateway is to do, {@value #SEND_MESSAGE} for a message to a fan} */
  public String action() {
    return action;
  }

  /**
   * {@return whether its action only reads, so that doing it twice harms nobody} False for {@value
   * #SEND_MESSAGE} and for every action this version does not know.
   */
  public boolean isRead() {
    return READS.contains(action);
  }

  /** {@return the user on whose behalf it is sent} */
  public String userId() {
    return userId;
  }

  /** {@return the creator's account, where it was given} */
  public Optional<String> creatorId() {
    return Optional.ofNullable(creatorId);
  }

  /**
   * {@return the account whose order and limit the message counts on: the creator, else the user}
   */
  public String creator() {
    return creatorId == null ? userId : creatorId;
  }

  /** {@return who receives it; present for {@value #SEND_MESSAGE}} */
  public Optional<String> recipientId() {
    return Optional.ofNullable(recipientId);
  }

  /** {@return the text; present for {@value #SEND_MESSAGE}} */
  public Optional<String> content() {
    return Optional.ofNullable(content);
  }

  /** {@return the URLs of the media to attach, or to read for {@value #DOWNLOAD_MEDIA}} */
  public List<String> mediaUrls() {
    return mediaUrls;
  }

  /** {@return the profile to read; present for {@value #SCRAPE_PROFILE}} */
  public Optional<String> profileUrl() {
    return Optional.ofNullable(profileUrl);
  }

  /** {@return how urgent it is} */
  public Priority priority() {
    return priority;
  }

  /** {@return when it was accepted, by the accepting host's clock} */
  public Instant timestamp() {
    return timestamp;
  }

  /** {@return when it was accepted, in ISO-8601 and UTC, as payloads and attributes say it} */
  public String timestampText() {
    String text = timestampText;
    if (text == null) {
      text = Timestamps.text(timestamp);
      timestampText = text;
    }
    return text;
  }

  /** {@return the caller's workflow, where it was given} */
  public Optional<String> workflowId() {
    return Optional.ofNullable(workflowId);
  }

  /** {@return the caller's trace, where it was given} */
  public Optional<String> traceId() {
    return Optional.ofNullable(traceId);
  }

  /** {@return the forms in which the caller's trace goes from part to part} */
  public TraceContext trace() {
    return TraceContext.of(traceId);
  }

  /** {@return the caller's own metadata: JSON values only, unmodifiable} */
  public Map<String, Object> metadata() {
    return metadata;
  }

  /**
   * {@return fields of the payload it was read from that this version does not know; kept when it
   * is written again}
   */
  public Map<String, Object> unknownFields() {
    return unknownFields;
  }

  /**
   * {@return how often an operator has revived it after it was dead; 0 for nearly all} A queue that
   * recognises repetitions tells one revival from another by it.
   */
  public int revival() {
    return revival;
  }

  /**
   * The same message after another number of revivals.
   *
   * @param revival the number, 0 or more
   * @return the message, this one if the number is its own
   */
  public OutboundMessage withRevival(int revival) {
    return revival == this.revival ? this : copy().revival(revival).build();
  }

  /**
   * The same message in a trace.
   *
   * @param traceId the trace's id
   * @return the message
   */
  public OutboundMessage withTraceId(String traceId) {
    return copy().traceId(traceId).build();
  }

  private Builder copy() {
    return new Builder(messageId, userId, timestamp)
        .action(action)
        .creatorId(creatorId)
        .recipientId(recipientId)
        .content(content)
        .mediaUrls(mediaUrls)
        .profileUrl(profileUrl)
        .priority(priority)
        .workflowId(workflowId)
        .traceId(traceId)
        .metadata(metadata)
        .unknownFields(unknownFields)
        .revival(revival);
  }

  /**
   * Whether this is the same message, whenever each of the two was accepted: a caller that sends an
   * id again sends it later, and in another trace. Nor does it matter how often each was revived,
   * or whether the creator is named although it is the user.
   *
   * @param that the other message
   * @return whether all but the timestamps, traces and revivals is equal
   */
  public boolean isSameAs(OutboundMessage that) {
    return messageId.equals(that.messageId)
        && action.equals(that.action)
        && userId.equals(that.userId)
        && creator().equals(that.creator())
        && Objects.equals(recipientId, that.recipientId)
        && Objects.equals(content, that.content)
        && mediaUrls.equals(that.mediaUrls)
        && Objects.equals(profileUrl, that.profileUrl)
        && priority == that.priority
        && Objects.equals(workflowId, that.workflowId)
        && metadata.equals(that.metadata)
        && unknownFields.equals(that.unknownFields);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof OutboundMessage that
        && isSameAs(that)
        && Objects.equals(traceId, that.traceId)
        && timestamp.equals(that.timestamp)
        && revival == that.revival;
  }

  @Override
  public int hashCode() {
    return messageId.hashCode();
  }

  @Override
  public String toString() {
    return "OutboundMessage["
        + messageId
        + ", action="
        + action
        + ", user="
        + userId
        + ", creator="
        + creator()
        + ", priority="
        + priority
        + ", timestamp="
        + timestamp
        + "]";
  }

  /** Sets up an {@link OutboundMessage}. Not thread-safe. */
  public static final class Builder {
    private final String messageId;
    private final String userId;
    private final Instant timestamp;
    private String action = SEND_MESSAGE;
    private @Nullable String creatorId;
    private @Nullable String recipientId;
    private @Nullable String content;
    private List<String> mediaUrls = List.of();
    private @Nullable String profileUrl;
    private Priority priority = Priority.MEDIUM;
    private @Nullable String workflowId;
    private @Nullable String traceId;
    private Map<String, Object> metadata = Map.of();
    private Map<String, Object> unknownFields = Map.of();
    private int revival;

    private Builder(String messageId, String userId, Instant timestamp) {
      this.messageId = messageId;
      this.userId = userId;
      this.timestamp = timestamp;
    }

    /**
     * Sets what the gateway is to do.
     *
     * @param action the action's name
     * @return this builder
     */
    public Builder action(String action) {
      this.action = requireNonNull(action, "action");
      return this;
    }

    /**
     * Sets the creator's account.
     *
     * @param creatorId the account, or null for the user's own
     * @return this builder
     */
    public Builder creatorId(@Nullable String creatorId) {
      this.creatorId = creatorId;
      return this;
    }

    /**
     * Sets who receives it.
     *
     * @param recipientId the fan
     * @return this builder
     */
    public Builder recipientId(@Nullable String recipientId) {
      this.recipientId = recipientId;
      return this;
    }

    /**
     * Sets the text.
     *
     * @param content the text
     * @return this builder
     */
    public Builder content(@Nullable String content) {
      this.content = content;
      return this;
    }

    /**
     * Sets the media to attach or to read.
     *
     * @param mediaUrls their URLs
     * @return this builder
     */
    public Builder mediaUrls(List<String> mediaUrls) {
      this.mediaUrls = requireNonNull(mediaUrls, "mediaUrls");
      return this;
    }

    /**
     * Sets the profile to read.
     *
     * @param profileUrl its URL
     * @return this builder
     */
    public Builder profileUrl(@Nullable String profileUrl) {
      this.profileUrl = profileUrl;
      return this;
    }

    /**
     * Sets how urgent it is.
     *
     * @param priority the priority
     * @return this builder
     */
    public Builder priority(Priority priority) {
      this.priority = requireNonNull(priority, "priority");
      return this;
    }

    /**
     * Sets the caller's workflow.
     *
     * @param workflowId its id
     * @return this builder
     */
    public Builder workflowId(@Nullable String workflowId) {
      this.workflowId = workflowId;
      return this;
    }

    /**
     * Sets the caller's trace.
     *
     * @param traceId its id
     * @return this builder
     */
    public Builder traceId(@Nullable String traceId) {
      this.traceId = traceId;
      return this;
    }

    /**
     * Sets the caller's metadata.
     *
     * @param metadata JSON values only
     * @return this builder
     */
    public Builder metadata(Map<String, Object> metadata) {
      this.metadata = requireNonNull(metadata, "metadata");
      return this;
    }

    /**
     * Keeps fields this version does not know.
     *
     * @param unknownFields top-level fields of the payload, JSON values only
     * @return this builder
     */
    public Builder unknownFields(Map<String, Object> unknownFields) {
      this.unknownFields = requireNonNull(unknownFields, "unknownFields");
      return this;
    }

    /**
     * Sets how often an operator has revived it. Default 0.
     *
     * @param revival the number, 0 or more
     * @return this builder
     */
    public Builder revival(int revival) {
      if (revival < 0) {
        throw new IllegalArgumentException("revival must be 0 or more, was " + revival);
      }
      this.revival = revival;
      return this;
    }

    /** {@return the message} */
    public OutboundMessage build() {
      return new OutboundMessage(this);
    }
  }
}
