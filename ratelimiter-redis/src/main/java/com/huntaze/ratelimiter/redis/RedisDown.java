package com.huntaze.ratelimiter.redis;

import com.huntaze.ratelimiter.limit.TokenBucketException;
import java.util.List;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.util.SafeEncoder;

/** Redis cannot be asked at present, as opposed to: it must be put right by somebody. */
final class RedisDown extends TokenBucketException {
  private static final long serialVersionUID = 1L;

  /** What a server answers that may do better in a while; any other error is somebody's to mend. */
  private static final List<String> PASSING =
      List.of(
          "BUSY",
          "CLUSTERDOWN",
          "LOADING",
          "MASTERDOWN",
          "MISCONF",
          "NOREPLICAS",
          "OOM",
          "READONLY",
          "TRYAGAIN");

  private RedisDown(String message, Throwable cause) {
    super(message, cause);
  }

  /** What a failed run of the script means. */
  static TokenBucketException explain(
      UnifiedJedis jedis, List<byte[]> encodedKeys, JedisException failure) {
    List<String> keys = encodedKeys.stream().map(SafeEncoder::encode).toList();
    String said = String.valueOf(failure.getMessage());
    if (said.contains("WRONGTYPE")) {
      return new TokenBucketException(
          "Redis holds a foreign value under "
              + foreignKey(jedis, keys)
              + "; nothing is granted and nothing was changed",
          failure);
    }
    if (said.contains("CORRUPT")) {
      String key = said.substring(said.indexOf("CORRUPT") + 8).split(" ", 2)[0];
      return new TokenBucketException(
          "Redis holds a value that this bucket did not write under "
              + key
              + "; nothing is granted and nothing was changed",
          failure);
    }
    if (said.contains("NORUNID")) {
      return new TokenBucketException(
          "Redis does not tell its run id: let the user run INFO, or build the bucket"
              + " withoutRunId(), which promises less",
          failure);
    }
    if (said.startsWith("NOPERM") || said.startsWith("NOAUTH") || said.startsWith("WRONGPASS")) {
      return new TokenBucketException("Redis refuses access to " + keys.get(0), failure);
    }
    String message = "Redis could not decide on " + keys.get(0);
    return failure instanceof JedisDataException && PASSING.stream().noneMatch(said::startsWith)
        ? new TokenBucketException(message, failure)
        : new RedisDown(message, failure);
  }

  private static String foreignKey(UnifiedJedis jedis, List<String> keys) {
    try {
      for (String key : keys) {
        String type = jedis.type(key);
        if (!type.equals("none") && !type.equals(expected(key))) {
          return key + " (a " + type + ")";
        }
      }
    } catch (JedisException e) {
      return "one of " + keys;
    }
    return "one of " + keys;
  }

  private static String expected(String key) {
    if (key.endsWith(":meta")) {
      return "string";
    }
    return key.endsWith(":record") || key.endsWith(":plan") ? "zset" : "hash";
  }
}
