package com.huntaze.ratelimiter.lambda;

import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.delivery.HttpOnlyFansGateway;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.delivery.RateLimitGate;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.redis.RedisClients;
import com.huntaze.ratelimiter.redis.RedisSentLog;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import redis.clients.jedis.UnifiedJedis;
import software.amazon.awssdk.services.sqs.SqsClient;

/** The clients and what is built on them, of one set of settings. Thread-safe. */
final class Parts implements AutoCloseable {
  private final SqsClient sqs;
  private final UnifiedJedis jedis;
  private final EntryQueues entryQueues;
  private final RotatingSecrets secrets;

  private Parts(
      SqsClient sqs, UnifiedJedis jedis, EntryQueues entryQueues, RotatingSecrets secrets) {
    this.sqs = sqs;
    this.jedis = jedis;
    this.entryQueues = entryQueues;
    this.secrets = secrets;
  }

  /** Makes them; opens no connection. */
  static Parts of(RateLimiterConfig settings, Map<String, String> secretIds, Ticker ticker) {
    RotatingSecrets secrets = RotatingSecrets.of(secretIds, settings, ticker);
    RateLimiterConfig config = settings.withSecrets(secrets::find);
    SqsClient sqs = LambdaSqs.client(config);
    UnifiedJedis jedis =
        RedisClients.create(config.redisUrl().orElseThrow(), config.secret("REDIS_AUTH_TOKEN"));
    TokenBucket bucket = RedisTokenBucket.builder(jedis).gate().limit(config.rateLimit()).build();
    BiFunction<SqsMessageSource, Boolean, EntryQueue.Work> work =
        config
            .workflowQueue()
            .map(queue -> forwarding(sqs, queue, bucket))
            .orElseGet(() -> calling(config, secrets, jedis, bucket));
    EntryQueues entryQueues = new EntryQueues(sqs, config.queue().orElseThrow(), work);
    return new Parts(sqs, jedis, entryQueues, secrets);
  }

  private static BiFunction<SqsMessageSource, Boolean, EntryQueue.Work> forwarding(
      SqsClient sqs, String queue, TokenBucket bucket) {
    MessageSink ordered = workflow(sqs, queue).build();
    MessageSink unordered = workflow(sqs, queue).unordered().build();
    return (source, fifo) -> gate(bucket, source, fifo ? ordered : unordered)::process;
  }

  /** As large as a message of SQS may be: what the queue itself does not take, it refuses. */
  private static SqsMessageSink.Builder workflow(SqsClient sqs, String queue) {
    return SqsMessageSink.builder(sqs).queue(queue).maxMessageBytes(1_048_576);
  }

  /** Without a workflow queue the gate's permits pace and those of the edge guard. */
  private static BiFunction<SqsMessageSource, Boolean, EntryQueue.Work> calling(
      RateLimiterConfig config, RotatingSecrets secrets, UnifiedJedis jedis, TokenBucket bucket) {
    TokenBucket edge = RedisTokenBucket.builder(jedis).limit(config.rateLimit()).build();
    SentLog sentLog = RedisSentLog.builder(jedis).build();
    HttpOnlyFansGateway.Builder builder =
        HttpOnlyFansGateway.builder(config.apiUrl().orElseThrow());
    config.userAgent().ifPresent(builder::userAgent);
    Supplier<Optional<String>> key = config.secret("ONLYFANS_API_KEY");
    if (secrets.has("ONLYFANS_API_KEY") || key.get().isPresent()) {
      builder.apiKey(() -> key.get().orElseThrow());
    }
    OnlyFansGateway gateway = builder.build();
    gateway.warmUp();
    return (source, fifo) ->
        (batch, remaining) ->
            gate(
                    bucket,
                    source,
                    new DirectSink(edge, sentLog, gateway, Ticker.system(), remaining, fifo))
                .process(batch, remaining);
  }

  private static RateLimitGate gate(
      TokenBucket bucket, MessageSource source, MessageSink workflow) {
    return RateLimitGate.builder(bucket, source, workflow)
        .longestCall(LambdaSqs.CALL_TIMEOUT)
        .random(LATER)
        .build();
  }

  /** Seeded when it is first needed: instances of one snapshot must not draw the same numbers. */
  private static final RandomGenerator LATER = () -> Seeded.RANDOM.nextLong();

  private static final class Seeded {
    static final Random RANDOM = new Random();
  }

  /**
   * Reads secrets that are due, so that whatever asks for one later is answered from memory.
   *
   * @throws IllegalArgumentException if one was never read and cannot be; names its setting
   */
  Parts refreshed() {
    secrets.refresh();
    return this;
  }

  EntryQueues entryQueues() {
    return entryQueues;
  }

  @Override
  public void close() {
    sqs.close();
    jedis.close();
  }
}
