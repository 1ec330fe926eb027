package com.huntaze.ratelimiter.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.huntaze.ratelimiter.testkit.ManualTime;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisNoScriptException;
import redis.clients.jedis.providers.PooledConnectionProvider;

/**
 * A client of a real Redis for which the script sees a manual clock: it replaces the script's one
 * call of TIME by a look at a key, and nothing else unless a test asks for it. Used by one thread.
 */
final class ManualTimeRedis extends UnifiedJedis {
  private static final String CLOCK = "call('TIME')";

  private final ManualTime time;
  private final UnaryOperator<String> alteration;
  private final String clockKey = "manual_time:{" + UUID.randomUUID() + "}";
  private byte @Nullable [] sha1;
  private Duration travel = Duration.ZERO;

  ManualTimeRedis(URI uri, ManualTime time) {
    this(uri, time, UnaryOperator.identity());
  }

  /** With a script that is altered, to see what its tests say to that. */
  ManualTimeRedis(URI uri, ManualTime time, UnaryOperator<String> alteration) {
    super(
        new PooledConnectionProvider(new HostAndPort(uri.getHost(), uri.getPort())),
        RedisProtocol.RESP2);
    this.time = time;
    this.alteration = alteration;
  }

  @Override
  public Object evalsha(byte[] sha, List<byte[]> keys, List<byte[]> args) {
    byte[] own = sha1;
    if (own == null) {
      throw new JedisNoScriptException("the text is needed, to put the manual time into it");
    }
    long micros = ChronoUnit.MICROS.between(Instant.EPOCH, time.instant());
    set(clockKey, "[" + micros / 1_000_000 + "," + micros % 1_000_000 + "]");
    Object answer = super.evalsha(own, keys, args);
    time.advance(travel);
    return answer;
  }

  /** How long each answer is on its way from now on. */
  void answerAfter(Duration time) {
    travel = time;
  }

  @Override
  public Object eval(byte[] script, List<byte[]> keys, List<byte[]> args) {
    String clock = "cjson.decode(call('GET', '" + clockKey + "'))";
    String altered = alteration.apply(new String(script, UTF_8));
    if (!altered.contains(CLOCK)) {
      throw new AssertionError("the script does not ask for the time");
    }
    byte[] loaded = scriptLoad(altered.replace(CLOCK, clock)).getBytes(UTF_8);
    sha1 = loaded;
    return evalsha(loaded, keys, args);
  }
}
