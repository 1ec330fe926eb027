package com.huntaze.ratelimiter.jdbc;

import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.groupingBy;

import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.queue.PayloadException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Messages the queue would not take, in the table {@code onlyfans_messages} of a PostgreSQL, MySQL,
 * MariaDB or H2 database: they outlive the process, and any number of processes replay them.
 *
 * <p>Given to the client, which stores and replays. Thread-safe, as far as the data source is,
 * which stays the caller's to close. The data source must give connections of its own, not one that
 * is bound to the caller's transaction: every method commits. The isolation meant is {@code READ
 * COMMITTED}.
 *
 * <p>All times are the database's: when a message is due and when a lease ends do not depend on any
 * host's clock. Every statement is bounded by {@link Builder#queryTimeout}; how long a dead
 * connection is waited for is the driver's setting.
 *
 * <p><b>Failure:</b> {@link FallbackException}, which says what failed with the database's codes,
 * and never the driver's own message, since that may quote a row. A claimed row that cannot be
 * read, because it was edited by hand, becomes dead with the reason and holds up no other.
 */
public final class JdbcFallbackStore implements FallbackStore {
  private static final Logger log = LoggerFactory.getLogger(JdbcFallbackStore.class);

  private static final PayloadCodec CODEC = PayloadCodec.standard();

  /** How often a claim is repeated when none of its rows could be read. */
  private static final int ROUNDS = 10;

  private static final String REPLAYED =
      """
      UPDATE onlyfans_messages
      SET status = 'queued', queued_at = {now}, lease_owner = NULL, lease_until = NULL,
        updated_at = {now}
      WHERE lease_owner = ? AND id IN (%s)\
      """;

  private static final String FAILED =
      """
      UPDATE onlyfans_messages
      SET attempts = attempts + 1, last_error = ?, next_attempt_at = {later},
        lease_owner = NULL, lease_until = NULL, updated_at = {now}
      WHERE id = ? AND lease_owner = ?\
      """;

  private static final String DEAD =
      """
      UPDATE onlyfans_messages
      SET status = 'dead', attempts = attempts + 1, last_error = ?,
        lease_owner = NULL, lease_until = NULL, updated_at = {now}
      WHERE id = ? AND lease_owner = ?\
      """;

  private static final String REVIVE =
      """
      UPDATE onlyfans_messages
      SET status = 'failed', attempts = 0, next_attempt_at = {now},
        lease_owner = NULL, lease_until = NULL, updated_at = {now}
      WHERE id = ? AND status = 'dead'\
      """;

  private static final String BACKLOG =
      "SELECT status, COUNT(*), MIN(created_at), {now} FROM onlyfans_messages GROUP BY status";

  private record Standing(String status, long count, Duration oldest) {}

  private final Database database;

  private JdbcFallbackStore(Builder builder) {
    this.database =
        new Database(
            builder.dataSource, "onlyfans_messages", FallbackException::new, builder.settings);
  }

  /**
   * Starts a store.
   *
   * @param dataSource where connections come from, a pool in earnest; not closed by the store
   * @return a builder; nothing else is required
   */
  public static Builder builder(DataSource dataSource) {
    return new Builder(dataSource);
  }

  /**
   * Creates the tables and indexes that are missing, those of {@link JdbcSentLog} too, from the
   * schema file in the jar. Changes nothing where they are there; any number of processes may call
   * it at once.
   *
   * @throws FallbackException if the database cannot be used or refuses
   */
  public void createSchema() {
    database.createSchema();
  }

  @Override
  public void store(OutboundMessage message, String error) {
    insert(NewRow.of(message, StoredStatus.FAILED, error));
  }

  @Override
  public void hold(OutboundMessage message, String reason) {
    insert(NewRow.of(message, StoredStatus.DEAD, reason));
  }

  private void insert(NewRow row) {
    String id = row.message().messageId();
    boolean same = database.run("store message " + id, row::insertOrFind);
    if (!same) {
      throw new FallbackException("another message is stored under the id " + id, null);
    }
  }

  @Override
  public List<StoredMessage> claim(int max, Duration lease) {
    if (max < 1) {
      throw new IllegalArgumentException("max must be 1 or more, was " + max);
    }
    List<StoredMessage> readable = new ArrayList<>();
    for (int round = 0; round < ROUNDS; round++) {
      String token = UUID.randomUUID().toString();
      List<ClaimedRow> rows =
          database.run(
              "claim stored messages",
              session -> ClaimedRow.lease(session, max, token, Dialect.micros(lease)));
      for (ClaimedRow row : rows) {
        read(row, token).ifPresent(readable::add);
      }
      if (!readable.isEmpty() || rows.isEmpty()) {
        break;
      }
    }
    return readable;
  }

  private Optional<StoredMessage> read(ClaimedRow row, String token) {
    String fault;
    try {
      OutboundMessage message = CODEC.decode(row.payload());
      if (message.messageId().equals(row.id())) {
        return Optional.of(
            new StoredMessage(
                message,
                row.attempts(),
                Optional.ofNullable(row.lastError()),
                row.createdAt(),
                token));
      }
      fault = "the payload has another message's id";
    } catch (PayloadException e) {
      fault = "the payload cannot be read: " + e.getMessage();
    }
    log.error("Stored message {} is dead: {}", row.id(), fault);
    try {
      settleDead(row.id(), token, fault);
    } catch (FallbackException e) {
      log.warn("Stored message {} comes back as its lease ends: {}", row.id(), e.getMessage());
    }
    return Optional.empty();
  }

  @Override
  public int replayed(List<StoredMessage> claimed) {
    Map<String, List<StoredMessage>> byLease =
        claimed.stream().collect(groupingBy(StoredMessage::lease));
    int settled = 0;
    for (Map.Entry<String, List<StoredMessage>> each : byLease.entrySet()) {
      for (List<StoredMessage> some : ClaimedRow.chunks(each.getValue(), Session.MAX_VALUES)) {
        Object[] parameters =
            Stream.concat(
                    Stream.of(each.getKey()), some.stream().map(one -> one.message().messageId()))
                .toArray();
        settled +=
            database.run(
                "record " + some.size() + " replayed messages",
                session -> session.update(REPLAYED.formatted(ClaimedRow.marks(some)), parameters));
      }
    }
    return settled;
  }

  @Override
  public boolean failed(StoredMessage claimed, String error, Duration retryIn) {
    String id = claimed.message().messageId();
    long wait = Dialect.micros(retryIn);
    return database.run(
        "record the failure of message " + id,
        session ->
            session.update(FAILED, NewRow.errorColumn(error), wait, id, claimed.lease()) == 1);
  }

  @Override
  public boolean dead(StoredMessage claimed, String error) {
    return settleDead(claimed.message().messageId(), claimed.lease(), error);
  }

  private boolean settleDead(String id, String lease, String error) {
    return database.run(
        "record the death of message " + id,
        session -> session.update(DEAD, NewRow.errorColumn(error), id, lease) == 1);
  }

  @Override
  public boolean revive(String messageId) {
    return database.run(
        "revive message " + messageId, session -> session.update(REVIVE, messageId) == 1);
  }

  @Override
  public FallbackBacklog backlog() {
    List<Standing> standings =
        database.run(
            "count stored messages",
            session -> session.query(row -> standing(session.dialect(), row), BACKLOG));
    Map<StoredStatus, Long> byStatus = new EnumMap<>(StoredStatus.class);
    List<Duration> waits = new ArrayList<>();
    for (Standing standing : standings) {
      for (StoredStatus status : StoredStatus.values()) {
        if (status.wireName().equals(standing.status())) {
          byStatus.put(status, standing.count());
          if (status == StoredStatus.FAILED || status == StoredStatus.RATE_LIMITED) {
            waits.add(standing.oldest());
          }
        }
      }
    }
    return new FallbackBacklog(
        byStatus, waits.isEmpty() ? Optional.empty() : Optional.of(Collections.max(waits)));
  }

  private static Standing standing(Dialect dialect, ResultSet row) throws SQLException {
    Duration oldest = Duration.between(dialect.instant(row, 3), dialect.instant(row, 4));
    return new Standing(
        row.getString(1), row.getLong(2), oldest.isNegative() ? Duration.ZERO : oldest);
  }

  /** Sets up a {@link JdbcFallbackStore}. Not thread-safe. */
  public static final class Builder {
    private final DataSource dataSource;
    private final Settings settings = new Settings();

    private Builder(DataSource dataSource) {
      this.dataSource = requireNonNull(dataSource, "dataSource");
    }

    /**
     * Which SQL to speak. Default: what the first connection says it is connected to; say it where
     * a driver or proxy gives the database another name.
     *
     * @param dialect {@code postgresql}, {@code mysql}, {@code mariadb} or {@code h2}
     * @return this builder
     * @throws IllegalArgumentException if it is none of these
     */
    public Builder dialect(String dialect) {
      settings.dialect(dialect);
      return this;
    }

    /**
     * Whether the first call creates the tables that are missing, as {@link
     * JdbcFallbackStore#createSchema} does. Default false: the user in production often may not.
     *
     * @param createSchema whether to
     * @return this builder
     */
    public Builder createSchema(boolean createSchema) {
      settings.createSchema = createSchema;
      return this;
    }

    /**
     * The longest a statement may run. Default 10 s.
     *
     * @param queryTimeout the time, more than zero; counted in whole seconds, rounded up
     * @return this builder
     */
    public Builder queryTimeout(Duration queryTimeout) {
      settings.queryTimeout(queryTimeout);
      return this;
    }

    /** {@return the store; the database is first reached by its first call} */
    public JdbcFallbackStore build() {
      return new JdbcFallbackStore(this);
    }
  }
}
