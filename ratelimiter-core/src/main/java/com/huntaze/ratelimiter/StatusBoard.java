package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.CheckReport.Level;
import com.huntaze.ratelimiter.CheckReport.Part;
import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.QueueDepth;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Asks the parts how they stand. A part that fails keeps no other from answering. Thread-safe. */
final class StatusBoard {
  private static final Logger log = LoggerFactory.getLogger(RateLimitedOnlyFansClient.class);

  /** The queue's name in reports and faults. */
  static final String QUEUE = "queue";

  private static final long FRESH_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long CHECK_SECONDS = 10;

  private record Seen(QueueStatus status, long at) {}

  private final MessageSink sink;
  private final GuardedSink queue;
  private final @Nullable TokenBucket bucket;
  private final @Nullable FallbackStore store;
  private final Ticker ticker;
  private final ReentrantLock asking = new ReentrantLock();
  private volatile @Nullable Seen seen;

  StatusBoard(
      MessageSink sink,
      GuardedSink queue,
      @Nullable TokenBucket bucket,
      @Nullable FallbackStore store,
      Ticker ticker) {
    this.sink = sink;
    this.queue = queue;
    this.bucket = bucket;
    this.store = store;
    this.ticker = ticker;
  }

  /** A second old at most, but for the breaker, which is as it is. */
  QueueStatus status() {
    Seen last = seen;
    if (last == null || ticker.nanos() - last.at >= FRESH_NANOS) {
      asking.lock(); // one asks, those that come meanwhile get the same answer
      try {
        last = seen;
        if (last == null || ticker.nanos() - last.at >= FRESH_NANOS) {
          last = new Seen(ask(), ticker.nanos());
          seen = last;
        }
      } finally {
        asking.unlock();
      }
    }
    QueueStatus status = last.status;
    return new QueueStatus(
        status.queue(), status.fallback(), queue.state(), status.bucket(), status.faults());
  }

  private QueueStatus ask() {
    List<String> faults = new ArrayList<>();
    TokenBucket asked = bucket;
    FallbackStore counted = store;
    Optional<BucketState> state =
        asked == null ? Optional.empty() : ask("bucket", faults, () -> asked.state(Scope.global()));
    Optional<FallbackBacklog> backlog =
        counted == null ? Optional.empty() : ask("fallback", faults, counted::backlog);
    return new QueueStatus(
        ask(QUEUE, faults, sink::depth).orElse(QueueDepth.UNKNOWN),
        backlog,
        queue.state(),
        state,
        faults);
  }

  private static <T> Optional<T> ask(String part, List<String> faults, Supplier<T> question) {
    try {
      return Optional.of(question.get());
    } catch (RuntimeException e) {
      faults.add(part + ": " + Fallback.describe(e));
      return Optional.empty();
    }
  }

  /** Asks all parts side by side whether they are fit for use, for 10 s at most. */
  CheckReport check(Executor executor) {
    List<CompletableFuture<Part>> asked = new ArrayList<>();
    asked.add(checked(executor, QUEUE, this::checkQueue));
    TokenBucket limit = bucket;
    if (limit != null) {
      asked.add(checked(executor, "bucket", limit::check));
    }
    FallbackStore fallback = store;
    if (fallback != null) {
      asked.add(checked(executor, "fallback", fallback::check));
    }
    List<Part> parts = new ArrayList<>();
    for (CompletableFuture<Part> part : asked) {
      parts.add(part.join());
    }
    return new CheckReport(parts);
  }

  /**
   * Checks and logs what is found.
   *
   * @throws IllegalStateException if no fault is to be passed over and there is one
   */
  void checkAtStart(StartUpCheck how, Executor executor) {
    if (how == StartUpCheck.OFF) {
      return;
    }
    CheckReport report = check(executor);
    for (Part part : report.parts()) {
      switch (part.level()) {
        case OK -> log.info("Start-up check: {}", part);
        case WARNING -> log.warn("Start-up check: {}", part);
        case FAULT -> {
          if (!queue.isWithheld() || !part.name().equals(QUEUE)) { // that was said already
            log.error("Start-up check: {}", part);
          }
        }
      }
    }
    if (how == StartUpCheck.REQUIRE && report.level() == Level.FAULT) {
      throw new IllegalStateException("the start-up check failed: " + report);
    }
  }

  private List<String> checkQueue() {
    try {
      return sink.check();
    } catch (SinkException e) {
      if (e.kind() == Kind.NO_CREDENTIALS) {
        queue.withhold(e);
      }
      throw e;
    }
  }

  private static CompletableFuture<Part> checked(
      Executor executor, String name, Supplier<List<String>> check) {
    return CompletableFuture.supplyAsync(
            () -> {
              List<String> findings = check.get();
              return new Part(name, findings.isEmpty() ? Level.OK : Level.WARNING, findings);
            },
            executor)
        .exceptionally(
            e -> {
              Throwable cause = e.getCause() == null ? e : e.getCause();
              return new Part(name, Level.FAULT, List.of(Fallback.describe(cause)));
            })
        .completeOnTimeout(
            new Part(name, Level.FAULT, List.of("no answer within " + CHECK_SECONDS + " s")),
            CHECK_SECONDS,
            TimeUnit.SECONDS);
  }
}
