package com.huntaze.ratelimiter.examples;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.SendResult;
import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.delivery.HttpOnlyFansGateway;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.jdbc.JdbcSentLog;
import com.huntaze.ratelimiter.lambda.RateLimiterHandler;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import com.huntaze.ratelimiter.testkit.FaultySqs;
import com.huntaze.ratelimiter.testkit.LocalDatabase;
import com.huntaze.ratelimiter.testkit.LocalEventSource;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import redis.clients.jedis.RedisClient;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/**
 * The whole way of a message on this machine: client, entry queue, event source and the Lambda's
 * handler, workflow queue, worker, and the API that judges. Thread-safe.
 *
 * <p>Queues, databases and API are its own, services are shared. What the handler and each worker
 * ask of SQS goes through a {@link FaultySqs} of its own.
 */
final class Pipeline implements AutoCloseable {
  /** Of the edge: more than a busy machine takes from a permit's last check to the arrival. */
  static final Duration GUARD = Duration.ofMillis(500);

  static final Duration CALL_TIMEOUT = Duration.ofSeconds(2);

  /** Longer than any call and shorter than what {@link TimeLapse} takes for a back-off. */
  static final Duration WORKFLOW_VISIBILITY = Duration.ofSeconds(6);

  private static final Duration ENTRY_VISIBILITY = Duration.ofSeconds(10);
  private static final Duration FUNCTION_TIMEOUT = Duration.ofSeconds(10);

  final RateLimit limit;
  final LocalSqs.QueueWithDeadLetters entry;
  final LocalSqs.QueueWithDeadLetters workflow;
  final FakeOnlyFansApi api;
  final LocalDatabase database = LocalPostgres.shared().newDatabase();
  final FaultySqs handlerSqs = FaultySqs.inFrontOf(LocalSqs.shared());
  final FaultySqs workerSqs = FaultySqs.inFrontOf(LocalSqs.shared());
  final SqsClient client = LocalSqs.shared().newClient();
  final Forwardings forwardings = new Forwardings();
  final TimeLapse timeLapse = new TimeLapse(client);

  /** A database of the Redis for each, not the first, so that pipelines can run side by side. */
  private static final AtomicInteger DATABASES = new AtomicInteger();

  private static final int REDIS_DATABASES = 15;

  final URI redis;
  private final PipelineJudge judge = new PipelineJudge(this);
  private final RedisClient jedis;
  private final HikariDataSource pool;
  private final RateLimitedOnlyFansClient sdk;
  private final Map<String, OnlyFansMessage> accepted = new LinkedHashMap<>();
  private final List<LocalEventSource> eventSources = new CopyOnWriteArrayList<>();
  private final List<Runnable> parts = new CopyOnWriteArrayList<>();

  Pipeline(LocalRedis redis, RateLimit limit) {
    this(redis, limit, 1_000, limit);
  }

  /**
   * A pipeline with settings of a test's own.
   *
   * @param entryReceives how often the entry queue hands a message out before it is a dead letter
   * @param answered429 the limit beyond which the API answers 429, whatever the one to be kept is
   */
  Pipeline(LocalRedis redis, RateLimit limit, int entryReceives, RateLimit answered429) {
    this.redis =
        URI.create(redis.uri() + "/" + (1 + DATABASES.getAndIncrement() % REDIS_DATABASES));
    this.limit = limit;
    this.entry = LocalSqs.shared().createQueueWithDeadLetters("entry", entryReceives);
    client.setQueueAttributes(
        request ->
            request
                .queueUrl(entry.url())
                .attributes(
                    Map.of(
                        QueueAttributeName.VISIBILITY_TIMEOUT,
                        Long.toString(ENTRY_VISIBILITY.toSeconds()))));
    this.workflow = LocalSqs.shared().createFifoQueueWithDeadLetters("workflow", 3);
    this.api =
        FakeOnlyFansApi.builder()
            .limit(answered429.permits(), answered429.window())
            .latency(Duration.ofMillis(20))
            .start();
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(database.jdbcUrl());
    this.pool = new HikariDataSource(config);
    sentLog().createSchema();
    this.jedis = RedisClient.create(this.redis);
    jedis.flushDB();
    bucket(true, GUARD).state(Scope.global());
    bucket(false, GUARD).state(Scope.global());
    this.sdk =
        RateLimitedOnlyFansClient.builder()
            .sink(SqsMessageSink.builder(client).queue(entry.url()).build())
            .build();
    handlerSqs.onCall(
        call -> {
          forwardings.hear(call);
          timeLapse.hear(call);
        });
    workerSqs.onCall(timeLapse::hear);
  }

  /** The bucket of gate or edge, which takes an empty Redis for a new one. */
  RedisTokenBucket bucket(boolean gate, Duration guard) {
    RedisTokenBucket.Builder builder =
        RedisTokenBucket.builder(jedis)
            .limit(limit)
            .guard(guard)
            .coldStart(RedisTokenBucket.ColdStart.EMPTY);
    return (gate ? builder.gate() : builder).build();
  }

  JdbcSentLog sentLog() {
    return JdbcSentLog.builder(pool).build();
  }

  /** The product's handler, set up by its environment as in AWS. */
  LambdaFunction handler() {
    return new LambdaFunction(
        new RateLimiterHandler(
            Map.of(
                "SQS_RATE_LIMITER_QUEUE", entry.url(),
                "SQS_WORKFLOW_QUEUE", workflow.url(),
                "AWS_ENDPOINT_URL", handlerSqs.endpoint().toString(),
                "AWS_REGION", "us-east-1",
                "AWS_ACCESS_KEY_ID", "local",
                "AWS_SECRET_ACCESS_KEY", "local",
                "REDIS_URL", redis.toString(),
                "RATE_LIMIT", limit.toString())));
  }

  /** Starts an event source with the product's handler, two invocations at a time. */
  LocalEventSource startHandler() {
    return startHandler(handler(), 2);
  }

  /** Starts an event source with a function. */
  LocalEventSource startHandler(LocalEventSource.Invocation function, int maximumConcurrency) {
    LocalEventSource source =
        LocalEventSource.builder(
                client,
                entry.url(),
                (event, remaining) -> {
                  try {
                    return function.invoke(event, remaining);
                  } finally {
                    forwardings.ended(ids(event));
                  }
                })
            .maximumConcurrency(maximumConcurrency)
            .timeout(FUNCTION_TIMEOUT)
            .start();
    eventSources.add(source);
    return source;
  }

  private static List<String> ids(byte[] event) {
    return LambdaEvents.bodies(event).stream()
        .map(body -> PayloadCodec.decodeEither(body).messageId())
        .toList();
  }

  /** Starts a worker of this process, set up as the product's but for its times. */
  Dispatcher startWorker() {
    return startWorker(bucket(false, GUARD), sentLog(), source -> source);
  }

  /**
   * Starts a worker on parts of a test's own.
   *
   * @param edge the bucket
   * @param log the sent-log
   * @param wrap puts something around the workflow queue
   */
  Dispatcher startWorker(TokenBucket edge, SentLog log, UnaryOperator<MessageSource> wrap) {
    SqsClient through = workerSqs.newClient(Duration.ofSeconds(5));
    Dispatcher worker =
        Dispatcher.builder(
                wrap.apply(
                    SqsMessageSource.builder(through)
                        .queue(workflow.url())
                        .visibility(WORKFLOW_VISIBILITY)
                        .build()),
                edge,
                HttpOnlyFansGateway.builder(api.baseUri()).build())
            .sentLog(log)
            .callTimeout(CALL_TIMEOUT)
            .firstRetry(Duration.ofMillis(100))
            .pollWait(Duration.ofSeconds(1))
            .build();
    worker.start();
    parts.add(worker::close);
    parts.add(() -> through.close());
    return worker;
  }

  /**
   * Hides what is received from the entry queue for longer than any booking here. When a hidden
   * message is to be hidden for longer, the local SQS leaves it in its place in a heap that is
   * ordered by that time, and others behind it are handed out seconds late.
   */
  void withLongEntryVisibility() {
    client.setQueueAttributes(
        request ->
            request
                .queueUrl(entry.url())
                .attributes(Map.of(QueueAttributeName.VISIBILITY_TIMEOUT, "600")));
  }

  /** Leaves back-offs as long as they are. */
  void withoutTimeLapse() {
    handlerSqs.onCall(forwardings::hear);
    workerSqs.onCall(call -> {});
  }

  /** Sends a burst by the client; every message must be accepted. */
  void send(List<OnlyFansMessage> messages) {
    List<SendResult> results = sdk.sendBatch(messages);
    for (int i = 0; i < messages.size(); i++) {
      if (!results.get(i).accepted()) {
        throw new AssertionError("not accepted: " + results.get(i));
      }
      accepted(messages.get(i));
    }
  }

  /** Counts a message among those that must not be lost. */
  void accepted(OnlyFansMessage message) {
    synchronized (accepted) {
      accepted.put(message.messageId(), message);
    }
  }

  List<String> acceptedIds() {
    synchronized (accepted) {
      return List.copyOf(accepted.keySet());
    }
  }

  /** Puts messages into the workflow queue as the gate would have. */
  void forward(List<OutboundMessage> messages) {
    SqsMessageSink.builder(client).queue(workflow.url()).build().sendAll(messages);
  }

  /** Puts a message into the workflow queue past its deduplication. */
  void forwardCopy(OutboundMessage message, String deduplicationId) {
    client.sendMessage(
        request ->
            request
                .queueUrl(workflow.url())
                .messageBody(PayloadCodec.workflow().encode(message))
                .messageGroupId(message.creator())
                .messageDeduplicationId(deduplicationId));
  }

  List<LocalEventSource> eventSources() {
    return List.copyOf(eventSources);
  }

  /** How many messages a queue holds, in hand and delayed ones among them. */
  int depth(String queueUrl) {
    return client
        .getQueueAttributes(
            request ->
                request
                    .queueUrl(queueUrl)
                    .attributeNames(
                        QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES,
                        QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE,
                        QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_DELAYED))
        .attributes()
        .values()
        .stream()
        .mapToInt(Integer::parseInt)
        .sum();
  }

  PipelineJudge judge() {
    return judge;
  }

  @Override
  public void close() {
    eventSources.forEach(LocalEventSource::close);
    parts.forEach(Runnable::run);
    sdk.close();
    timeLapse.close();
    handlerSqs.close();
    workerSqs.close();
    api.close();
    jedis.close();
    pool.close();
    client.close();
  }
}
