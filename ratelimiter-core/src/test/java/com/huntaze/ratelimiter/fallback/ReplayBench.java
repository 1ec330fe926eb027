package com.huntaze.ratelimiter.fallback;

import com.huntaze.ratelimiter.ForwardingStore;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A replayer, its store and its sink on one clock that only the test moves. */
final class ReplayBench implements MessageSink {
  /** One call of the sink. */
  record Call(long millis, List<String> ids) {}

  final AtomicLong nanos = new AtomicLong();
  final InMemoryFallbackStore kept =
      new InMemoryFallbackStore(() -> Instant.EPOCH.plusNanos(nanos.get()));
  final ManualScheduler scheduler = new ManualScheduler(nanos);
  final List<Call> calls = new ArrayList<>();
  final List<String> taken = new ArrayList<>();
  final List<Integer> claims = new ArrayList<>();

  /** The store as the replayer sees it. */
  FallbackStore store =
      new ForwardingStore(kept) {
        @Override
        public List<StoredMessage> claim(int max, Duration lease) {
          claims.add(max);
          return super.claim(max, lease);
        }
      };

  boolean ordered;

  /** Why the sink does not take a message; null if it does. */
  Function<OutboundMessage, @Nullable Kind> failure = message -> null;

  Runnable duringCall = () -> {};

  Replayer.Builder replayer() {
    return Replayer.builder(store, this)
        .pace(RateLimit.spaced(100, Duration.ofSeconds(1)))
        .ticker(nanos::get)
        .random(new SplittableRandom(7))
        .scheduler(scheduler)
        .pause(
            wait -> {
              nanos.addAndGet(wait);
              return false;
            });
  }

  Replayer started() {
    Replayer replayer = replayer().build();
    replayer.start();
    return replayer;
  }

  void pass(Duration time) {
    scheduler.pass(time.toNanos());
  }

  void put(String id, String creator) {
    kept.store(OutboundMessage.builder(id, creator, Instant.EPOCH).build(), "down");
  }

  /** Messages m0, m1 and so on, each of a creator of its own. */
  void put(int count) {
    for (int i = 0; i < count; i++) {
      put("m" + i, "u" + i);
    }
  }

  void down(Kind kind) {
    failure = message -> kind;
  }

  void up() {
    failure = message -> null;
  }

  StoredEntry entry(String id) {
    return kept.find(id).orElseThrow();
  }

  long count(StoredStatus status) {
    return kept.backlog().count(status);
  }

  @Override
  public SinkResult.Taken send(OutboundMessage message) {
    throw new AssertionError("the replayer sends batches");
  }

  @Override
  public List<SinkResult> sendAll(List<OutboundMessage> messages) {
    calls.add(
        new Call(
            nanos.get() / 1_000_000, messages.stream().map(OutboundMessage::messageId).toList()));
    duringCall.run();
    List<SinkResult> results = new ArrayList<>();
    for (OutboundMessage message : messages) {
      Kind kind = failure.apply(message);
      if (kind == null) {
        taken.add(message.messageId());
        results.add(new SinkResult.Taken(Optional.empty()));
      } else {
        results.add(new SinkResult.NotTaken(new SinkException(kind, "scripted", null)));
      }
    }
    return results;
  }

  @Override
  public boolean keepsOrder() {
    return ordered;
  }
}
