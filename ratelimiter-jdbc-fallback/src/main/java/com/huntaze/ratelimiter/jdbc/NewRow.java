package com.huntaze.ratelimiter.jdbc;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.queue.PayloadException;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A message on its way into the table. The payload is what is read again; the rest is for people.
 */
record NewRow(OutboundMessage message, String payload, StoredStatus status, String error) {
  private static final PayloadCodec CODEC = PayloadCodec.standard();
  private static final int MAX_ID = 128;
  private static final int MAX_ERROR = 1_000;

  private static final String INSERT =
      """
      INSERT INTO onlyfans_messages (
        id, user_id, creator_id, recipient_id, content, media_urls, metadata, priority, trace_id,
        payload, last_error, status, next_attempt_at, created_at, updated_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {now}, {now}, {now})\
      """;

  private static final String REOPEN =
      """
      UPDATE onlyfans_messages
      SET status = ?, last_error = ?, attempts = 0, next_attempt_at = {now},
        lease_owner = NULL, lease_until = NULL, updated_at = {now}
      WHERE id = ? AND status = 'queued'\
      """;

  private static final String PAYLOAD = "SELECT payload FROM onlyfans_messages WHERE id = ?";

  /** The row of a message; what one database takes, and another would cut or alter, none gets. */
  static NewRow of(OutboundMessage message, StoredStatus status, String error) {
    String id = message.messageId();
    if (id.length() > MAX_ID) {
      throw new FallbackException("a message id longer than " + MAX_ID + " cannot be stored", null);
    }
    String payload = CODEC.encode(message);
    boolean hasNul =
        Stream.of(
                Optional.of(id),
                Optional.of(message.userId()),
                message.creatorId(),
                message.recipientId(),
                message.content(),
                message.traceId())
            .flatMap(Optional::stream)
            .anyMatch(text -> text.indexOf('\0') >= 0);
    if (hasNul || payload.codePoints().anyMatch(NewRow::isHalfSurrogate)) {
      throw new FallbackException(
          "message " + id + " has a NUL or half a surrogate pair, which no table takes", null);
    }
    return new NewRow(message, payload, status, errorColumn(error));
  }

  /** Whether the table has the message now; false if it has another one under its id. */
  boolean insertOrFind(Session session) throws SQLException {
    if (insert(session)) {
      return true;
    }
    List<String> stored = session.query(row -> row.getString(1), PAYLOAD, message.messageId());
    // Purged between the two statements, the id is free again.
    if (stored.isEmpty()) {
      return insert(session);
    }
    if (!isIn(stored.get(0))) {
      return false;
    }
    // What was replayed and comes again was not delivered after all; what waits or is dead stays.
    session.update(REOPEN, status.wireName(), error, message.messageId());
    return true;
  }

  private boolean insert(Session session) throws SQLException {
    return session.insert(
        INSERT,
        message.messageId(),
        message.userId(),
        message.creatorId().orElse(null),
        message.recipientId().orElse(null),
        message.content().orElse(null),
        Json.text(message.mediaUrls()),
        Json.text(message.metadata()),
        message.priority().wireName(),
        message.traceId().orElse(null),
        payload,
        error,
        status.wireName());
  }

  /** Whether a payload is of this message; when it was accepted does not make it another one. */
  private boolean isIn(String storedPayload) {
    try {
      // As it would be read back: a number, say, may come back as another type of number.
      return CODEC.decode(payload).isSameAs(CODEC.decode(storedPayload));
    } catch (PayloadException e) {
      return false;
    }
  }

  private static boolean isHalfSurrogate(int codePoint) {
    return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
  }

  /** As much of an error as the column takes; some databases count UTF-16 units. */
  static String errorColumn(String error) {
    StringBuilder kept = new StringBuilder();
    for (int c : error.codePoints().limit(MAX_ERROR).toArray()) {
      if (kept.length() + Character.charCount(c) <= MAX_ERROR) {
        kept.appendCodePoint(c == 0 || isHalfSurrogate(c) ? '\uFFFD' : c);
      }
    }
    return kept.toString();
  }

  @Override
  public String toString() {
    return "NewRow[" + message.messageId() + "]";
  }
}
