package com.huntaze.ratelimiter;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.Replayer;
import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.QueueDepth;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The pipeline: validate, switch, queue with retries and breaker, store, answer. */
final class DefaultClient implements RateLimitedOnlyFansClient {
  private static final Logger log = LoggerFactory.getLogger(RateLimitedOnlyFansClient.class);

  private final RateLimitedOnlyFansClient.Builder settings;
  private final MetricsSink metrics;
  private final MessageValidator validator;
  private final RateLimiterSwitch rateLimiterSwitch;
  private final @Nullable TokenBucket bucket;
  private final @Nullable FallbackStore store;
  private final @Nullable EmbeddedPipeline embedded;
  private final @Nullable DirectSender direct;
  private final @Nullable Replayer replayer;
  private final MessageSink sink;
  private final GuardedSink queue;
  private final AsyncSends async;
  private final DeliveryEstimate estimate;

  /** Held for reading by every send, so that closing waits for them and none slips in after. */
  private final ReentrantReadWriteLock open = new ReentrantReadWriteLock();

  private boolean closed;
  private CloseReport report = new CloseReport(0, 0, 0);

  private DefaultClient(RateLimitedOnlyFansClient.Builder builder) {
    this.settings = builder;
    this.metrics = MetricsSink.guarded(builder.metrics);
    this.validator = new MessageValidator(builder.limits);
    this.rateLimiterSwitch =
        builder.rateLimiterSwitch == null ? RateLimiterSwitch.on() : builder.rateLimiterSwitch;
    this.store = builder.store;
    if (builder.embeddedGateway != null && builder.embeddedLimit != null) {
      this.bucket =
          builder.bucket != null
              ? builder.bucket
              : InMemoryTokenBucket.builder(builder.embeddedLimit)
                  .clock(builder.clock)
                  .ticker(builder.ticker)
                  .build();
      this.embedded = new EmbeddedPipeline(builder, builder.embeddedGateway, bucket, metrics);
      this.sink = embedded.queue();
    } else {
      this.bucket = builder.bucket;
      this.embedded = null;
      this.sink = requireNonNull(builder.sink);
    }
    this.direct =
        builder.directGateway == null
            ? null
            : new DirectSender(
                builder.directGateway,
                requireNonNull(bucket),
                builder.sentLog,
                metrics,
                builder.ticker);
    this.replayer =
        store == null
            ? null
            : Replayer.builder(store, sink).metrics(metrics).pace(builder.replayPace).build();
    this.queue = new GuardedSink(builder, sink, metrics);
    this.async =
        new AsyncSends(
            builder.queueCapacity,
            this::process,
            messages -> messages.stream().map(this::spill).toList());
    this.estimate = new DeliveryEstimate(sink, bucket, async, builder.ticker);
  }

  static RateLimitedOnlyFansClient start(RateLimitedOnlyFansClient.Builder builder) {
    DefaultClient client = new DefaultClient(builder);
    if (builder.directGateway != null) {
      builder.directGateway.warmUp();
    }
    if (client.embedded != null) {
      client.embedded.start();
    }
    if (client.replayer != null) {
      client.replayer.start();
    }
    return client;
  }

  @Override
  public SendResult send(OnlyFansMessage message) {
    requireNonNull(message, "message");
    return whileOpen(() -> process(List.of(message)).get(0));
  }

  @Override
  public List<SendResult> sendBatch(List<OnlyFansMessage> messages) {
    List<OnlyFansMessage> copy = List.copyOf(messages);
    return whileOpen(() -> process(copy));
  }

  @Override
  public CompletableFuture<SendResult> sendAsync(OnlyFansMessage message) {
    requireNonNull(message, "message");
    return whileOpen(
        () ->
            async.submit(
                message, () -> new SendResult.RateLimited(idOf(message), Duration.ofSeconds(1))));
  }

  /** The whole pipeline: what each message may do is decided here, in this order. */
  private List<SendResult> process(List<OnlyFansMessage> messages) {
    long start = settings.ticker.nanos();
    List<@Nullable SendResult> results = new ArrayList<>();
    List<OutboundMessage> toQueue = new ArrayList<>();
    for (OnlyFansMessage message : messages) {
      String id = idOf(message);
      List<Violation> violations = validator.validate(message);
      if (!violations.isEmpty()) {
        results.add(new SendResult.Invalid(id, violations));
        continue;
      }
      OutboundMessage accepted = accept(message, id);
      if (rateLimiterSwitch.isOnFor(accepted.userId())) {
        results.add(null); // the queue's answer goes here
        toQueue.add(accepted);
      } else {
        results.add(direct == null ? new SendResult.Disabled(id) : direct.send(accepted));
      }
    }
    int next = 0;
    List<SinkResult> answers = toQueue.isEmpty() ? List.of() : queue.send(toQueue);
    List<SendResult> all = new ArrayList<>(results.size());
    for (SendResult result : results) {
      SendResult outcome = result;
      if (outcome == null) {
        outcome = outcome(toQueue.get(next), answers.get(next), start);
        next++;
      }
      say(outcome);
      all.add(outcome);
    }
    return all;
  }

  private SendResult outcome(OutboundMessage message, SinkResult answer, long start) {
    if (answer instanceof SinkResult.NotTaken notTaken) {
      SinkException reason = notTaken.reason();
      return reason.kind() == SinkException.Kind.MESSAGE_REFUSED
          ? refused(message, reason)
          : store(message, reason);
    }
    Instant now = settings.clock.instant();
    metrics.messageQueued(message.priority(), Duration.ofNanos(settings.ticker.nanos() - start));
    return new SendResult.Queued(
        message.messageId(), message.timestamp(), estimate.next(now).orElse(null));
  }

  private static SendResult refused(OutboundMessage message, SinkException reason) {
    String why = requireNonNull(reason.getMessage());
    return new SendResult.Invalid(
        message.messageId(), List.of(new Violation("message", "Queue", why, Optional.empty())));
  }

  /** Neither lost nor silent: the store, or a loud failure. */
  private SendResult store(OutboundMessage message, SinkException reason) {
    String why = reason.kind() + ": " + reason.getMessage();
    if (store == null) {
      if (reason.kind() == SinkException.Kind.BACK_PRESSURE) {
        metrics.rateLimited(message.priority());
        return new SendResult.RateLimited(message.messageId(), roomIn());
      }
      metrics.messageFailed(message.priority());
      return new SendResult.Failed(message.messageId(), why + "; there is no fallback store");
    }
    try {
      store.store(message, why);
      metrics.messageStored(message.priority());
      return new SendResult.Stored(message.messageId(), message.timestamp(), why);
    } catch (RuntimeException e) {
      metrics.messageFailed(message.priority());
      return new SendResult.Failed(
          message.messageId(), why + "; the fallback store failed too: " + e.getMessage());
    }
  }

  private Duration roomIn() {
    try {
      Duration next = bucket == null ? Duration.ZERO : bucket.state(Scope.global()).nextPermitIn();
      return next.isZero() ? Duration.ofSeconds(1) : next;
    } catch (RuntimeException e) {
      return Duration.ofSeconds(1);
    }
  }

  private SendResult spill(OnlyFansMessage message) {
    String id = idOf(message);
    List<Violation> violations = validator.validate(message);
    return violations.isEmpty()
        ? store(
            accept(message, id),
            new SinkException(SinkException.Kind.NOT_SENT, "the client closed", null))
        : new SendResult.Invalid(id, violations);
  }

  private static String idOf(OnlyFansMessage message) {
    return message.messageId() == null ? UUID.randomUUID().toString() : message.messageId();
  }

  private OutboundMessage accept(OnlyFansMessage message, String id) {
    // Microseconds are what every store keeps.
    Instant now = settings.clock.instant().truncatedTo(ChronoUnit.MICROS);
    return OutboundMessage.builder(id, requireNonNull(message.userId()), now)
        .creatorId(message.creatorId())
        .recipientId(message.recipientId())
        .content(message.content())
        .mediaUrls(message.mediaUrls().stream().map(url -> requireNonNull(url)).toList())
        .priority(message.priority())
        .workflowId(message.workflowId())
        .traceId(message.traceId())
        .metadata(MetadataRules.copy(message.metadata()))
        .build();
  }

  private static void say(SendResult result) {
    switch (result.status()) {
      case FAILED -> log.error("Message {} failed: {}", result.messageId(), result.error().get());
      case STORED, INVALID ->
          log.info("Message {} {}: {}", result.messageId(), result.status(), result.error().get());
      default -> log.info("Message {} {}", result.messageId(), result.status());
    }
  }

  @Override
  public QueueStatus queueStatus() {
    List<String> faults = new ArrayList<>();
    TokenBucket asked = bucket;
    FallbackStore counted = store;
    Optional<BucketState> state =
        asked == null ? Optional.empty() : ask("bucket", faults, () -> asked.state(Scope.global()));
    Optional<FallbackBacklog> backlog =
        counted == null ? Optional.empty() : ask("fallback", faults, counted::backlog);
    return new QueueStatus(
        ask("queue", faults, sink::depth).orElse(QueueDepth.UNKNOWN),
        backlog,
        queue.state(),
        state,
        faults);
  }

  private static <T> Optional<T> ask(String part, List<String> faults, Supplier<T> question) {
    try {
      return Optional.of(question.get());
    } catch (RuntimeException e) {
      faults.add(part + ": " + e.getMessage());
      return Optional.empty();
    }
  }

  @Override
  public int replayFailed(int max) {
    return whileOpen(() -> replayer == null ? 0 : replayer.replay(max));
  }

  @Override
  public void close() {
    close(Duration.ofSeconds(10));
  }

  @Override
  public CloseReport close(Duration deadline) {
    long end = settings.ticker.nanos() + deadline.toNanos();
    if (replayer != null) {
      replayer.close(); // first, or a long replay on demand would use up the deadline
    }
    boolean exclusive = false;
    try {
      exclusive = open.writeLock().tryLock(deadline.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    try {
      synchronized (this) {
        if (closed) {
          return report;
        }
        closed = true;
      }
    } finally {
      if (exclusive) {
        open.writeLock().unlock();
      }
    }
    async.close(Duration.ofNanos(Math.max(0, end - settings.ticker.nanos())));
    if (embedded != null) {
      report = keep(embedded.close(Duration.ofNanos(Math.max(0, end - settings.ticker.nanos()))));
    }
    validator.close();
    return report;
  }

  /** What was not delivered: into the store, or named one by one. */
  private CloseReport keep(EmbeddedPipeline.Left left) {
    int stored = 0;
    for (OutboundMessage message : left.unsent()) {
      SendResult result =
          store(message, new SinkException(SinkException.Kind.NOT_SENT, "the client closed", null));
      say(result);
      stored += result.accepted() ? 1 : 0;
    }
    int held = 0;
    for (OutboundMessage message : left.inDoubt()) {
      held += hold(message) ? 1 : 0;
    }
    return new CloseReport(
        stored, held, left.unsent().size() - stored + left.inDoubt().size() - held);
  }

  /** Never replayed by itself: the fan may have it. */
  private boolean hold(OutboundMessage message) {
    log.error("Message {} is in doubt: its call was begun and has no outcome", message.messageId());
    try {
      if (store != null) {
        store.hold(message, "in doubt: its call was begun and has no outcome");
        return true;
      }
    } catch (RuntimeException e) {
      log.error("Message {} could not be held: {}", message.messageId(), e.toString());
    }
    return false;
  }

  private <T> T whileOpen(Supplier<T> work) {
    open.readLock().lock();
    try {
      synchronized (this) {
        if (closed) {
          throw new IllegalStateException("the client is closed");
        }
      }
      return work.get();
    } finally {
      open.readLock().unlock();
    }
  }
}
