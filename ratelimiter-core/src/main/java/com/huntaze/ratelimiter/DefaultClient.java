package com.huntaze.ratelimiter;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.fallback.Replayer;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.LogFields;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/** The pipeline: validate, switch, queue with retries and breaker, store, answer. */
final class DefaultClient implements RateLimitedOnlyFansClient {
  private static final Logger log = LoggerFactory.getLogger(RateLimitedOnlyFansClient.class);

  /** A longer deadline is no deadline. */
  private static final Duration FOREVER = Duration.ofDays(365);

  /** A fallback store that takes longer for ten messages when the client closes is given up. */
  private static final Duration STORE_STUCK = Duration.ofSeconds(10);

  private static final String IN_TRANSACTION = "in the caller's transaction, if it commits";

  private final Ticker ticker;
  private final MetricsSink metrics;
  private final Entrance entrance = new Entrance();
  private final Intake intake;
  private final RateLimiterSwitch rateLimiterSwitch;
  private final @Nullable EmbeddedPipeline embedded;
  private final @Nullable DirectSender direct;
  private final @Nullable Replayer replayer;
  private final GuardedSink queue;
  private final Fallback fallback;
  private final Precedence precedence;
  private final Batcher batcher;
  private final DeliveryEstimate estimate;
  private final StatusBoard board;
  private final Gauges gauges;
  private final String queueName;
  private @Nullable CloseReport closed;

  private DefaultClient(RateLimitedOnlyFansClient.Builder builder) {
    this.ticker = builder.ticker;
    this.metrics = MetricsSink.guarded(builder.metrics);
    this.intake = new Intake(builder.limits, builder.clock);
    this.rateLimiterSwitch =
        builder.rateLimiterSwitch == null ? RateLimiterSwitch.on() : builder.rateLimiterSwitch;
    this.embedded = EmbeddedPipeline.of(builder, metrics);
    TokenBucket bucket = embedded == null ? builder.bucket : embedded.bucket();
    MessageSink sink = embedded == null ? requireNonNull(builder.sink) : embedded.queue();
    this.direct = DirectSender.of(builder, bucket, metrics);
    this.replayer = replayer(builder, sink);
    this.queue = new GuardedSink(builder, sink, metrics);
    this.fallback = new Fallback(builder.store, bucket, metrics);
    this.precedence =
        new Precedence(
            sink.keepsOrder() ? builder.store : null, builder.ticker, builder.sendDeadline);
    this.batcher = new Batcher(builder.batcherLimits(sink), builder.ticker, this::deliver);
    this.estimate = new DeliveryEstimate(sink, bucket, batcher, builder.clock, builder.ticker);
    this.board = new StatusBoard(sink, queue, bucket, builder.store, builder.ticker);
    this.gauges = new Gauges(board, metrics);
    this.queueName = embedded == null ? sink.toString() : "in memory";
  }

  private static @Nullable Replayer replayer(
      RateLimitedOnlyFansClient.Builder builder, MessageSink sink) {
    if (builder.store == null) {
      return null;
    }
    Replayer.Builder settings =
        Replayer.builder(builder.store, sink)
            .metrics(builder.metrics)
            .pace(builder.replayPace)
            .ticker(builder.ticker);
    builder.replayerSettings.accept(settings);
    return settings.build();
  }

  static RateLimitedOnlyFansClient start(RateLimitedOnlyFansClient.Builder builder) {
    DefaultClient client = new DefaultClient(builder);
    try {
      client.board.checkAtStart(builder.startUpCheck, client.batcher);
    } catch (IllegalStateException e) {
      client.close();
      throw e;
    }
    if (client.direct != null) {
      client.direct.warmUp();
    }
    if (client.embedded != null) {
      client.embedded.start();
    }
    if (client.replayer != null) {
      client.replayer.start();
    }
    client.gauges.start();
    return client;
  }

  @Override
  public SendResult send(OnlyFansMessage message) {
    requireNonNull(message, "message");
    long start = ticker.nanos();
    return entrance.whileOpen(() -> deliver(intake.read(message), start));
  }

  @Override
  public SendResult submit(OnlyFansAction action) {
    requireNonNull(action, "action");
    if (embedded != null && !embedded.keepsResults()) {
      throw new IllegalStateException(
          "results must be set: an embedded client has nowhere else to keep what an action reads");
    }
    long start = ticker.nanos();
    return entrance.whileOpen(() -> deliver(intake.read(action), start));
  }

  private SendResult deliver(Intake.Reading reading, long start) {
    OutboundMessage accepted = reading.accepted();
    return accepted == null ? said(reading.refusal(), null) : deliver(accepted, start);
  }

  @Override
  public List<SendResult> sendBatch(List<OnlyFansMessage> messages) {
    List<OnlyFansMessage> copy = List.copyOf(messages);
    long start = ticker.nanos();
    return entrance.whileOpen(
        () -> {
          Batch batch = new Batch(copy.stream().map(intake::read).toList());
          batch.refusals().forEach(refusal -> said(refusal, null));
          for (List<OutboundMessage> ten : batch.inTens()) {
            batch.outcomes(deliver(ten, start));
          }
          return batch.results();
        });
  }

  @Override
  public CompletableFuture<SendResult> sendAsync(OnlyFansMessage message) {
    requireNonNull(message, "message");
    Intake.Reading reading = entrance.whileOpen(() -> intake.read(message));
    OutboundMessage accepted = reading.accepted();
    if (accepted == null) {
      return CompletableFuture.completedFuture(said(reading.refusal(), null));
    }
    CompletableFuture<SendResult> future = batcher.submit(accepted);
    return future != null
        ? future
        : CompletableFuture.completedFuture(said(noRoom(accepted), accepted));
  }

  @Override
  public SendResult outbox(OnlyFansMessage message, Consumer<OutboundMessage> transaction) {
    requireNonNull(message, "message");
    requireNonNull(transaction, "transaction");
    return entrance.whileOpen(
        () -> {
          Intake.Reading reading = intake.read(message);
          OutboundMessage accepted = reading.accepted();
          if (accepted == null) {
            return said(reading.refusal(), null);
          }
          String id = accepted.messageId();
          if (!rateLimiterSwitch.isOnFor(accepted.userId())) {
            return said(new SendResult.Disabled(id), accepted);
          }
          transaction.accept(accepted);
          return said(new SendResult.Stored(id, accepted.timestamp(), IN_TRANSACTION), accepted);
        });
  }

  private SendResult noRoom(OutboundMessage message) {
    metrics.rateLimited(message.priority());
    return new SendResult.RateLimited(message.messageId(), Duration.ofSeconds(1));
  }

  /** The whole pipeline for a message that breaks no rule: queue, store or direct way. */
  private SendResult deliver(OutboundMessage message, long start) {
    if (!rateLimiterSwitch.isOnFor(message.userId())) {
      return said(direct(message), message);
    }
    SinkResult answer =
        precedence.ahead(List.of(message)).isEmpty() ? queue.send(message) : Precedence.BEHIND;
    SinkException untaken = untaken(answer);
    return said(
        untaken == null ? outcome(message, answer, start) : fallback.store(message, untaken),
        message);
  }

  /** The same for several, of which those for the queue and those for the store go together. */
  private List<SendResult> deliver(List<OutboundMessage> messages, long start) {
    if (messages.size() == 1) {
      return List.of(deliver(messages.get(0), start));
    }
    IdentityHashMap<OutboundMessage, SendResult> results = new IdentityHashMap<>();
    List<OutboundMessage> on = new ArrayList<>(messages.size());
    for (OutboundMessage message : messages) {
      if (rateLimiterSwitch.isOnFor(message.userId())) {
        on.add(message);
      } else {
        results.put(message, said(direct(message), message));
      }
    }
    Set<String> ahead = precedence.ahead(on);
    List<OutboundMessage> toQueue =
        on.stream().filter(message -> !ahead.contains(message.creator())).toList();
    Iterator<SinkResult> answers =
        toQueue.isEmpty() ? Collections.emptyIterator() : queue.send(toQueue).iterator();
    List<Fallback.Untaken> toStore = new ArrayList<>();
    for (OutboundMessage message : on) {
      SinkResult answer = ahead.contains(message.creator()) ? Precedence.BEHIND : answers.next();
      SinkException untaken = untaken(answer);
      if (untaken == null) {
        results.put(message, said(outcome(message, answer, start), message));
      } else {
        toStore.add(new Fallback.Untaken(message, untaken));
      }
    }
    Iterator<SendResult> stored = fallback.storeAll(toStore).iterator();
    toStore.forEach(each -> results.put(each.message(), said(stored.next(), each.message())));
    return messages.stream().map(message -> requireNonNull(results.get(message))).toList();
  }

  /** Why the queue has not a message that another may take; null if it has, or nobody may. */
  private static @Nullable SinkException untaken(SinkResult answer) {
    return answer instanceof SinkResult.NotTaken notTaken
            && notTaken.reason().kind() != Kind.MESSAGE_REFUSED
        ? notTaken.reason()
        : null;
  }

  private SendResult direct(OutboundMessage message) {
    return direct == null ? new SendResult.Disabled(message.messageId()) : direct.send(message);
  }

  private SendResult outcome(OutboundMessage message, SinkResult answer, long start) {
    if (answer instanceof SinkResult.NotTaken notTaken) {
      return refused(message, notTaken.reason());
    }
    metrics.messageQueued(message.priority(), Duration.ofNanos(ticker.nanos() - start));
    return new SendResult.Queued(message.messageId(), message.timestamp(), estimate.next());
  }

  private static SendResult refused(OutboundMessage message, SinkException reason) {
    String why = requireNonNull(reason.getMessage());
    return new SendResult.Invalid(
        message.messageId(), List.of(new Violation("message", "Queue", why, Optional.empty())));
  }

  /** The one line of a send; a message that broke a rule has no fields that could be relied on. */
  private SendResult said(SendResult result, @Nullable OutboundMessage message) {
    LoggingEventBuilder line = result.status() == SendStatus.FAILED ? log.atError() : log.atInfo();
    if (message != null) {
      line = LogFields.of(line, message).addKeyValue("queue", queueName);
    }
    line = line.addKeyValue("status", result.status());
    switch (result.status()) {
      case FAILED -> line.log("Message {} failed: {}", result.messageId(), result.error().get());
      case STORED, INVALID ->
          line.log("Message {} {}: {}", result.messageId(), result.status(), result.error().get());
      default -> line.log("Message {} {}", result.messageId(), result.status());
    }
    return result;
  }

  @Override
  public QueueStatus queueStatus() {
    return board.status();
  }

  @Override
  public CheckReport check() {
    return entrance.whileOpen(() -> board.check(batcher));
  }

  @Override
  public int replayFailed(int max) {
    return entrance.whileOpen(() -> replayer == null ? 0 : replayer.replay(max));
  }

  @Override
  public void close() {
    close(Duration.ofSeconds(10));
  }

  @Override
  public synchronized CloseReport close(Duration deadline) {
    if (closed == null) {
      long nanos = deadline.compareTo(FOREVER) > 0 ? FOREVER.toNanos() : deadline.toNanos();
      long end = ticker.nanos() + nanos;
      gauges.close();
      if (replayer != null) {
        replayer.close(deadline); // first, or a long replay on demand would use it up
      }
      entrance.close(leftUntil(end));
      Leftovers left = new Leftovers(fallback);
      Spill spill = new Spill(fallback, STORE_STUCK);
      batcher
          .close(
              leftUntil(end),
              newer -> {
                storeInside(left, spill, end); // which came before
                return spill.store(newer);
              })
          .forEach(each -> left.count(said(each, null)));
      precedence.close();
      intake.close();
      closed = left.report();
    }
    return closed;
  }

  /** Stores what is in the queue inside. */
  private void storeInside(Leftovers left, Spill spill, long end) {
    if (embedded != null) {
      EmbeddedPipeline.Left inside = embedded.close(leftUntil(end));
      spill.store(inside.unsent()).forEach(each -> left.count(said(each, null)));
      inside.inDoubt().forEach(left::hold);
    }
  }

  private Duration leftUntil(long end) {
    return Duration.ofNanos(Math.max(0, end - ticker.nanos()));
  }
}
