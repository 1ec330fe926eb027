package com.huntaze.ratelimiter.redis;

import com.huntaze.ratelimiter.testkit.ManualTime;
import java.net.URI;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisNoScriptException;
import redis.clients.jedis.providers.PooledConnectionProvider;

/**
 * A client of a real Redis for which scripts see a manual clock: it replaces the scripts' one call
 * of TIME, and nothing else.
 */
final class ManualTimeRedis extends UnifiedJedis {
  private static final String CLOCK = "redis.call('TIME')";

  private final ManualTime time;

  ManualTimeRedis(URI uri, ManualTime time) {
    super(
        new PooledConnectionProvider(new HostAndPort(uri.getHost(), uri.getPort())),
        RedisProtocol.RESP2);
    this.time = time;
  }

  @Override
  public Object evalsha(String sha1, List<String> keys, List<String> args) {
    throw new JedisNoScriptException("the text is needed, to put the manual time into it");
  }

  @Override
  public Object eval(String script, List<String> keys, List<String> args) {
    if (!script.contains(CLOCK)) {
      return super.eval(script, keys, args);
    }
    long micros = ChronoUnit.MICROS.between(Instant.EPOCH, time.instant());
    String now = "{'" + micros / 1_000_000 + "', '" + micros % 1_000_000 + "'}";
    return super.eval(script.replace(CLOCK, now), keys, args);
  }
}
