package com.huntaze.ratelimiter.redis;

import com.huntaze.ratelimiter.limit.TokenBucketException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisException;

/** How the server that holds a bucket is set up, as far as the bucket's promises depend on it. */
final class RedisInspection {
  /** Runs where the bucket's keys are, in a cluster too. */
  private static final String ASK =
      "return redis.call('INFO', 'memory') .. '\\r\\n' .. redis.call('INFO', 'replication')";

  private RedisInspection() {}

  /**
   * What an operator should mend.
   *
   * @param key a key of the bucket
   * @throws TokenBucketException if the server cannot be asked, or may forget what was granted
   */
  static List<String> findings(UnifiedJedis jedis, String key) {
    Map<String, String> info = new HashMap<>();
    try {
      String answer = String.valueOf(jedis.eval(ASK, List.of(key), List.of()));
      answer
          .lines()
          .map(line -> line.split(":", 2))
          .filter(pair -> pair.length == 2)
          .forEach(pair -> info.put(pair[0], pair[1].strip()));
    } catch (JedisConnectionException e) {
      throw new TokenBucketException("Redis cannot be reached", e);
    } catch (JedisException e) {
      return List.of("Redis does not tell its settings: see to maxmemory-policy noeviction");
    }
    String policy = info.getOrDefault("maxmemory_policy", "unknown");
    if (!policy.equals("noeviction") && !info.getOrDefault("maxmemory", "0").equals("0")) {
      throw new TokenBucketException(
          "Redis may evict what was granted, and the limit with it: maxmemory-policy must be"
              + " noeviction, was "
              + policy,
          null);
    }
    List<String> findings = new ArrayList<>();
    if (!policy.equals("noeviction")) {
      findings.add("maxmemory-policy should be noeviction, was " + policy);
    }
    boolean hasReplicas = !info.getOrDefault("connected_slaves", "0").equals("0");
    if (hasReplicas && !info.containsKey("min_slaves_good_slaves")) {
      findings.add("min-replicas-to-write should be 1: a master that was cut off still grants");
    }
    return findings;
  }
}
