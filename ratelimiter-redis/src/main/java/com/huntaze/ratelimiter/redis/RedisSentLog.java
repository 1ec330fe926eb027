package com.huntaze.ratelimiter.redis;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.delivery.SentLogException;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.SetParams;
import redis.clients.jedis.util.SafeEncoder;

/**
 * Which messages were sent, in a Redis that any number of processes that deliver share.
 *
 * <p>Given to dispatchers, workers and clients. Thread-safe, as far as the Jedis client is, which
 * stays the caller's to close. A call is one round trip, bounded by the client's time-outs, and one
 * atomic step on the server. Leases are measured by Redis's clock, and last a day at the most. Each
 * message has a key of its own ({@code sent_log:{onlyfans}:…}), which expires by itself after 30
 * days, unless {@link Builder#retention} says otherwise.
 *
 * <p><b>The weaker promise:</b> what Redis forgets may be sent twice. It forgets all when it comes
 * back empty, the last moments when a replica takes over, and single messages when it evicts keys;
 * nothing tells a log that has forgotten a message from one that never knew it. A clock that is set
 * forward ends leases early. Where that may not be, use a {@code JdbcSentLog}. Here Redis should
 * write to disk ({@code appendonly yes}) and be set to {@code noeviction}, and with replicas to
 * {@code min-replicas-to-write 1}.
 *
 * <p><b>Failure:</b> {@link SentLogException} when Redis cannot be asked or answers with an error;
 * callers send nothing then. A call that failed may have been recorded all the same: then the
 * message is in doubt when its lease ends.
 */
public final class RedisSentLog implements SentLog {
  private static final LuaScript BEGIN = LuaScript.of("sent_log/begin.lua");
  private static final LuaScript NOT_SENT = LuaScript.of("sent_log/not_sent.lua");
  private static final byte[] SENT = SafeEncoder.encode("sent");
  private static final Pattern NAMESPACE = Pattern.compile("[A-Za-z0-9_-]{1,64}");
  private static final Duration LONGEST_LEASE = Duration.ofDays(1);
  private static final Duration SHORTEST_RETENTION = Duration.ofDays(14);
  private static final Duration LONGEST_RETENTION = Duration.ofDays(36_500);

  /** By what the script replies. */
  private static final List<Begin> REPLIES =
      List.of(Begin.STARTED, Begin.ALREADY_SENT, Begin.IN_PROGRESS, Begin.IN_DOUBT);

  private final UnifiedJedis jedis;
  private final String prefix;
  private final long retentionMillis;

  private RedisSentLog(Builder builder) {
    this.jedis = builder.jedis;
    this.prefix = "sent_log:{" + builder.namespace + "}:";
    this.retentionMillis = builder.retention.toMillis();
  }

  /**
   * Starts a log.
   *
   * @param jedis a client of Redis 6.2 or newer: single, Sentinel or Cluster; not closed by the log
   * @return a builder; nothing else is required
   */
  public static Builder builder(UnifiedJedis jedis) {
    return new Builder(jedis);
  }

  @Override
  public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
    Duration bounded = lease.compareTo(LONGEST_LEASE) > 0 ? LONGEST_LEASE : lease;
    List<byte[]> args =
        List.of(
            SafeEncoder.encode(claim.holder()),
            encoded(claim.revival()),
            encoded(BucketSettings.micros(bounded)),
            encoded(inDoubt == InDoubtPolicy.RESEND ? 1 : 0),
            encoded(retentionMillis));
    Object reply =
        run(
            "begin",
            claim.messageId(),
            () -> BEGIN.run(jedis, List.of(key(claim.messageId())), args));
    return REPLIES.get(((Long) reply).intValue());
  }

  @Override
  public void sent(String messageId) {
    run(
        "record as sent",
        messageId,
        () -> jedis.set(key(messageId), SENT, SetParams.setParams().px(retentionMillis)));
  }

  @Override
  public void notSent(Claim claim) {
    List<byte[]> args = List.of(SafeEncoder.encode(claim.holder()), encoded(claim.revival()));
    run(
        "record as not sent",
        claim.messageId(),
        () -> NOT_SENT.run(jedis, List.of(key(claim.messageId())), args));
  }

  private Object run(String doing, String messageId, Supplier<Object> call) {
    try {
      return call.get();
    } catch (JedisException e) {
      String said = String.valueOf(e.getMessage());
      String message = "Redis could not " + doing + " message " + messageId;
      if (said.contains("WRONGTYPE") || said.contains("CORRUPT")) {
        message += ": it holds a foreign value under " + prefix + messageId;
      } else if (said.startsWith("NOPERM")
          || said.startsWith("NOAUTH")
          || said.startsWith("WRONGPASS")) {
        message += ": it refuses access";
      }
      throw new SentLogException(message, e);
    }
  }

  private byte[] key(String messageId) {
    return SafeEncoder.encode(prefix + messageId);
  }

  private static byte[] encoded(long number) {
    return SafeEncoder.encode(Long.toString(number));
  }

  /** Sets up a {@link RedisSentLog}. Not thread-safe. */
  public static final class Builder {
    private final UnifiedJedis jedis;
    private String namespace = "onlyfans";
    private Duration retention = Duration.ofDays(30);

    private Builder(UnifiedJedis jedis) {
      this.jedis = requireNonNull(jedis, "jedis");
    }

    /**
     * Names the external API, and so the keys: logs of one namespace are one log. Default {@code
     * onlyfans}.
     *
     * @param namespace 1 to 64 letters, digits, - and _
     * @return this builder
     * @throws IllegalArgumentException if it is none
     */
    public Builder namespace(String namespace) {
      if (!NAMESPACE.matcher(requireNonNull(namespace, "namespace")).matches()) {
        throw new IllegalArgumentException(
            "namespace must be 1 to 64 letters, digits, - and _, was '" + namespace + "'");
      }
      this.namespace = namespace;
      return this;
    }

    /**
     * How long a message is remembered, from when it was begun or sent. Default 30 days. Longer
     * than any queue in front keeps a message, since one that is handed out again after that is
     * sent again.
     *
     * @param retention the time, 14 to 36,500 days
     * @return this builder
     * @throws IllegalArgumentException if it is shorter or longer
     */
    public Builder retention(Duration retention) {
      if (requireNonNull(retention, "retention").compareTo(SHORTEST_RETENTION) < 0
          || retention.compareTo(LONGEST_RETENTION) > 0) {
        throw new IllegalArgumentException("retention must be 14 to 36,500 days, was " + retention);
      }
      this.retention = retention;
      return this;
    }

    /** {@return the log; nothing is asked of Redis yet} */
    public RedisSentLog build() {
      return new RedisSentLog(this);
    }
  }
}
