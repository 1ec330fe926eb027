package com.huntaze.ratelimiter.examples;

import com.huntaze.ratelimiter.MessageLimits;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.RateLimiterSwitch;
import com.huntaze.ratelimiter.StartUpCheck;
import com.huntaze.ratelimiter.cloudwatch.CloudWatchMetricsSink;
import com.huntaze.ratelimiter.cloudwatch.EmfMetricsSink;
import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.delivery.HttpOnlyFansGateway;
import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.delivery.RateLimitGate;
import com.huntaze.ratelimiter.delivery.ResultStore;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.delivery.WorkflowWorker;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.Replayer;
import com.huntaze.ratelimiter.jdbc.EncryptionKeys;
import com.huntaze.ratelimiter.jdbc.JdbcFallbackStore;
import com.huntaze.ratelimiter.jdbc.JdbcSentLog;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.redis.RedisClients;
import com.huntaze.ratelimiter.redis.RedisSentLog;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import com.huntaze.ratelimiter.s3.S3ResultStore;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.util.Credentials;
import java.io.OutputStream;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Executors;
import javax.sql.DataSource;
import redis.clients.jedis.UnifiedJedis;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.sqs.SqsClient;

/** The code of docs/configuration.md; compiled, and compared with the page. Never run. */
final class ConfigurationExample {
  private final SqsClient sqs;
  private final S3Client s3;
  private final UnifiedJedis jedis;
  private final DataSource dataSource;

  ConfigurationExample(SqsClient sqs, S3Client s3, UnifiedJedis jedis, DataSource dataSource) {
    this.sqs = sqs;
    this.s3 = s3;
    this.jedis = jedis;
    this.dataSource = dataSource;
  }

  RateLimitedOnlyFansClient client(
      MessageSink sink,
      TokenBucket bucket,
      FallbackStore store,
      SentLog log,
      ResultStore answers,
      OnlyFansGateway gateway,
      MetricsSink listener) {
    // PAGE: RateLimitedOnlyFansClient
    RateLimitedOnlyFansClient client =
        RateLimitedOnlyFansClient.builder()
            // required: the queue
            .sink(sink)
            // default: none. The edge's limit, for direct calls, status and estimates
            .tokenBucket(bucket)
            // default: none, and what the queue does not take is FAILED
            .fallbackStore(store)
            // default: nobody. Hears counts and times
            .metrics(listener)
            // default: none, and users the switch is off for are DISABLED. Needs a tokenBucket
            .directGateway(gateway)
            // default: in memory. Share one between all processes that deliver, direct calls too
            .sentLog(log)
            // default: nowhere. How messages ended that this process delivers itself
            .results(answers)
            // default 10,000 messages each: embedded queue, and buffer of sendAsync
            .queueCapacity(10_000)
            // default OFF; REPORT from RateLimiterConfig; REQUIRE refuses to start
            .startUpCheck(StartUpCheck.REPORT)
            // default: on for everybody; from RateLimiterConfig as the settings say
            .rateLimiterSwitch(RateLimiterSwitch.percent(100))
            // default DEFAULT, which is this: characters, URLs, characters, keys, bytes, levels
            .messageLimits(new MessageLimits(10_000, 10, 2_048, 50, 16_384, 5))
            // default 3 retries, so 4 calls at most
            .maxRetries(3)
            // default 100 ms: the first wait is random up to this, then doubled; ×5 if throttled
            .retryBase(Duration.ofMillis(100))
            // default 5 s: later than this a send is not retried
            .sendDeadline(Duration.ofSeconds(5))
            // default: after 5 consecutive faults, for 60 s
            .breaker(5, Duration.ofSeconds(60))
            // default 100 a second: how fast stored messages are replayed
            .replayPace(RateLimit.rolling(100, Duration.ofSeconds(1)))
            // default: as Replayer says, see there
            .replayer(settings -> settings.retention(Duration.ofDays(14)))
            // default: the system's. The wall clock of timestamps
            .clock(InstantSource.system())
            // default: the JVM's. The monotonic clock of durations
            .ticker(Ticker.system())
            // default: a generator of its own. The jitter of retries
            .random(new Random())
            .build();

    RateLimitedOnlyFansClient embedded =
        RateLimitedOnlyFansClient.builder()
            // in place of sink: queue, limit and dispatcher in this process
            .embedded(gateway, RateLimit.rolling(10, Duration.ofMinutes(1)))
            .build();
    // PAGE: end
    embedded.close();
    return client;
  }

  Replayer replayer(FallbackStore store, MessageSink sink, MetricsSink listener) {
    // PAGE: Replayer
    Replayer replayer =
        Replayer.builder(store, sink)
            // default: nobody
            .metrics(listener)
            // default 100 a second, spread evenly
            .pace(RateLimit.rolling(100, Duration.ofSeconds(1)))
            // default 1 s: how often an idle store is looked at, less often up to 15 s if slow
            .idle(Duration.ofSeconds(1))
            // default 60 s: longer than the sink's slowest call by half
            .lease(Duration.ofSeconds(60))
            // default 1 s to 5 min: how long a message rests that the queue did not take
            .backoff(Duration.ofSeconds(1), Duration.ofMinutes(5))
            // default 20 attempts that may be the message's fault; then it is dead
            .maxAttempts(20)
            // default 14 days: how long replayed messages stay in the table
            .retention(Duration.ofDays(14))
            // default: one daemon thread of its own
            .scheduler(Executors.newScheduledThreadPool(1))
            // default: the JVM's. The monotonic clock
            .ticker(Ticker.system())
            // default: a generator of its own. Jitter
            .random(new Random())
            .build();
    // PAGE: end
    return replayer;
  }

  SqsMessageSink sink() {
    // PAGE: SqsMessageSink
    SqsMessageSink sink =
        SqsMessageSink.builder(sqs)
            // required: name or URL; one that ends in .fifo is a FIFO queue
            .queue("huntaze-rate-limiter-queue")
            // default: the sink's queue. A queue of a priority's own, of the same type
            .queue(Priority.HIGH, "huntaze-rate-limiter-queue-high")
            // default: none. Up to three attributes of your own on every message
            .attribute("tenant", "huntaze")
            // default 262,144 bytes, body and attributes; up to 1,048,576 if the queue takes it
            .maxMessageBytes(262_144)
            // default: the order in which they are put is kept, on a FIFO queue; this gives it up
            .unordered()
            .build();
    // PAGE: end
    return sink;
  }

  SqsMessageSource source() {
    // PAGE: SqsMessageSource
    SqsMessageSource source =
        SqsMessageSource.builder(sqs)
            // required: name or URL
            .queue("huntaze-hybrid-workflows.fifo")
            // default 60 s: hidden for so long, then renewed; the queue's own setting is not used
            .visibility(Duration.ofSeconds(60))
            // default: the queue that the redrive policy of the source's queue names
            .deadLetterQueue("huntaze-hybrid-workflows-dlq.fifo")
            // default: the JVM's. The monotonic clock
            .ticker(Ticker.system())
            .build();
    // PAGE: end
    return source;
  }

  RedisTokenBucket bucket(MetricsSink listener) {
    // PAGE: RedisTokenBucket
    RedisTokenBucket bucket =
        RedisTokenBucket.builder(jedis)
            // required: all calls together. Several limits may be given, and all hold
            .limit(RateLimit.rolling(10, Duration.ofMinutes(1)))
            // default: only the global scope is limited. Each creator's, each recipient's
            .limit(Scope.Kind.CREATOR, RateLimit.rolling(5, Duration.ofMinutes(1)))
            // default onlyfans: one for each external API; all processes share it
            .namespace("onlyfans")
            // default 250 ms, added to every window; how long a permit is fresh at the edge
            .guard(Duration.ofMillis(250))
            // default 5 s: how late the holder of a booking may come
            .grace(Duration.ofSeconds(5))
            // default CLOSED: an empty Redis may have lost its state. EMPTY: a first deployment
            .coldStart(RedisTokenBucket.ColdStart.CLOSED)
            // default CLOSED: nothing is sent while Redis is down. OPEN, LOCAL: no limit, or each
            .whenDown(RedisTokenBucket.WhenDown.CLOSED)
            // default: the monotonic clock of the JVM
            .ticker(Ticker.system())
            // default: the bucket at the edge. This is the gate's, in front of a workflow queue
            .gate()
            // default: the run id is asked for. A weaker promise, for servers that do not tell it
            .withoutRunId()
            // default: nobody. Hears when the limit closes because Redis lost its state
            .metrics(listener)
            .build();
    // PAGE: end
    return bucket;
  }

  InMemoryTokenBucket inMemoryBucket() {
    // PAGE: InMemoryTokenBucket
    InMemoryTokenBucket bucket =
        InMemoryTokenBucket.builder(RateLimit.rolling(10, Duration.ofMinutes(1)))
            // default: only the global scope is limited. Each creator's, each recipient's
            .limit(Scope.Kind.CREATOR, RateLimit.rolling(5, Duration.ofMinutes(1)))
            // default 250 ms, added to every window
            .guard(Duration.ofMillis(250))
            // default 5 s: how late the holder of a booking may come
            .grace(Duration.ofSeconds(5))
            // default: the guard. How long a grant is told again to who asks with its id
            .freshFor(Duration.ofMillis(250))
            // default: the system's clock. The instants of answers
            .clock(InstantSource.system())
            // default: the monotonic clock of the JVM
            .ticker(Ticker.system())
            .build();
    // PAGE: end
    return bucket;
  }

  RedisSentLog redisSentLog() {
    // PAGE: RedisSentLog
    RedisSentLog sentLog =
        RedisSentLog.builder(jedis)
            // default onlyfans: logs of one namespace are one log
            .namespace("onlyfans")
            // default 30 days, 14 at least
            .retention(Duration.ofDays(30))
            .build();
    // PAGE: end
    return sentLog;
  }

  JdbcFallbackStore store(EncryptionKeys keys) {
    // PAGE: JdbcFallbackStore
    JdbcFallbackStore store =
        JdbcFallbackStore.builder(dataSource)
            // default: what the first connection says it is connected to; else postgresql, mysql, …
            .dialect("postgresql")
            // default false: whether the first call makes or upgrades the tables
            .createSchema(false)
            // default 10 s, in whole seconds: the longest a statement may run
            .queryTimeout(Duration.ofSeconds(10))
            // default: nothing is encrypted here. AES keys for content and media URLs at rest
            .encryption(keys)
            .build();
    // PAGE: end
    return store;
  }

  JdbcSentLog jdbcSentLog() {
    // PAGE: JdbcSentLog
    JdbcSentLog sentLog =
        JdbcSentLog.builder(dataSource)
            // default: what the first connection says it is connected to; else postgresql, mysql, …
            .dialect("postgresql")
            // default false: whether the first call makes or upgrades the tables
            .createSchema(false)
            // default 10 s, in whole seconds: the longest a statement may run
            .queryTimeout(Duration.ofSeconds(10))
            // default 30 days, 14 at least: longer than any queue keeps a message
            .retention(Duration.ofDays(30))
            .build();
    // PAGE: end
    return sentLog;
  }

  Dispatcher dispatcher(
      MessageSource source,
      TokenBucket bucket,
      OnlyFansGateway gateway,
      SentLog log,
      ResultStore answers,
      FallbackStore store,
      MetricsSink listener) {
    // PAGE: Dispatcher
    Dispatcher dispatcher =
        Dispatcher.builder(source, bucket, gateway)
            // default: in memory, which is right for one process only
            .sentLog(log)
            // default: nowhere, and then messages that read are put aside
            .results(answers)
            // default: nobody
            .metrics(listener)
            // default HOLD: a call without an answer waits for an operator. RESEND repeats it
            .inDoubt(InDoubtPolicy.HOLD)
            // default: in the source's dead letters. In a store it can be revived
            .heldIn(store)
            // default 10 senders: calls side by side
            .concurrency(10)
            // default ten for each sender, and one where the source keeps order
            .mostInHand(100)
            // default: none; the third receive for a WorkflowWorker
            .mostReceives(3)
            // default 2 s: how long one receive waits; a stop waits for it
            .pollWait(Duration.ofSeconds(2))
            // default 30 s; twice that after one failure, four times after more
            .callTimeout(Duration.ofSeconds(30))
            // default 250 ms; the guard of the bucket
            .freshness(Duration.ofMillis(250))
            // default 5 minutes: how far ahead a message in hand books
            .bookingHorizon(Duration.ofMinutes(5))
            // default 1 s: before the first of three retries of a 5xx; then doubled
            .firstRetry(Duration.ofSeconds(1))
            // default: the system's. The wall clock of results
            .clock(InstantSource.system())
            // default: the JVM's. The monotonic clock
            .ticker(Ticker.system())
            .build();
    // PAGE: end
    return dispatcher;
  }

  WorkflowWorker worker(
      MessageSource source,
      TokenBucket bucket,
      OnlyFansGateway gateway,
      SentLog log,
      ResultStore answers,
      FallbackStore store) {
    // PAGE: WorkflowWorker
    WorkflowWorker worker =
        new WorkflowWorker(
            Dispatcher.builder(source, bucket, gateway)
                .sentLog(log) // required here
                .results(answers) // required here
                .heldIn(store));
    // PAGE: end
    return worker;
  }

  RateLimitGate gate(TokenBucket bucket, MessageSource entry, MessageSink workflow) {
    // PAGE: RateLimitGate
    RateLimitGate gate =
        RateLimitGate.builder(bucket, entry, workflow)
            // default 3 s: a step that may take longer than what is left is not begun
            .longestCall(Duration.ofSeconds(3))
            // default: this JVM's ticker
            .ticker(Ticker.system())
            // default: a generator of each thread's own. Spreads what comes back
            .random(new Random())
            .build();
    // PAGE: end
    return gate;
  }

  HttpOnlyFansGateway gateway(URI apiUrl, RateLimiterConfig config) {
    // PAGE: HttpOnlyFansGateway
    HttpOnlyFansGateway gateway =
        HttpOnlyFansGateway.builder(apiUrl)
            // default huntaze-ratelimiter
            .userAgent("huntaze-ratelimiter")
            // default: none are sent. Asked for every call; must answer from memory
            .apiKey(() -> config.secret("ONLYFANS_API_KEY").get().orElseThrow())
            // default 500 ms
            .connectTimeout(Duration.ofMillis(500))
            // default 262,144 bytes of an answer are kept where the action reads
            .maxReadBytes(262_144)
            // default false: users' URLs may not lead into private networks
            .privateAddresses(false)
            // default: the system's. What dates in Retry-After are compared with
            .clock(InstantSource.system())
            .build();
    // PAGE: end
    return gateway;
  }

  S3ResultStore results() {
    // PAGE: S3ResultStore
    S3ResultStore results =
        S3ResultStore.builder(s3)
            // required
            .bucket("huntaze-onlyfans-results")
            // default nothing: folders that all keys begin with
            .prefix("results/")
            // default 5 s, retries of the client included: a delivery waits for it
            .timeout(Duration.ofSeconds(5))
            // by default the bucket's own setting counts; the last call of these two wins
            .encryptWithAes256()
            .encryptWithKms("alias/onlyfans-results")
            .build();
    // PAGE: end
    return results;
  }

  CloudWatchMetricsSink cloudWatch(CloudWatchClient cloudWatch) {
    // PAGE: CloudWatchMetricsSink
    CloudWatchMetricsSink metrics =
        CloudWatchMetricsSink.builder(cloudWatch)
            // required: the dimension Environment
            .environment("production")
            // default 60 s: how often metrics are sent; each request costs
            .flushInterval(Duration.ofSeconds(60))
            // default 5 s, retries of the client included
            .requestTimeout(Duration.ofSeconds(5))
            // default 5 s: the longest that closing may take
            .closeTimeout(Duration.ofSeconds(5))
            // default 4 MiB: what waits for CloudWatch, an hour or more of usual intervals
            .maxBufferedBytes(4 << 20)
            // default: the system's. The wall clock of timestamps
            .clock(InstantSource.system())
            // default: the JVM's. The monotonic clock
            .ticker(Ticker.system())
            .build();
    // PAGE: end
    return metrics;
  }

  EmfMetricsSink emf(OutputStream lines) {
    // PAGE: EmfMetricsSink
    EmfMetricsSink metrics =
        EmfMetricsSink.builder()
            // required: the dimension Environment
            .environment("production")
            // default: what System.out is then. Each line is one write
            .output(lines)
            // default 60 s. Zero: only by flush() and in the end, without a thread
            .flushInterval(Duration.ofSeconds(60))
            // default: the system's. The wall clock of timestamps
            .clock(InstantSource.system())
            .build();
    // PAGE: end
    return metrics;
  }

  UnifiedJedis secrets(SecretCache cache, URI redisUrl, HikariDataSource pool) {
    // PAGE: secrets
    RateLimiterConfig config = RateLimiterConfig.fromEnvironment().withSecrets(cache::find);
    UnifiedJedis redis = RedisClients.create(redisUrl, config.secret("REDIS_AUTH_TOKEN"));
    pool.setCredentialsProvider(
        () -> Credentials.of("huntaze", cache.find("DATABASE_PASSWORD").orElseThrow()));
    // PAGE: end
    return redis;
  }

  interface SecretCache {
    Optional<String> find(String name);
  }
}
