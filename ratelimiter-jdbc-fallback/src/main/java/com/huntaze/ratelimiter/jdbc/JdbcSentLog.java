package com.huntaze.ratelimiter.jdbc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.delivery.SentLogException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import javax.sql.DataSource;

/**
 * Which messages were sent, in the table {@code onlyfans_sent_log} of a PostgreSQL, MySQL, MariaDB
 * or H2 database: any number of processes that deliver share it.
 *
 * <p>Given to dispatchers, workers and clients. Thread-safe, as far as the data source is, which
 * stays the caller's to close. The data source must give connections of its own, not one that is
 * bound to the caller's transaction: every method commits, and what {@link #begin} told one process
 * every other knows. Usually that is one statement. Leases are measured by the database's clock,
 * and so is how long rows are kept, those in doubt too: 30 days, unless {@link Builder#retention}
 * says otherwise; {@link #purge} deletes older ones.
 *
 * <p><b>Failure:</b> {@link SentLogException}, with the database's codes and without the driver's
 * message. What the database rolls back for another transaction's sake is tried again. A call that
 * failed may have been recorded all the same: then the message is in doubt when its lease ends.
 */
public final class JdbcSentLog implements SentLog {
  /** Ids as they are; all others, which a table might cut or take for one another, as digests. */
  private static final Pattern PLAIN_ID = Pattern.compile("[\\x21-\\x7E]{1,128}");

  /** How often a row may vanish between two statements before the caller is sent away. */
  private static final int TRIES = 3;

  /** What may be taken over. Parameters: whether any doubt is ended, the claim's revivals. */
  private static final String IS_FREE =
      """
      onlyfans_sent_log.state = 'begun'
        AND (onlyfans_sent_log.lease_until IS NULL OR onlyfans_sent_log.lease_until <= {now})
        AND (? = 1 OR onlyfans_sent_log.revival < ?)\
      """;

  private static final String BEGIN =
      """
      INSERT INTO onlyfans_sent_log (id, state, lease_until, created_at, holder, revival)
      VALUES (?, 'begun', {later}, {now}, ?, ?)\
      """;

  /** The two in one, where there is such a statement. Parameters: theirs. */
  private static final String BEGIN_OR_TAKE_OVER =
      BEGIN
          + """
             ON CONFLICT (id) DO UPDATE
            SET lease_until = EXCLUDED.lease_until, holder = EXCLUDED.holder,
              revival = EXCLUDED.revival
            WHERE\
            """
          + " "
          + IS_FREE;

  private static final String TAKE_OVER =
      """
      UPDATE onlyfans_sent_log SET lease_until = {later}, holder = ?, revival = ?
      WHERE id = ? AND\
      """
          + " "
          + IS_FREE;

  private static final String STATE =
      """
      SELECT state, CASE WHEN lease_until > {now} THEN 1 ELSE 0 END, revival
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
      """
      DELETE FROM onlyfans_sent_log
      WHERE id = ? AND state = 'begun' AND holder = ? AND revival = ?\
      """;

  /** Bounded by the index on the time of creation. Parameters: how far back. */
  private static final String IN_DOUBT =
      """
      SELECT COUNT(*) FROM onlyfans_sent_log
      WHERE created_at > {later} AND state = 'begun' AND lease_until <= {now}\
      """;

  /** How many rows one transaction deletes. */
  private static final int STEP = 1_000;

  /** How many such steps one purge takes at the most. */
  private static final int STEPS = 20;

  private static final Duration SHORTEST_RETENTION = Duration.ofDays(14);

  private final Database database;
  private final Duration retention;

  private JdbcSentLog(Builder builder) {
    this.retention = builder.retention;
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
    Question question = new Question(claim, Dialect.micros(lease), inDoubt);
    return database.run("begin message " + claim.messageId(), question::ask);
  }

  /** One claim, as the table has it. */
  private record Question(String key, String holder, int revival, long micros, int resend) {
    Question(Claim claim, long micros, InDoubtPolicy inDoubt) {
      this(
          column(claim.messageId()),
          column(claim.holder()),
          claim.revival(),
          micros,
          inDoubt == InDoubtPolicy.RESEND ? 1 : 0);
    }

    Begin ask(Session session) throws SQLException {
      for (int tries = 0; tries < TRIES; tries++) {
        if (started(session)) {
          return Begin.STARTED;
        }
        Optional<Begin> known =
            session.query(this::answer, STATE, key).stream().findFirst().orElse(Optional.empty());
        if (known.isPresent()) {
          return known.get();
        }
        session.commit(); // so that the next statement sees what is there by then
      }
      return Begin.IN_PROGRESS;
    }

    private boolean started(Session session) throws SQLException {
      if (session.dialect().canTakeOver()) {
        return session.update(BEGIN_OR_TAKE_OVER, key, micros, holder, revival, resend, revival)
            == 1;
      }
      if (session.insert(BEGIN, key, micros, holder, revival)) {
        return true;
      }
      session.commit(); // MySQL has locked the row it met, as everyone else may who met it
      return session.update(TAKE_OVER, micros, holder, revival, key, resend, revival) == 1;
    }

    /** Why it was not started; empty if it may be started by now. */
    private Optional<Begin> answer(ResultSet row) throws SQLException {
      if (row.getString(1).equals("sent")) {
        return Optional.of(Begin.ALREADY_SENT);
      }
      if (row.getInt(2) == 1) {
        return Optional.of(Begin.IN_PROGRESS);
      }
      boolean isHeld = resend == 0 && revival <= row.getInt(3);
      return isHeld ? Optional.of(Begin.IN_DOUBT) : Optional.empty();
    }
  }

  @Override
  public void sent(String messageId) {
    String key = column(messageId);
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
    String key = column(messageId);
    database.run(
        "record message " + messageId + " as not sent",
        session -> session.update(NOT_SENT, key, column(claim.holder()), claim.revival()));
  }

  /**
   * {@inheritDoc}
   *
   * <p>Here that is 20,000 rows at the most, the oldest first, in transactions of 1,000.
   */
  @Override
  public void purge() {
    long since = Dialect.microsAgo(retention);
    for (int steps = 0; steps < STEPS; steps++) {
      int purged =
          database.run(
              "purge what was sent long ago",
              session -> {
                session.beginReadCommitted();
                return session.update(session.dialect().purgeSentLog(STEP), since, since, since);
              });
      if (purged < STEP) {
        return;
      }
    }
  }

  @Override
  public OptionalLong inDoubt() {
    long since = Dialect.microsAgo(Duration.ofDays(1));
    return OptionalLong.of(
        database.run(
            "count the calls in doubt",
            session -> session.query(row -> row.getLong(1), IN_DOUBT, since).get(0)));
  }

  private static String column(String id) {
    if (PLAIN_ID.matcher(id).matches()) {
      return id;
    }
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(id.getBytes(UTF_8));
      return "sha256:" + HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Sets up a {@link JdbcSentLog}. Not thread-safe. */
  public static final class Builder {
    private final DataSource dataSource;
    private final Settings settings = new Settings();
    private Duration retention = Duration.ofDays(30);

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

    /**
     * How long a message is remembered, from when it was sent or its last lease ended. Default 30
     * days. Longer than any queue in front keeps a message, since one that is handed out again
     * after that is sent again.
     *
     * @param retention the time, 14 days or more
     * @return this builder
     * @throws IllegalArgumentException if it is shorter
     */
    public Builder retention(Duration retention) {
      if (requireNonNull(retention, "retention").compareTo(SHORTEST_RETENTION) < 0) {
        throw new IllegalArgumentException(
            "retention must be " + SHORTEST_RETENTION.toDays() + " days or more, was " + retention);
      }
      this.retention = retention;
      return this;
    }

    /** {@return the log; the database is first reached by its first call} */
    public JdbcSentLog build() {
      return new JdbcSentLog(this);
    }
  }
}
