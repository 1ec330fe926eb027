package com.huntaze.ratelimiter;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.fallback.Replayer;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The pipeline: validate, switch, queue with retries and breaker, store, answer. */
final class DefaultClient implements RateLimitedOnlyFansClient {
  private static final Logger log = LoggerFactory.getLogger(RateLimitedOnlyFansClient.class);

  /** A longer deadline is no deadline. */
  private static final Duration FOREVER = Duration.ofDays(365);

  /** A fallback store that takes longer for one message when the client closes is given up. */
  private static final Duration STORE_STUCK = Duration.ofSeconds(10);

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
  private final Batcher batcher;
  private final DeliveryEstimate estimate;
  private final StatusBoard board;
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
    this.replayer =
        builder.store == null
            ? null
            : Replayer.builder(builder.store, sink)
                .metrics(metrics)
                .pace(builder.replayPace)
                .build();
    this.queue = new GuardedSink(builder, sink, metrics);
    this.fallback = new Fallback(builder.store, bucket, metrics);
    this.batcher = new Batcher(builder.batcherLimits(sink), builder.ticker, this::deliver);
    this.estimate = new DeliveryEstimate(sink, bucket, batcher, builder.clock, builder.ticker);
    this.board = new StatusBoard(sink, queue, bucket, builder.store, builder.ticker);
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
    return client;
  }

  @Override
  public SendResult send(OnlyFansMessage message) {
    requireNonNull(message, "message");
    long start = ticker.nanos();
    return entrance.whileOpen(
        () -> {
          Intake.Reading reading = intake.read(message);
          OutboundMessage accepted = reading.accepted();
          return accepted == null ? said(reading.refusal()) : deliver(accepted, start);
        });
  }

  @Override
  public List<SendResult> sendBatch(List<OnlyFansMessage> messages) {
    List<OnlyFansMessage> copy = List.copyOf(messages);
    long start = ticker.nanos();
    return entrance.whileOpen(
        () -> {
          Batch batch = new Batch(copy.stream().map(intake::read).toList());
          batch.refusals().forEach(DefaultClient::said);
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
      return CompletableFuture.completedFuture(said(reading.refusal()));
    }
    CompletableFuture<SendResult> future = batcher.submit(accepted);
    return future != null ? future : CompletableFuture.completedFuture(said(noRoom(accepted)));
  }

  private SendResult noRoom(OutboundMessage message) {
    metrics.rateLimited(message.priority());
    return new SendResult.RateLimited(message.messageId(), Duration.ofSeconds(1));
  }

  /** The whole pipeline for a message that breaks no rule: queue, store or direct way. */
  private SendResult deliver(OutboundMessage message, long start) {
    return said(
        rateLimiterSwitch.isOnFor(message.userId())
            ? outcome(message, queue.send(message), start)
            : direct(message));
  }

  /** The same for several, of which those for the queue travel together. */
  private List<SendResult> deliver(List<OutboundMessage> messages, long start) {
    if (messages.size() == 1) {
      return List.of(deliver(messages.get(0), start));
    }
    @Nullable SendResult[] results = new SendResult[messages.size()];
    List<OutboundMessage> toQueue = new ArrayList<>(results.length);
    for (int i = 0; i < results.length; i++) {
      OutboundMessage message = messages.get(i);
      if (rateLimiterSwitch.isOnFor(message.userId())) {
        toQueue.add(message); // the queue's answer goes here
      } else {
        results[i] = said(direct(message));
      }
    }
    Iterator<SinkResult> answers =
        toQueue.isEmpty() ? Collections.emptyIterator() : queue.send(toQueue).iterator();
    List<SendResult> all = new ArrayList<>(results.length);
    for (int i = 0; i < results.length; i++) {
      SendResult known = results[i];
      all.add(known != null ? known : said(outcome(messages.get(i), answers.next(), start)));
    }
    return all;
  }

  private SendResult direct(OutboundMessage message) {
    return direct == null ? new SendResult.Disabled(message.messageId()) : direct.send(message);
  }

  private SendResult outcome(OutboundMessage message, SinkResult answer, long start) {
    if (answer instanceof SinkResult.NotTaken notTaken) {
      SinkException reason = notTaken.reason();
      return reason.kind() == Kind.MESSAGE_REFUSED
          ? refused(message, reason)
          : fallback.store(message, reason);
    }
    metrics.messageQueued(message.priority(), Duration.ofNanos(ticker.nanos() - start));
    return new SendResult.Queued(message.messageId(), message.timestamp(), estimate.next());
  }

  private static SendResult refused(OutboundMessage message, SinkException reason) {
    String why = requireNonNull(reason.getMessage());
    return new SendResult.Invalid(
        message.messageId(), List.of(new Violation("message", "Queue", why, Optional.empty())));
  }

  private static SendResult said(SendResult result) {
    switch (result.status()) {
      case FAILED -> log.error("Message {} failed: {}", result.messageId(), result.error().get());
      case STORED, INVALID ->
          log.info("Message {} {}: {}", result.messageId(), result.status(), result.error().get());
      default -> log.info("Message {} {}", result.messageId(), result.status());
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
      if (replayer != null) {
        replayer.close(deadline); // first, or a long replay on demand would use it up
      }
      entrance.close(leftUntil(end));
      Leftovers left = new Leftovers(fallback);
      Spill spill = new Spill(fallback, STORE_STUCK);
      batcher.close(leftUntil(end), spill::store).forEach(each -> left.count(said(each)));
      if (embedded != null) {
        EmbeddedPipeline.Left inside = embedded.close(leftUntil(end));
        spill.store(inside.unsent()).forEach(each -> left.count(said(each)));
        inside.inDoubt().forEach(left::hold);
      }
      intake.close();
      closed = left.report();
    }
    return closed;
  }

  private Duration leftUntil(long end) {
    return Duration.ofNanos(Math.max(0, end - ticker.nanos()));
  }
}
