package com.huntaze.ratelimiter.lambda;

import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import com.huntaze.ratelimiter.testkit.FaultySqs;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import redis.clients.jedis.RedisClient;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** Queues and a Redis database of a test's own, and the environment of a function beside them. */
final class Deployment implements AutoCloseable {
  private static final AtomicInteger DATABASES = new AtomicInteger();

  final FaultySqs faults = FaultySqs.inFrontOf(LocalSqs.shared());
  final SqsClient sqs = LocalSqs.shared().newClient();
  final LocalSqs.QueueWithDeadLetters entry;
  final String workflow = LocalSqs.shared().createFifoQueue("workflow");
  final URI redisUrl =
      URI.create(LocalRedis.shared().uri() + "/" + DATABASES.incrementAndGet() % 16);
  final RedisClient redis = RedisClient.create(redisUrl);

  private final String limit;

  Deployment(boolean fifo, String limit) {
    this.limit = limit;
    this.entry =
        fifo
            ? LocalSqs.shared().createFifoQueueWithDeadLetters("entry", 1_000)
            : LocalSqs.shared().createQueueWithDeadLetters("entry", 1_000);
    redis.flushDB();
    // A first start would be closed for a window.
    RateLimit calls = RateLimit.parse(limit);
    for (RedisTokenBucket.Builder bucket :
        List.of(RedisTokenBucket.builder(redis).gate(), RedisTokenBucket.builder(redis))) {
      bucket.limit(calls).coldStart(RedisTokenBucket.ColdStart.EMPTY).build().state(Scope.global());
    }
  }

  /** The environment of the function. */
  Map<String, String> environment() {
    Map<String, String> environment = new HashMap<>();
    environment.put("SQS_RATE_LIMITER_QUEUE", entry.url());
    environment.put("SQS_WORKFLOW_QUEUE", workflow);
    environment.put("REDIS_URL", redisUrl.toString());
    environment.put("RATE_LIMIT", limit);
    environment.put("AWS_REGION", "us-east-1");
    environment.put("AWS_ENDPOINT_URL", faults.endpoint().toString());
    environment.put("AWS_ACCESS_KEY_ID", "local");
    environment.put("AWS_SECRET_ACCESS_KEY", "local");
    environment.put("ENVIRONMENT", "test");
    return environment;
  }

  String entryName() {
    return name(entry.url());
  }

  static String name(String url) {
    return url.substring(url.lastIndexOf('/') + 1);
  }

  static String body(String messageId) {
    return PayloadCodec.standard()
        .encode(
            OutboundMessage.builder(messageId, "creator", Instant.parse("2026-01-01T00:00:00Z"))
                .recipientId("fan")
                .content("A secret for " + messageId)
                .build());
  }

  /** Puts bodies into the entry queue and receives them again, as Lambda would have. */
  List<Message> received(String... bodies) {
    boolean fifo = entryName().endsWith(".fifo");
    for (int i = 0; i < bodies.length; i++) {
      String body = bodies[i];
      String id = Integer.toString(i);
      sqs.sendMessage(
          request -> {
            request.queueUrl(entry.url()).messageBody(body);
            if (fifo) {
              request.messageGroupId("creator").messageDeduplicationId(body.hashCode() + id);
            }
          });
    }
    return receive(entry.url(), bodies.length);
  }

  /** Receives as many messages as that, if there are so many. */
  List<Message> receive(String url, int count) {
    List<Message> received = new ArrayList<>();
    List<Message> some;
    do {
      some =
          sqs.receiveMessage(
                  request ->
                      request
                          .queueUrl(url)
                          .maxNumberOfMessages(10)
                          .visibilityTimeout(30)
                          .messageAttributeNames("All")
                          .messageSystemAttributeNames(MessageSystemAttributeName.ALL))
              .messages();
      received.addAll(some);
    } while (!some.isEmpty() && received.size() < count);
    return received;
  }

  /** How many messages a queue has, by whether they can be received. */
  long count(String url, QueueAttributeName which) {
    return Long.parseLong(
        sqs.getQueueAttributes(request -> request.queueUrl(url).attributeNames(which))
            .attributes()
            .get(which));
  }

  long visible(String url) {
    return count(url, QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES);
  }

  long inFlight(String url) {
    return count(url, QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE);
  }

  /** How often Redis ran a script so far. */
  long scripts() {
    String stats = redis.info("commandstats");
    return stats
        .lines()
        .filter(line -> line.startsWith("cmdstat_eval"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^:]*:calls=(\\d+).*", "$1")))
        .sum();
  }

  static FakeContext within(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    return new FakeContext(() -> Duration.ofNanos(end - System.nanoTime()));
  }

  @Override
  public void close() {
    redis.close();
    sqs.close();
    faults.close();
  }
}
