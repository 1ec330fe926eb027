package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import dev.failsafe.CircuitBreaker;
import dev.failsafe.Failsafe;
import dev.failsafe.FailsafeException;
import dev.failsafe.RetryPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A sink behind retries and a circuit breaker. Only what can succeed on a retry is tried again, and
 * of a batch only the messages that were not taken; only faults of the far side open the breaker.
 * Thread-safe.
 */
final class GuardedSink {
  private static final Logger log = LoggerFactory.getLogger(RateLimitedOnlyFansClient.class);
  private static final SinkResult NOT_TRIED =
      new SinkResult.NotTaken(new SinkException(Kind.NOT_SENT, "not tried", null));
  private static final int THROTTLED_FACTOR = 5;

  private final MessageSink sink;
  private final CircuitBreaker<Object> breaker;
  private final int maxRetries;
  private final Duration base;
  private final Duration deadline;
  private final RandomGenerator random;

  GuardedSink(RateLimitedOnlyFansClient.Builder builder, MessageSink sink, MetricsSink metrics) {
    this.sink = sink;
    this.maxRetries = builder.maxRetries;
    this.base = builder.retryBase;
    this.deadline = builder.sendDeadline;
    this.random = builder.random;
    this.breaker =
        CircuitBreaker.builder()
            .withFailureThreshold(builder.breakerThreshold)
            .withSuccessThreshold(1) // half-open admits one trial
            .withDelay(builder.breakerDelay)
            .onOpen(
                event -> {
                  metrics.circuitBreakerOpened();
                  log.warn("The queue keeps failing: messages go to the fallback store for now");
                })
            .onClose(event -> log.info("The queue works again"))
            .build();
  }

  BreakerState state() {
    return switch (breaker.getState()) {
      case CLOSED -> BreakerState.CLOSED;
      case OPEN -> BreakerState.OPEN;
      case HALF_OPEN -> BreakerState.HALF_OPEN;
    };
  }

  /** Item i says what became of message i; nothing is thrown for a message's sake. */
  List<SinkResult> send(List<OutboundMessage> messages) {
    Attempts attempts = new Attempts(messages);
    RetryPolicy<Kind> retry =
        RetryPolicy.<Kind>builder()
            .handleResultIf(Kind::isRetryable)
            .withMaxRetries(maxRetries)
            .withMaxDuration(deadline)
            .withDelayFn(context -> delay(context.getAttemptCount(), context.getLastResult()))
            .build();
    try {
      Failsafe.with(retry).get(attempts::next);
    } catch (FailsafeException interrupted) {
      Thread.currentThread().interrupt(); // no further try; what was not taken goes to the store
    }
    return attempts.results;
  }

  /** Full jitter: anything between nothing and a ceiling that doubles. */
  private Duration delay(int attempt, Kind last) {
    long ceiling = base.toNanos() << Math.min(attempt - 1, 20);
    if (last == Kind.THROTTLED) {
      ceiling *= THROTTLED_FACTOR;
    }
    synchronized (random) {
      return Duration.ofNanos(random.nextLong(ceiling) + 1);
    }
  }

  /** The messages of one send, and what became of each so far. Confined to one thread. */
  private final class Attempts {
    private final List<OutboundMessage> messages;
    final List<SinkResult> results;

    Attempts(List<OutboundMessage> messages) {
      this.messages = messages;
      this.results = new ArrayList<>(Collections.nCopies(messages.size(), NOT_TRIED));
    }

    /** Tries what is left; answers a kind that is worth another try if there is one. */
    Kind next() {
      List<Integer> pending = new ArrayList<>();
      for (int i = 0; i < results.size(); i++) {
        if (kind(results.get(i)).isRetryable()) {
          pending.add(i);
        }
      }
      if (!breaker.tryAcquirePermit()) {
        for (int i : pending) {
          if (results.get(i) == NOT_TRIED) {
            results.set(i, notTaken(Kind.NOT_SENT, "the circuit breaker is open", null));
          }
        }
        return Kind.BACK_PRESSURE; // no further try
      }
      List<SinkResult> answers = call(pending.stream().map(messages::get).toList());
      Kind worst = Kind.MESSAGE_REFUSED;
      boolean fault = true;
      for (int k = 0; k < answers.size(); k++) {
        Kind kind = kind(answers.get(k));
        results.set(pending.get(k), answers.get(k));
        fault &= kind.isFault();
        if (kind.isRetryable() && worst != Kind.THROTTLED) {
          worst = kind;
        }
      }
      if (fault) {
        breaker.recordFailure();
      } else {
        breaker.recordSuccess();
      }
      return worst;
    }
  }

  private List<SinkResult> call(List<OutboundMessage> batch) {
    try {
      return batch.size() == 1 ? List.of(sink.send(batch.get(0))) : sink.sendAll(batch);
    } catch (SinkException e) {
      return Collections.nCopies(batch.size(), new SinkResult.NotTaken(e));
    } catch (RuntimeException e) {
      // A sink that throws anything else is broken; nobody knows what it did.
      return Collections.nCopies(
          batch.size(), notTaken(Kind.AMBIGUOUS, "the sink failed: " + e.getClass().getName(), e));
    }
  }

  private static SinkResult notTaken(Kind kind, String message, @Nullable Throwable cause) {
    return new SinkResult.NotTaken(new SinkException(kind, message, cause));
  }

  /** A taken message counts as one that no retry can help. */
  private static Kind kind(SinkResult result) {
    return result instanceof SinkResult.NotTaken notTaken
        ? notTaken.reason().kind()
        : Kind.MESSAGE_REFUSED;
  }
}
