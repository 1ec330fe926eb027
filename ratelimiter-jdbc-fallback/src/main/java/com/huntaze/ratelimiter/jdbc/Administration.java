package com.huntaze.ratelimiter.jdbc;

import static java.util.stream.Collectors.toSet;

import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.StoredEntry;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is done to stored messages beside storing and replaying them. Thread-safe. */
final class Administration {
  private static final Logger log = LoggerFactory.getLogger(JdbcFallbackStore.class);

  /** How many rows one statement changes when there are many. */
  private static final int STEP = 500;

  private static final String ENTRY =
      """
      SELECT seq, id, user_id, order_key, recipient_id, priority, status, attempts, revivals,
        last_error, created_at, next_attempt_at, lease_until, {now}
      FROM onlyfans_messages WHERE\
      """;

  private static final String PAYLOAD =
      "SELECT payload, key_id, revivals FROM onlyfans_messages WHERE id = ?";

  /** A status that none of ours is, set by hand, counts as dead. */
  private static final String IS_DEAD =
      "id = ? AND status NOT IN ('failed', 'rate_limited', 'queued', 'sent')";

  private static final String REVIVE =
      """
      UPDATE onlyfans_messages
      SET status = 'failed', attempts = 0, revivals = LEAST(revivals, 1000000) + 1, next_attempt_at = {now},
        lease_owner = NULL, lease_until = NULL, updated_at = {now}
      WHERE\
      """;

  private static final String OLDEST =
      "SELECT created_at, {now} FROM onlyfans_messages WHERE %s ORDER BY seq LIMIT 1";

  private static final String ODD =
      "SELECT id FROM onlyfans_messages WHERE waiting = FALSE AND status = ? LIMIT " + STEP;

  private static final String BURY =
      """
      UPDATE onlyfans_messages{byId}
      SET status = 'dead', last_error = 'its status was none that this table has',
        updated_at = {now}
      WHERE status = ? AND id IN (%s)\
      """;

  /** Delivered without a note of when it was queued, by which rows are purged. */
  private static final String UNDATED =
      """
      SELECT id FROM onlyfans_messages
      WHERE waiting = FALSE AND status = 'sent' AND queued_at IS NULL LIMIT\
      """
          + " "
          + STEP;

  private static final String DATE =
      """
      UPDATE onlyfans_messages{byId} SET queued_at = COALESCE(sent_at, updated_at) WHERE id IN (%s)\
      """;

  private static final String CAN_WRITE = "DELETE FROM onlyfans_messages WHERE id = ''";

  private static final String NEXT_PAYLOADS =
      """
      SELECT id, payload, key_id FROM onlyfans_messages WHERE id > ? ORDER BY id LIMIT 50\
      """;

  private static final String ENCRYPTED =
      """
      UPDATE onlyfans_messages
      SET payload = ?, key_id = ?, content = NULL, media_urls = NULL, updated_at = {now}
      WHERE id = ? AND payload = ?\
      """;

  private record Row(Payloads.Payload payload, int revivals) {}

  private record Held(String id, Payloads.Payload payload) {}

  private final Database database;
  private final Payloads payloads;

  Administration(Database database, Payloads payloads) {
    this.database = database;
    this.payloads = payloads;
  }

  List<StoredEntry> list(StoredStatus status, int max, long after) {
    if (max < 1) {
      throw new IllegalArgumentException("max must be 1 or more, was " + max);
    }
    return database.run(
        "list stored messages",
        session ->
            session.query(
                row -> entry(session.dialect(), row),
                ENTRY
                    + " "
                    + session.dialect().isAt(status)
                    + " AND seq > ? ORDER BY status, seq LIMIT "
                    + max,
                status.wireName(),
                after));
  }

  Optional<StoredEntry> find(String messageId) {
    return database
        .run(
            "look message " + messageId + " up",
            session ->
                session.query(row -> entry(session.dialect(), row), ENTRY + " id = ?", messageId))
        .stream()
        .findFirst();
  }

  Optional<OutboundMessage> read(String messageId) {
    List<Row> found =
        database.run(
            "read message " + messageId,
            session ->
                session.query(
                    row ->
                        new Row(
                            new Payloads.Payload(row.getString(1), row.getString(2)),
                            Math.max(0, row.getInt(3))),
                    PAYLOAD,
                    messageId));
    if (found.isEmpty()) {
      return Optional.empty();
    }
    try {
      Row row = found.get(0);
      return Optional.of(payloads.read(messageId, row.payload(), row.revivals()));
    } catch (Payloads.UnreadableException e) {
      throw new FallbackException(
          "message " + messageId + " cannot be read: " + e.getMessage(), null);
    }
  }

  boolean revive(String messageId) {
    return database.run(
        "revive message " + messageId,
        session -> session.update(REVIVE + " " + IS_DEAD, messageId) == 1);
  }

  boolean delete(String messageId) {
    return database.run(
        "delete message " + messageId,
        session ->
            session.update("DELETE FROM onlyfans_messages WHERE " + IS_DEAD, messageId) == 1);
  }

  /**
   * Looks first and deletes by id then: a search that deletes would lock all it looks at. MySQL
   * takes ids that differ by blanks at their end for equal.
   */
  long erase(String column, String value) {
    String doing = "erase messages by " + column;
    String some =
        """
        SELECT id FROM onlyfans_messages WHERE %1$s = ? AND CHAR_LENGTH(%1$s) = CHAR_LENGTH(?) LIMIT %2$d\
        """
            .formatted(column, STEP);
    long erased = 0;
    while (true) {
      List<String> ids = ids(doing, some, value, value);
      if (ids.isEmpty()) {
        return erased;
      }
      String delete =
          "DELETE FROM onlyfans_messages WHERE id IN (%s)".formatted(Dialect.marks(ids.size()));
      erased +=
          database.run(
              doing,
              session -> {
                session.beginReadCommitted();
                return session.update(delete, ids.toArray());
              });
    }
  }

  int purge(Duration age, int max) {
    if (max < 1) {
      throw new IllegalArgumentException("max must be 1 or more, was " + max);
    }
    long since = Dialect.microsAgo(age);
    date();
    int purged =
        database.run(
            "purge replayed messages",
            session -> {
              session.beginReadCommitted();
              return session.update(session.dialect().purge(max), since);
            });
    if (purged < max && !database.isNewerSchema()) {
      bury();
    }
    return purged;
  }

  private void date() {
    List<String> ids = ids("look for undated rows", UNDATED);
    if (!ids.isEmpty()) {
      String date = DATE.formatted(Dialect.marks(ids.size()));
      database.run("date rows", session -> session.update(date, ids.toArray()));
    }
  }

  /** What has a status that none of ours is can be neither claimed nor listed: it is dead. */
  private void bury() {
    Set<String> known =
        Stream.of(StoredStatus.values()).map(StoredStatus::wireName).collect(toSet());
    for (String status : statuses().keySet()) {
      List<String> ids = known.contains(status) ? List.of() : ids("look for odd rows", ODD, status);
      if (!ids.isEmpty()) {
        String bury = BURY.formatted(Dialect.marks(ids.size()));
        List<Object> parameters = new ArrayList<>(List.of(status));
        parameters.addAll(ids);
        int buried =
            database.run("bury odd rows", session -> session.update(bury, parameters.toArray()));
        log.warn("{} stored messages had a status that the store does not know: dead", buried);
      }
    }
  }

  private List<String> ids(String doing, String sql, Object... parameters) {
    return database.run(doing, session -> session.query(row -> row.getString(1), sql, parameters));
  }

  private Map<String, Long> statuses() {
    return database.run("count stored messages", Administration::statuses);
  }

  private static Map<String, Long> statuses(Session session) throws SQLException {
    session.begin();
    for (String setting : session.dialect().byIndexOnly()) {
      session.execute(setting);
    }
    Map<String, Long> counts = new HashMap<>();
    session.query(
        row -> counts.merge(row.getString(1), row.getLong(2), Long::sum),
        session.dialect().countByStatus());
    return counts;
  }

  FallbackBacklog backlog() {
    return database.run(
        "count stored messages",
        session -> {
          Map<StoredStatus, Long> byStatus = new EnumMap<>(StoredStatus.class);
          statuses(session)
              .forEach((name, count) -> byStatus.merge(status(name), count, Long::sum));
          return new FallbackBacklog(byStatus, oldest(session));
        });
  }

  private static Optional<Duration> oldest(Session session) throws SQLException {
    Duration longest = null;
    for (StoredStatus waiting : List.of(StoredStatus.FAILED, StoredStatus.RATE_LIMITED)) {
      for (Duration age :
          session.query(
              row -> since(session.dialect(), row, 1, 2),
              OLDEST.formatted(session.dialect().isAt(waiting)),
              waiting.wireName())) {
        longest = longest == null || age.compareTo(longest) > 0 ? age : longest;
      }
    }
    return Optional.ofNullable(longest);
  }

  List<String> check() {
    database.run("write", session -> session.update(CAN_WRITE));
    return database.isNewerSchema()
        ? List.of("the tables are of a later version than this library knows: update it")
        : List.of();
  }

  long encryptAgain() {
    String keyId = payloads.currentKeyId();
    long encrypted = 0;
    String after = "";
    while (keyId != null) {
      String from = after;
      List<Held> rows =
          database.run(
              "read stored messages",
              session -> session.query(Administration::held, NEXT_PAYLOADS, from));
      if (rows.isEmpty()) {
        break;
      }
      for (Held row : rows) {
        if (!keyId.equals(row.payload().keyId()) && encryptAgain(row)) {
          encrypted++;
        }
      }
      after = rows.get(rows.size() - 1).id();
    }
    return encrypted;
  }

  private boolean encryptAgain(Held row) {
    try {
      Payloads.Payload again = payloads.writeAgain(row.id(), row.payload());
      return database.run(
          "encrypt message " + row.id(),
          session ->
              session.update(ENCRYPTED, again.text(), again.keyId(), row.id(), row.payload().text())
                  == 1);
    } catch (Payloads.UnreadableException e) {
      log.warn("Stored message {} cannot be encrypted again: {}", row.id(), e.getMessage());
      return false;
    }
  }

  private static Held held(ResultSet row) throws SQLException {
    return new Held(row.getString(1), new Payloads.Payload(row.getString(2), row.getString(3)));
  }

  private static StoredEntry entry(Dialect dialect, ResultSet row) throws SQLException {
    Instant now = dialect.instant(row, 14);
    Duration dueIn = Duration.between(now, dialect.instant(row, 12));
    boolean claimed = row.getObject(13) != null && dialect.instant(row, 13).isAfter(now);
    return new StoredEntry(
        row.getLong(1),
        row.getString(2),
        row.getString(3),
        row.getString(4),
        Optional.ofNullable(row.getString(5)),
        priority(row.getString(6)),
        status(row.getString(7)),
        row.getInt(8),
        row.getInt(9),
        Optional.ofNullable(row.getString(10)),
        dialect.instant(row, 11),
        dueIn.isNegative() ? Duration.ZERO : dueIn,
        claimed);
  }

  private static Duration since(Dialect dialect, ResultSet row, int then, int now)
      throws SQLException {
    Duration since = Duration.between(dialect.instant(row, then), dialect.instant(row, now));
    return since.isNegative() ? Duration.ZERO : since;
  }

  private static StoredStatus status(@Nullable String name) {
    for (StoredStatus status : StoredStatus.values()) {
      if (status.wireName().equals(name)) {
        return status;
      }
    }
    return StoredStatus.DEAD;
  }

  private static Priority priority(String name) {
    for (Priority priority : Priority.values()) {
      if (priority.wireName().equals(name)) {
        return priority;
      }
    }
    return Priority.MEDIUM;
  }
}
