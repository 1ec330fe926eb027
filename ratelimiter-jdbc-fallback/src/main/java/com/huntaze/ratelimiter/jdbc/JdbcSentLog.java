package com.huntaze.ratelimiter.jdbc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.delivery.SentLogException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import javax.sql.DataSource;

/**
 * Which messages were sent, in the table {@code onlyfans_sent_log} of a PostgreSQL, MySQL, MariaDB
 * or H2 database: any number of processes that deliver share it.
 *
 * <p>Given to dispatchers, workers and clients. Thread-safe, as far as the data source is, which
 * stays the caller's to close. The data source must give connections of its own, not one that is
 * bound to the caller's transaction: every method commits, and what {@link #begin} told one process
 * every other knows. Leases are measured by the database's clock. Rows are kept until they are
 * deleted.
 *
 * <p><b>Failure:</b> {@link SentLogException}, with the database's codes and without the driver's
 * message. A call that failed may have been recorded all the same: then the message is in doubt
 * when its lease ends.
 */
public final class JdbcSentLog implements SentLog {
  /** Ids as they are; all others, which a table might cut or take for one another, as digests. */
  private static final Pattern PLAIN_ID = Pattern.compile("[\\x21-\\x7E]{1,128}");

  /** How often a row may vanish between two statements before the caller is sent away. */
  private static final int TRIES = 3;

  private static final String BEGIN =
      """
      INSERT INTO onlyfans_sent_log (id, state, lease_until, created_at)
      VALUES (?, 'begun', {later}, {now})\
      """;

  private static final String STATE =
      """
      SELECT state, CASE WHEN lease_until > {now} THEN 1 ELSE 0 END
      FROM onlyfans_sent_log WHERE id = ?\
      """;

  private static final String SENT =
      """
      UPDATE onlyfans_sent_log SET state = 'sent', lease_until = NULL, sent_at = {now}
      WHERE id = ?\
      """;

  private static final String SENT_UNBEGUN =
      """
      INSERT INTO onlyfans_sent_log (id, state, sent_at, created_at)
      VALUES (?, 'sent', {now}, {now})\
      """;

  private static final String NOT_SENT =
      "DELETE FROM onlyfans_sent_log WHERE id = ? AND state = 'begun'";

  private final Database database;

  private JdbcSentLog(Builder builder) {
    this.database =
        new Database(
            builder.dataSource, "onlyfans_sent_log", SentLogException::new, builder.settings);
  }

  /**
   * Starts a log.
   *
   * @param dataSource where connections come from, a pool in earnest; not closed by the log
   * @return a builder; nothing else is required
   */
  public static Builder builder(DataSource dataSource) {
    return new Builder(dataSource);
  }

  /**
   * Creates the tables and indexes that are missing, those of {@link JdbcFallbackStore} too, from
   * the schema file in the jar. Changes nothing where they are there; any number of processes may
   * call it at once.
   *
   * @throws SentLogException if the database cannot be used or refuses
   */
  public void createSchema() {
    database.createSchema();
  }

  @Override
  public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
    String messageId = claim.messageId();
    String key = key(messageId);
    long micros = Dialect.micros(lease);
    return database.run(
        "begin message " + messageId,
        session -> {
          for (int tries = 0; tries < TRIES; tries++) {
            if (session.insert(BEGIN, key, micros)) {
              return Begin.STARTED;
            }
            List<Begin> known =
                session.query(row -> begun(row.getString(1), row.getInt(2) == 1), STATE, key);
            if (!known.isEmpty()) {
              return known.get(0);
            }
          }
          return Begin.IN_PROGRESS;
        });
  }

  private static Begin begun(String state, boolean leased) {
    if (state.equals("sent")) {
      return Begin.ALREADY_SENT;
    }
    return leased ? Begin.IN_PROGRESS : Begin.IN_DOUBT;
  }

  @Override
  public void sent(String messageId) {
    String key = key(messageId);
    database.run("record message " + messageId + " as sent", session -> recordSent(session, key));
  }

  private static boolean recordSent(Session session, String key) throws SQLException {
    return session.update(SENT, key) == 1
        || session.insert(SENT_UNBEGUN, key)
        || session.update(SENT, key) == 1;
  }

  @Override
  public void notSent(Claim claim) {
    String messageId = claim.messageId();
    String key = key(messageId);
    database.run(
        "record message " + messageId + " as not sent", session -> session.update(NOT_SENT, key));
  }

  private static String key(String messageId) {
    if (PLAIN_ID.matcher(messageId).matches()) {
      return messageId;
    }
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(messageId.getBytes(UTF_8));
      return "sha256:" + HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Sets up a {@link JdbcSentLog}. Not thread-safe. */
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
     * JdbcSentLog#createSchema} does. Default false: the user in production often may not.
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

    /** {@return the log; the database is first reached by its first call} */
    public JdbcSentLog build() {
      return new JdbcSentLog(this);
    }
  }
}
