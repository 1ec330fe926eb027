package com.huntaze.ratelimiter.jdbc;

import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toList;

import com.huntaze.ratelimiter.fallback.FallbackAdmin;
import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.NotQueued;
import com.huntaze.ratelimiter.fallback.StoredEntry;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Messages the queue would not take, in the table {@code onlyfans_messages} of a PostgreSQL, MySQL,
 * MariaDB or H2 database: they outlive the process, and any number of processes replay them.
 *
 * <p>Given to the client, which stores and replays. Thread-safe, as far as the data source is,
 * which stays the caller's to close. The data source must give connections of its own, not one that
 * is bound to the caller's transaction: every method commits, but for {@link #store(Connection,
 * OutboundMessage)}. The isolation meant is {@code READ COMMITTED}.
 *
 * <p>All times are the database's: when a message is due and when a lease ends do not depend on any
 * host's clock. No lease and no back-off is longer than a day; a row that waits for more than two
 * was not written so by the store, and is due. Every statement is bounded by {@link
 * Builder#queryTimeout}; how long a dead connection is waited for is the driver's setting.
 *
 * <p><b>Failure:</b> {@link FallbackException}, which says what failed with the database's codes,
 * and never the driver's own message, since that may quote a row. A claimed row that cannot be
 * read, because it was edited by hand, becomes dead with the reason and holds up no other; one
 * whose key is not at hand waits five minutes, and its creator's later ones with it, and is dead
 * after twenty times.
 */
public final class JdbcFallbackStore implements FallbackStore, FallbackAdmin {
  private static final Logger log = LoggerFactory.getLogger(JdbcFallbackStore.class);

  /** How often a claim looks again when nothing of what it looked at could be handed out. */
  private static final int LOOKS = 10;

  /** The most rows a later look takes in; each looks at twice as many as the one before. */
  private static final int WIDEST_LOOK = 5_000;

  /** How long a row is left alone whose key is not at hand, in microseconds. */
  private static final long KEY_MISSING = Duration.ofMinutes(5).toNanos() / 1_000;

  /** How often it is left alone before it is dead, and holds up its creator no more. */
  private static final int KEY_MISSED = 20;

  private static final String SETTLED =
      "lease_owner = NULL, lease_until = NULL, updated_at = {now}";

  private static final String REPLAYED =
      "UPDATE onlyfans_messages{byId} SET status = 'queued', queued_at = {now}, "
          + SETTLED
          + " WHERE lease_owner = ? AND id IN (%s)";

  private static final String RELEASED =
      "UPDATE onlyfans_messages{byId} SET next_attempt_at = {later}, "
          + SETTLED
          + " WHERE lease_owner = ? AND id IN (%s)";

  private static final String FAILED =
      "UPDATE onlyfans_messages{byId} SET attempts = LEAST(attempts, 1000000) + 1, last_error = ?,"
          + " next_attempt_at = {later}, "
          + SETTLED
          + " WHERE id = ? AND lease_owner = ?";

  private static final String DEAD =
      "UPDATE onlyfans_messages{byId} SET status = 'dead', attempts = LEAST(attempts, 1000000) + 1, last_error = ?, "
          + SETTLED
          + " WHERE id = ? AND lease_owner = ?";

  private static final String WAITING =
      """
      SELECT DISTINCT order_key FROM onlyfans_messages
      WHERE waiting = TRUE AND order_key IN (%s)\
      """;

  private final Database database;
  private final Payloads payloads;
  private final Administration administration;

  private JdbcFallbackStore(Builder builder) {
    this.database =
        new Database(
            builder.dataSource, "onlyfans_messages", FallbackException::new, builder.settings);
    this.payloads = new Payloads(builder.keys);
    this.administration = new Administration(database, payloads);
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
   * Brings the tables to this library's version, those of {@link JdbcSentLog} too, from the schema
   * files in the jar. Changes nothing where they are; any number of processes may call it at once.
   * A host that migrates by a tool of its own hands it the files instead, in their order: they are
   * beside this class, in {@code schema/postgresql}, {@code schema/mysql} and {@code schema/h2}.
   *
   * @throws FallbackException if the database cannot be used or refuses
   */
  public void createSchema() {
    database.createSchema();
  }

  @Override
  public void store(OutboundMessage message, String error) {
    insert(message, StoredStatus.FAILED, error);
  }

  /**
   * Stores a message in a transaction of the caller's, as an outbox: it is replayed once that
   * commits, and gone if it rolls back. Nothing is committed here, and the connection is left open.
   * {@link com.huntaze.ratelimiter.RateLimitedOnlyFansClient#outbox} makes the message.
   *
   * @param connection a connection to the store's database, in a transaction
   * @param message the message as accepted
   * @throws FallbackException if it could not be stored, or another message has the same id; the
   *     transaction should be rolled back then, and on PostgreSQL can do nothing else
   * @throws IllegalArgumentException if the connection is in auto-commit mode
   */
  public void store(Connection connection, OutboundMessage message) {
    NewRow row = NewRow.of(payloads, message, StoredStatus.FAILED, "stored by its sender");
    Optional<FallbackException> refusal =
        database.runOn(
            connection,
            "store message " + message.messageId(),
            session -> row.insertOrFind(session, payloads));
    if (refusal.isPresent()) {
      throw refusal.get();
    }
  }

  @Override
  public List<Optional<FallbackException>> storeAll(List<NotQueued> messages) {
    List<Optional<FallbackException>> refusals = new ArrayList<>(messages.size());
    List<NewRow> rows = new ArrayList<>(messages.size());
    for (NotQueued each : messages) {
      try {
        rows.add(NewRow.of(payloads, each.message(), StoredStatus.FAILED, each.error()));
        refusals.add(Optional.empty());
      } catch (FallbackException e) {
        refusals.add(Optional.of(e));
      }
    }
    List<Optional<FallbackException>> answers =
        rows.isEmpty()
            ? List.of()
            : database.run(
                "store " + rows.size() + " messages",
                session -> NewRow.insertOrFind(session, payloads, rows));
    for (int i = 0, row = 0; i < refusals.size(); i++) {
      if (refusals.get(i).isEmpty()) {
        refusals.set(i, answers.get(row++));
      }
    }
    return refusals;
  }

  @Override
  public void hold(OutboundMessage message, String reason) {
    insert(message, StoredStatus.DEAD, reason);
  }

  private void insert(OutboundMessage message, StoredStatus status, String error) {
    NewRow row = NewRow.of(payloads, message, status, error);
    Optional<FallbackException> refusal =
        database.run(
            "store message " + message.messageId(), session -> row.insertOrFind(session, payloads));
    if (refusal.isPresent()) {
      throw refusal.get();
    }
  }

  @Override
  public List<StoredMessage> claim(int max, Duration lease) {
    if (max < 1) {
      throw new IllegalArgumentException("max must be 1 or more, was " + max);
    }
    List<StoredMessage> readable = new ArrayList<>();
    Set<String> passedOver = new HashSet<>();
    int window = max;
    for (int look = 0; look < LOOKS; look++) {
      String token = UUID.randomUUID().toString();
      int looksAt = window;
      Claim claim =
          database.run(
              "claim stored messages",
              session ->
                  Claim.look(session, looksAt, max, passedOver, token, Dialect.micros(lease)));
      claim.leased().forEach(row -> read(row, token).ifPresent(readable::add));
      if (!readable.isEmpty() || (claim.leased().isEmpty() && claim.heldUp().isEmpty())) {
        break;
      }
      passedOver.addAll(claim.heldUp());
      window = Math.max(max, Math.min(2 * window, WIDEST_LOOK));
    }
    return readable;
  }

  private Optional<StoredMessage> read(ClaimedRow row, String token) {
    try {
      OutboundMessage message =
          payloads.read(row.id(), new Payloads.Payload(row.payload(), row.keyId()), row.revivals());
      Duration age = Duration.between(row.createdAt(), row.now());
      return Optional.of(
          new StoredMessage(
              message,
              row.attempts(),
              Optional.ofNullable(row.lastError()),
              row.createdAt(),
              age.isNegative() ? Duration.ZERO : age,
              token));
    } catch (Payloads.UnreadableException e) {
      log.error("Stored message {} is dead: {}", row.id(), e.getMessage());
      settleUnread(row, () -> settleDead(row.id(), token, String.valueOf(e.getMessage())));
    } catch (FallbackException e) {
      log.error("Stored message {} waits: {}", row.id(), e.getMessage());
      String error = String.valueOf(e.getMessage());
      settleUnread(
          row,
          () -> {
            if (row.attempts() + 1 < KEY_MISSED) {
              settleFailed(row.id(), token, error, KEY_MISSING);
            } else {
              settleDead(row.id(), token, error);
            }
          });
    }
    return Optional.empty();
  }

  private static void settleUnread(ClaimedRow row, Runnable settle) {
    try {
      settle.run();
    } catch (FallbackException e) {
      log.warn("Stored message {} comes back as its lease ends: {}", row.id(), e.getMessage());
    }
  }

  @Override
  public Set<String> waiting(Set<String> creators) {
    Set<String> waiting = new HashSet<>();
    for (List<String> some : Claim.chunks(List.copyOf(creators), Session.MAX_VALUES)) {
      waiting.addAll(
          database.run(
              "look for waiting messages",
              session ->
                  session.query(
                      row -> row.getString(1),
                      WAITING.formatted(Dialect.marks(some.size())),
                      some.toArray())));
    }
    return waiting;
  }

  @Override
  public int replayed(List<StoredMessage> claimed) {
    return settle("record " + claimed.size() + " replayed messages", claimed, REPLAYED, List.of());
  }

  @Override
  public int release(List<StoredMessage> claimed, Duration retryIn) {
    return settle(
        "give " + claimed.size() + " messages back",
        claimed,
        RELEASED,
        List.of(Dialect.micros(retryIn)));
  }

  private int settle(String doing, List<StoredMessage> claimed, String sql, List<?> values) {
    Map<String, List<StoredMessage>> byLease =
        claimed.stream().collect(groupingBy(StoredMessage::lease, LinkedHashMap::new, toList()));
    if (claimed.isEmpty()) {
      return 0;
    }
    return database.run(
        doing,
        session -> {
          int settled = 0;
          if (byLease.size() > 1 || claimed.size() > Session.MAX_VALUES) {
            session.begin(); // one statement is a transaction by itself
          }
          for (Map.Entry<String, List<StoredMessage>> each : byLease.entrySet()) {
            for (List<StoredMessage> some : Claim.chunks(each.getValue(), Session.MAX_VALUES)) {
              Object[] parameters =
                  Stream.of(
                          values.stream(),
                          Stream.of(each.getKey()),
                          some.stream().map(one -> one.message().messageId()).sorted())
                      .flatMap(part -> part)
                      .toArray();
              settled += session.update(sql.formatted(Dialect.marks(some.size())), parameters);
            }
          }
          return settled;
        });
  }

  @Override
  public boolean failed(StoredMessage claimed, String error, Duration retryIn) {
    return settleFailed(
        claimed.message().messageId(), claimed.lease(), error, Dialect.micros(retryIn));
  }

  private boolean settleFailed(String id, String lease, String error, long wait) {
    String column = NewRow.errorColumn(error);
    return database.run(
        "record the failure of message " + id,
        session -> session.update(FAILED, column, wait, id, lease) == 1);
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
  public int purge(Duration age, int max) {
    return administration.purge(age, max);
  }

  /**
   * {@inheritDoc} Read from an index alone, at a cost that grows with what is stored: some ten
   * milliseconds for 100,000 messages.
   */
  @Override
  public FallbackBacklog backlog() {
    return administration.backlog();
  }

  /** Asks whether the tables are there, of this library's version, and may be written. */
  @Override
  public List<String> check() {
    return administration.check();
  }

  @Override
  public List<StoredEntry> list(StoredStatus status, int max, long after) {
    return administration.list(status, max, after);
  }

  @Override
  public Optional<StoredEntry> find(String messageId) {
    return administration.find(messageId);
  }

  @Override
  public Optional<OutboundMessage> read(String messageId) {
    return administration.read(messageId);
  }

  @Override
  public boolean revive(String messageId) {
    return administration.revive(messageId);
  }

  @Override
  public boolean delete(String messageId) {
    return administration.delete(messageId);
  }

  @Override
  public long eraseUser(String userId) {
    return administration.erase("user_id", userId);
  }

  @Override
  public long eraseRecipient(String recipientId) {
    return administration.erase("recipient_id", recipientId);
  }

  /**
   * Encrypts every stored message with the current key that is not: those of an earlier key, and
   * those in the clear. Without keys nothing is changed; what cannot be read stays as it is, and is
   * logged. Reads the whole table, in steps; safe to run at any time, and again.
   *
   * @return how many were encrypted
   * @throws FallbackException if the database or the current key cannot be used; what was done so
   *     far stays
   */
  public long encryptAgain() {
    return administration.encryptAgain();
  }

  /** Sets up a {@link JdbcFallbackStore}. Not thread-safe. */
  public static final class Builder {
    private final DataSource dataSource;
    private final Settings settings = new Settings();
    private @Nullable EncryptionKeys keys;

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
     * Whether the first call creates or upgrades the tables, as {@link
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

    /**
     * Encrypts content, media URLs and the rest of the payload at rest. Default: nothing is
     * encrypted here; what the database does by itself is not known to the store. Ids, priority,
     * metadata and trace stay readable in their columns.
     *
     * @param keys the keys
     * @return this builder
     */
    public Builder encryption(EncryptionKeys keys) {
      this.keys = requireNonNull(keys, "keys");
      return this;
    }

    /** {@return the store; the database is first reached by its first call} */
    public JdbcFallbackStore build() {
      return new JdbcFallbackStore(this);
    }
  }
}
