package com.huntaze.ratelimiter.jdbc;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A message on its way into the table. The payload is what is read again; the other columns are for
 * people and indexes, and have no content where the payload is encrypted.
 */
record NewRow(
    OutboundMessage message, Payloads.Payload payload, StoredStatus status, String error) {
  private static final int MAX_ID = 128;
  private static final int MAX_ERROR = 1_000;

  /** What one statement inserts: few enough for every database's limits, many for one trip. */
  private static final int MAX_ROWS = 100;

  private static final int MAX_CHARACTERS = 1 << 20;

  private static final String INSERT =
      """
      INSERT INTO onlyfans_messages (
        id, user_id, creator_id, recipient_id, content, media_urls, metadata, priority, trace_id,
        payload, key_id, last_error, status, next_attempt_at, created_at, updated_at)
      VALUES \
      """;

  private static final String VALUES =
      "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {now}, {now}, {now})";

  private static final String REOPEN =
      """
      UPDATE onlyfans_messages
      SET status = ?, last_error = ?, attempts = 0, next_attempt_at = {now},
        lease_owner = NULL, lease_until = NULL, updated_at = {now}
      WHERE id = ? AND status IN ('queued', 'sent')\
      """;

  /** Parameters: the reason, the id, the message's revivals. */
  private static final String BURY =
      """
      UPDATE onlyfans_messages
      SET status = 'dead', last_error = ?, lease_owner = NULL, lease_until = NULL,
        updated_at = {now}
      WHERE id = ? AND status IN ('failed', 'rate_limited') AND revivals <= ?\
      """;

  private static final String STORED = "SELECT payload, key_id FROM onlyfans_messages WHERE id = ?";

  /** The row of a message; what one database takes, and another would cut or alter, none gets. */
  static NewRow of(Payloads payloads, OutboundMessage message, StoredStatus status, String error) {
    String id = message.messageId();
    if (id.length() > MAX_ID) {
      throw new FallbackException("a message id longer than " + MAX_ID + " cannot be stored", null);
    }
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
    if (hasNul) {
      throw new FallbackException("message " + id + " has a NUL, which no table takes", null);
    }
    return new NewRow(message, payloads.write(message), status, errorColumn(error));
  }

  /** Empty if the table has the message now, else why it has not. */
  Optional<FallbackException> insertOrFind(Session session, Payloads payloads) throws SQLException {
    if (session.insert(INSERT + VALUES, values())) {
      return Optional.empty();
    }
    List<Payloads.Payload> stored =
        session.query(
            row -> new Payloads.Payload(row.getString(1), row.getString(2)),
            STORED + session.dialect().asItIsNow(),
            message.messageId());
    // Purged between the two statements, the id is free again.
    if (stored.isEmpty() && session.insert(INSERT + VALUES, values())) {
      return Optional.empty();
    }
    Optional<FallbackException> other =
        stored.isEmpty() ? Optional.of(another()) : difference(payloads, stored.get(0));
    if (other.isEmpty()) {
      // What was replayed and comes again was not delivered after all; what waits or is dead stays.
      session.update(REOPEN, status.wireName(), error, message.messageId());
      if (status == StoredStatus.DEAD) {
        session.update(BURY, error, message.messageId(), message.revival());
      }
    }
    return other;
  }

  /** Inserts rows in their order; item i is empty if the table has message i now. */
  static List<Optional<FallbackException>> insertOrFind(
      Session session, Payloads payloads, List<NewRow> rows) throws SQLException {
    List<List<NewRow>> statements = statements(rows);
    List<Optional<FallbackException>> refusals = new ArrayList<>(rows.size());
    if (statements.size() > 1) {
      session.begin(); // one is a transaction by itself, and two round trips cheaper
    }
    for (List<NewRow> some : statements) {
      if (some.size() > 1 && areAllNew(session, some)) {
        refusals.addAll(Collections.nCopies(some.size(), Optional.empty()));
      } else {
        for (NewRow row : some) {
          refusals.add(row.insertOrFind(session, payloads));
        }
      }
    }
    return refusals;
  }

  /** One statement; if an id of it is taken, some or none of its rows are inserted. */
  private static boolean areAllNew(Session session, List<NewRow> rows) throws SQLException {
    String sql = INSERT + String.join(", ", Collections.nCopies(rows.size(), VALUES));
    Object[] values = rows.stream().flatMap(row -> Arrays.stream(row.values())).toArray();
    return session.insert(sql, rows.size(), values);
  }

  private static List<List<NewRow>> statements(List<NewRow> rows) {
    List<List<NewRow>> statements = new ArrayList<>();
    long characters = Long.MAX_VALUE / 2;
    for (NewRow row : rows) {
      int size = row.payload.text().length();
      if (characters + size > MAX_CHARACTERS
          || statements.get(statements.size() - 1).size() == MAX_ROWS) {
        statements.add(new ArrayList<>());
        characters = 0;
      }
      statements.get(statements.size() - 1).add(row);
      characters += size;
    }
    return statements;
  }

  private @Nullable Object[] values() {
    boolean clear = payload.keyId() == null;
    return new @Nullable Object[] {
      message.messageId(),
      message.userId(),
      message.creatorId().orElse(null),
      message.recipientId().orElse(null),
      clear ? message.content().orElse(null) : null,
      clear ? Json.text(message.mediaUrls()) : null,
      Json.text(message.metadata()),
      message.priority().wireName(),
      message.traceId().orElse(null),
      payload.text(),
      payload.keyId(),
      error,
      status.wireName()
    };
  }

  /** Whether a payload is of another message; when each was accepted makes no other one. */
  private Optional<FallbackException> difference(Payloads payloads, Payloads.Payload stored) {
    try {
      String id = message.messageId();
      // As it would be read back: a number, say, may come back as another type of number.
      boolean same = payloads.read(id, payload, 0).isSameAs(payloads.read(id, stored, 0));
      return same ? Optional.empty() : Optional.of(another());
    } catch (Payloads.UnreadableException e) {
      return Optional.of(another());
    } catch (FallbackException e) {
      return Optional.of(e); // stored it is, and cannot be compared
    }
  }

  private FallbackException another() {
    return new FallbackException(
        "another message is stored under the id " + message.messageId(), null);
  }

  /** As much of an error as the column takes; some databases count UTF-16 units. */
  static String errorColumn(String error) {
    StringBuilder kept = new StringBuilder();
    for (int c : error.codePoints().limit(MAX_ERROR).toArray()) {
      if (kept.length() + Character.charCount(c) <= MAX_ERROR) {
        kept.appendCodePoint(c == 0 || Payloads.isHalfSurrogate(c) ? 0xFFFD : c);
      }
    }
    return kept.toString();
  }

  @Override
  public String toString() {
    return "NewRow[" + message.messageId() + "]";
  }
}
