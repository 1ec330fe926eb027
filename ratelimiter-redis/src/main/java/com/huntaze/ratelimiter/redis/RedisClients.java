package com.huntaze.ratelimiter.redis;

import static java.util.Objects.requireNonNull;

import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.DefaultRedisCredentials;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.SslVerifyMode;
import redis.clients.jedis.util.JedisURIHelper;

/**
 * Makes a Jedis client as a rate limit needs it: short time-outs, verified TLS, and a password that
 * may change while it runs. A host that has a client of its own hands in that one instead.
 */
public final class RedisClients {
  /** How long connecting may take, and each answer: long for Redis, short for a permit. */
  private static final Duration TIMEOUT = Duration.ofSeconds(1);

  private static final int CONNECTIONS = 32;
  private static final int DEFAULT_PORT = 6379;

  private RedisClients() {}

  /**
   * A client of one Redis server.
   *
   * @param redis where it is: {@code redis://host:port/db}, or {@code rediss://} for TLS, which
   *     verifies the certificate and its name; a user and password may stand in it
   * @param password asked at each new connection, so that a rotated one is taken over without a
   *     restart; while it gives none, the one of the URI counts
   * @return the client; the caller closes it
   * @throws IllegalArgumentException if the URI is none of Redis
   */
  public static RedisClient create(URI redis, Supplier<Optional<String>> password) {
    return RedisClient.builder()
        .hostAndPort(address(redis))
        .clientConfig(config(redis, password).build())
        .poolConfig(pool())
        .build();
  }

  /** What tests add to. */
  static DefaultJedisClientConfig.Builder config(URI redis, Supplier<Optional<String>> password) {
    requireNonNull(password, "password");
    String user = JedisURIHelper.getUser(redis);
    Optional<String> inUri = Optional.ofNullable(JedisURIHelper.getPassword(redis));
    DefaultJedisClientConfig.Builder config =
        DefaultJedisClientConfig.builder()
            .timeoutMillis((int) TIMEOUT.toMillis())
            .clientName("ratelimiter")
            .database(JedisURIHelper.getDBIndex(redis))
            .credentialsProvider(
                () ->
                    new DefaultRedisCredentials(user, password.get().or(() -> inUri).orElse(null)));
    if (JedisURIHelper.isRedisSSLScheme(redis)) {
      config.sslOptions(SslOptions.builder().sslVerifyMode(SslVerifyMode.FULL).build());
    }
    return config;
  }

  static HostAndPort address(URI redis) {
    String scheme = redis.getScheme();
    if (redis.getHost() == null || !("redis".equals(scheme) || "rediss".equals(scheme))) {
      throw new IllegalArgumentException(
          "redis must be redis://host:port or rediss://host:port, had scheme "
              + scheme
              + " and host "
              + redis.getHost());
    }
    return new HostAndPort(redis.getHost(), redis.getPort() < 0 ? DEFAULT_PORT : redis.getPort());
  }

  private static ConnectionPoolConfig pool() {
    ConnectionPoolConfig pool = new ConnectionPoolConfig();
    pool.setMaxTotal(CONNECTIONS);
    pool.setMaxIdle(CONNECTIONS);
    pool.setMaxWait(TIMEOUT);
    pool.setJmxEnabled(false); // nobody asked for it, and it is slow to begin with
    return pool;
  }
}
