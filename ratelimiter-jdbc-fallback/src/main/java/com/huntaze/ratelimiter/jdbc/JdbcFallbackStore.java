package com.huntaze.ratelimiter.jdbc;

import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.joining;

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
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

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
 * whose key is not among the keys waits five minutes, and its creator's later ones with it, and is
 * dead after twenty times. While whoever has the keys does not answer, rows wait uncounted.
 */
public final class JdbcFallbackStore implements FallbackStore, FallbackAdmin {
  /** One probe of the index for each creator, however long the creator's backlog is. */
  private static final String WAITING =
      "(SELECT %d FROM onlyfans_messages WHERE waiting = TRUE AND order_key = ? LIMIT 1)";

  /** How many creators one question is about. */
  private static final int CREATORS = 50;

  private final Database database;
  private final Payloads payloads;
  private final Claims claims;
  private final Administration administration;

  private JdbcFallbackStore(Builder builder) {
    this.database =
        new Database(
            builder.dataSource, "onlyfans_messages", FallbackException::new, builder.settings);
    this.payloads = new Payloads(builder.keys);
    this.claims = new Claims(database, payloads);
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
    return claims.claim(max, lease);
  }

  @Override
  public Set<String> waiting(Set<String> creators) {
    Set<String> waiting = new HashSet<>();
    for (List<String> some : Claim.chunks(List.copyOf(creators), CREATORS)) {
      String question =
          IntStream.range(0, some.size())
              .mapToObj(WAITING::formatted)
              .collect(joining(" UNION ALL "));
      database
          .run(
              "look for waiting messages",
              session -> session.query(row -> row.getInt(1), question, some.toArray()))
          .forEach(place -> waiting.add(some.get(place)));
    }
    return waiting;
  }

  @Override
  public int replayed(List<StoredMessage> claimed) {
    return claims.replayed(claimed);
  }

  @Override
  public int release(List<StoredMessage> claimed, Duration retryIn) {
    return claims.release(claimed, retryIn);
  }

  @Override
  public boolean failed(StoredMessage claimed, String error, Duration retryIn) {
    return claims.failed(
        claimed.message().messageId(), claimed.lease(), error, Dialect.micros(retryIn));
  }

  @Override
  public boolean dead(StoredMessage claimed, String error) {
    return claims.dead(claimed.message().messageId(), claimed.lease(), error);
  }

  @Override
  public int purge(Duration age, int max) {
    return administration.purge(age, max);
  }

  /** {@inheritDoc} Read from an index alone, at a cost that grows with the number of rows. */
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
     * JdbcFallbackStore#createSchema} does; on a large table, or while another instance does so,
     * that call takes its time. Default false: the user in production often may not.
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
