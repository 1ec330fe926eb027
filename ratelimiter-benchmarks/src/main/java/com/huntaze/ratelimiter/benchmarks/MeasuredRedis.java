package com.huntaze.ratelimiter.benchmarks;

import com.huntaze.ratelimiter.testkit.LocalRedis;
import java.net.URI;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.RedisClient;

/**
 * A Redis on this machine, and the two clients that the contestants go through, each with a
 * connection for every thread: one of our own, or the one that {@code -Dbenchmarks.redis} names,
 * <b>all of whose keys are lost</b>. Thread-safe.
 */
final class MeasuredRedis implements AutoCloseable {
  static final int CONNECTIONS = 64;

  /** The commands a caller's own request can be: what a script runs inside counts as its time. */
  private static final Pattern REQUESTS =
      Pattern.compile("cmdstat_(?:ping|eval|evalsha):calls=(\\d+),usec=(\\d+)");

  private static final Pattern ALLOCATOR = Pattern.compile("mem_allocator:(\\S+)");
  private static final Pattern VERSION = Pattern.compile("redis_version:(\\S+)");

  private final @Nullable LocalRedis server;
  private final RedisClient jedis;
  private final RedissonClient redisson;

  private MeasuredRedis(@Nullable LocalRedis server, RedisClient jedis, RedissonClient redisson) {
    this.server = server;
    this.jedis = jedis;
    this.redisson = redisson;
  }

  /** The time that Redis spent in requests, and their number. */
  record ServerTime(long calls, long micros) {
    double microsPerCall() {
      return (double) micros / calls;
    }
  }

  static MeasuredRedis start() {
    String given = System.getProperty("benchmarks.redis", "");
    LocalRedis server = given.isBlank() ? LocalRedis.start() : null;
    URI uri = server == null ? URI.create(given) : server.uri();
    ConnectionPoolConfig pool = new ConnectionPoolConfig();
    pool.setMaxTotal(CONNECTIONS);
    pool.setMaxIdle(CONNECTIONS);
    RedisClient jedis =
        RedisClient.builder().hostAndPort(uri.getHost(), uri.getPort()).poolConfig(pool).build();
    Config config = new Config();
    config
        .useSingleServer()
        .setAddress(uri.toString())
        .setConnectionPoolSize(CONNECTIONS)
        .setConnectionMinimumIdleSize(CONNECTIONS);
    return new MeasuredRedis(server, jedis, Redisson.create(config));
  }

  RedisClient jedis() {
    return jedis;
  }

  RedissonClient redisson() {
    return redisson;
  }

  /** Its version and its allocator, on which the speed of scripts hangs. */
  String version() {
    Matcher version = VERSION.matcher(jedis.info("server"));
    Matcher allocator = ALLOCATOR.matcher(jedis.info("memory"));
    return (version.find() ? version.group(1) : "unknown")
        + " with "
        + (allocator.find() ? allocator.group(1) : "an unknown allocator");
  }

  /** Forgets every key and every statistic. */
  void reset() {
    jedis.flushAll();
    resetStatistics();
  }

  void resetStatistics() {
    jedis.executeCommand(new CommandArguments(Command.CONFIG).add("RESETSTAT"));
  }

  /** What Redis itself counted since the statistics were reset. */
  ServerTime serverTime() {
    Matcher matcher = REQUESTS.matcher(jedis.info("commandstats"));
    long calls = 0;
    long micros = 0;
    while (matcher.find()) {
      calls += Long.parseLong(matcher.group(1));
      micros += Long.parseLong(matcher.group(2));
    }
    return new ServerTime(calls, micros);
  }

  @Override
  public void close() {
    redisson.shutdown();
    jedis.close();
    if (server != null) {
      server.close();
    }
  }
}
