package com.huntaze.ratelimiter.redis;

import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.SentLogContract;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import redis.clients.jedis.RedisClient;

class RedisSentLogContractTest extends SentLogContract {
  @RegisterExtension static final LocalRedis REDIS = LocalRedis.shared();

  private final RedisClient jedis = RedisClient.create(REDIS.uri());

  @AfterEach
  void disconnect() {
    jedis.close();
  }

  @Override
  protected SentLog newLog() {
    return RedisSentLog.builder(jedis).namespace(UUID.randomUUID().toString()).build();
  }
}
