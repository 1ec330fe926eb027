package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import dev.failsafe.Failsafe;
import dev.failsafe.FailsafeException;
import dev.failsafe.RetryPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A sink behind retries and a circuit breaker, and in order where the sink keeps it. Only what can
 * succeed on a retry is tried again, and of a batch only the messages that were not taken; only
 * faults of the far side open the breaker. Thread-safe.
 */
final class GuardedSink {
  private static final Logger log = LoggerFactory.getLogger(RateLimitedOnlyFansClient.class);
  private static final SinkResult NOT_TRIED = notTaken(Kind.NOT_SENT, "not tried", null);
  private static final SinkResult NO_ANSWER =
      notTaken(Kind.AMBIGUOUS, "the sink gave no answer for each message", null);
  private static final int THROTTLED_FACTOR = 5;
  private static final long REFUSAL_LOG_NANOS = Duration.ofMinutes(1).toNanos();

  private final MessageSink sink;
  private final CircuitBreaker breaker;
  private final RetryPolicy<Kind> retryPolicy;
  private final long baseNanos;
  private final long deadlineNanos;
  private final RandomGenerator random;
  private final Ticker ticker;
  private final AtomicLong refusalLoggedAt;
  private volatile @Nullable SinkException withheld;

  GuardedSink(RateLimitedOnlyFansClient.Builder builder, MessageSink sink, MetricsSink metrics) {
    this.sink = sink;
    this.retryPolicy =
        RetryPolicy.<Kind>builder()
            .handleResultIf(Kind::isRetryable)
            .withMaxRetries(builder.maxRetries)
            .withMaxDuration(builder.sendDeadline)
            .withDelayFn(context -> delay(context.getAttemptCount(), context.getLastResult()))
            .build();
    this.baseNanos = builder.retryBase.toNanos();
    this.deadlineNanos = builder.sendDeadline.toNanos();
    this.random = builder.random;
    this.ticker = builder.ticker;
    this.refusalLoggedAt = new AtomicLong(ticker.nanos() - REFUSAL_LOG_NANOS);
    this.breaker =
        new CircuitBreaker(
            builder.breakerThreshold,
            builder.breakerDelay,
            builder.sendDeadline,
            ticker,
            () -> {
              metrics.circuitBreakerOpened();
              log.warn("The queue keeps failing: messages go to the fallback store for now");
            },
            () -> log.info("The queue works again"));
  }

  BreakerState state() {
    return breaker.state();
  }

  /**
   * Leaves the queue alone for as long as an open breaker does, since this process has no
   * credentials for it; then one trial shows whether it has some by now.
   */
  void withhold(SinkException reason) {
    if (withheld == null) {
      log.warn(
          "Rate limiting is off: {}. Messages are stored, or disabled without a store, and the"
              + " queue is tried again once a while",
          reason.getMessage());
    }
    withheld = reason;
    breaker.open();
  }

  /** Whether the queue is left alone for lack of credentials, which was said. */
  boolean isWithheld() {
    return withheld != null;
  }

  /** What became of a message; nothing is thrown for a message's sake. */
  SinkResult send(OutboundMessage message) {
    CircuitBreaker.Pass pass = breaker.tryPass();
    if (pass == null) {
      return broken();
    }
    long end = ticker.nanos() + deadlineNanos;
    SinkResult first = call(pass, message);
    Kind kind = kind(first);
    return kind.isRetryable()
        ? retry(new Attempts(List.of(message), List.of(first), end), kind).get(0)
        : first;
  }

  /** Item i says what became of message i; nothing is thrown for a message's sake. */
  List<SinkResult> send(List<OutboundMessage> messages) {
    if (messages.size() == 1) {
      return List.of(send(messages.get(0)));
    }
    Attempts attempts =
        new Attempts(
            messages,
            Collections.nCopies(messages.size(), NOT_TRIED),
            ticker.nanos() + deadlineNanos);
    Kind first = attempts.next();
    return first.isRetryable() ? retry(attempts, first) : attempts.results();
  }

  private List<SinkResult> retry(Attempts attempts, Kind first) {
    try {
      Failsafe.with(retryPolicy).get(context -> context.isFirstAttempt() ? first : attempts.next());
    } catch (FailsafeException interrupted) {
      Thread.currentThread().interrupt(); // no further try; what was not taken is stored
    }
    return attempts.results();
  }

  /** Full jitter: anything between nothing and a ceiling that doubles. */
  private Duration delay(int attempt, Kind last) {
    long ceiling = baseNanos * (last == Kind.THROTTLED ? THROTTLED_FACTOR : 1);
    for (int doubled = 1; doubled < attempt && ceiling < deadlineNanos; doubled++) {
      ceiling *= 2;
    }
    ceiling = Math.min(ceiling, deadlineNanos);
    synchronized (random) {
      return Duration.ofNanos(random.nextLong(ceiling) + 1);
    }
  }

  /**
   * The messages of one send, and what became of each until its deadline. Where the sink keeps
   * order, no call has two of a creator, and none is tried before the creator's earlier ones are in
   * the queue or never will be. Confined to one thread.
   */
  private final class Attempts {
    private final List<OutboundMessage> messages;
    private final List<SinkResult> results;
    private final long end;

    /** Creators of whom no more is tried in this send, and why. */
    private final Map<String, Kind> givenUp = new HashMap<>();

    Attempts(List<OutboundMessage> messages, List<SinkResult> soFar, long end) {
      this.messages = messages;
      this.results = new ArrayList<>(soFar);
      this.end = end;
    }

    /** Tries what is left, each once; answers a kind that is worth another try if there is one. */
    Kind next() {
      Set<Integer> tried = new HashSet<>();
      Set<String> heldUp = new HashSet<>(givenUp.keySet());
      Kind worst = Kind.MESSAGE_REFUSED;
      for (List<Integer> call = ready(tried, heldUp);
          !call.isEmpty();
          call = ready(tried, heldUp)) {
        boolean late = results.get(call.get(0)) != NOT_TRIED && ticker.nanos() - end > 0;
        CircuitBreaker.Pass pass = late ? null : breaker.tryPass();
        if (pass == null) {
          results.replaceAll(result -> result == NOT_TRIED ? broken() : result);
          return Kind.BACK_PRESSURE; // no further try
        }
        if (pass.isTrial()) {
          call = call.subList(0, 1); // one message is enough of a trial
        }
        List<SinkResult> answers = call(pass, call.stream().map(messages::get).toList());
        for (int k = 0; k < answers.size(); k++) {
          int i = call.get(k);
          Kind kind = kind(answers.get(k));
          tried.add(i);
          results.set(i, later(results.get(i), answers.get(k)));
          if (kind != Kind.MESSAGE_REFUSED && sink.keepsOrder()) {
            holdUp(messages.get(i).creator(), kind, heldUp);
          }
          if (kind.isRetryable() && worst != Kind.THROTTLED) {
            worst = kind;
          }
        }
      }
      return worst;
    }

    private void holdUp(String creator, Kind kind, Set<String> heldUp) {
      heldUp.add(creator);
      if (!kind.isRetryable()) {
        givenUp.put(creator, kind);
      }
    }

    /** What goes into the next call. */
    private List<Integer> ready(Set<Integer> tried, Set<String> heldUp) {
      List<Integer> ready = new ArrayList<>();
      Set<String> creators = new HashSet<>(heldUp);
      for (int i = 0; i < results.size(); i++) {
        if (!tried.contains(i)
            && kind(results.get(i)).isRetryable()
            && (!sink.keepsOrder() || creators.add(messages.get(i).creator()))) {
          ready.add(i);
        }
      }
      return ready;
    }

    /** Item i says what became of message i. */
    List<SinkResult> results() {
      List<SinkResult> all = new ArrayList<>(results.size());
      for (int i = 0; i < results.size(); i++) {
        Kind why = givenUp.getOrDefault(messages.get(i).creator(), Kind.NOT_SENT);
        all.add(
            results.get(i) == NOT_TRIED
                ? notTaken(why, "an earlier message of its creator was not taken", null)
                : results.get(i));
      }
      return all;
    }
  }

  /** A message that an earlier call may have put stays in doubt until one is acknowledged. */
  private static SinkResult later(SinkResult earlier, SinkResult answer) {
    return answer instanceof SinkResult.NotTaken && kind(earlier) == Kind.AMBIGUOUS
        ? earlier
        : answer;
  }

  private SinkResult call(CircuitBreaker.Pass pass, OutboundMessage message) {
    SinkResult answer;
    try {
      answer = orNoAnswer(sink.send(message));
    } catch (SinkException e) {
      answer = new SinkResult.NotTaken(e);
    } catch (RuntimeException | Error e) {
      answer = broke(e);
    }
    if (answer instanceof SinkResult.NotTaken) {
      settle(pass, List.of(answer));
    } else {
      withheld = null;
      pass.worked();
    }
    return answer;
  }

  private List<SinkResult> call(CircuitBreaker.Pass pass, List<OutboundMessage> batch) {
    if (batch.size() == 1) {
      return List.of(call(pass, batch.get(0)));
    }
    List<SinkResult> answers;
    try {
      answers = sink.sendAll(batch);
      if (answers == null || answers.size() != batch.size()) {
        answers = Collections.nCopies(batch.size(), NO_ANSWER);
      }
      answers = answers.stream().map(GuardedSink::orNoAnswer).toList();
    } catch (SinkException e) {
      answers = Collections.nCopies(batch.size(), new SinkResult.NotTaken(e));
    } catch (RuntimeException | Error e) {
      answers = Collections.nCopies(batch.size(), broke(e));
    }
    settle(pass, answers);
    return answers;
  }

  /** What a sink owes for each message, whatever it is made of. */
  @SuppressWarnings("ConstantValue")
  private static SinkResult orNoAnswer(@Nullable SinkResult answer) {
    return answer == null ? NO_ANSWER : answer;
  }

  /** A sink that throws anything but its own exception is broken; nobody knows what it did. */
  private static SinkResult broke(Throwable e) {
    return notTaken(Kind.AMBIGUOUS, "the sink failed: " + e.getClass().getName(), e);
  }

  /** What the answers to one call say of the far side. */
  private void settle(CircuitBreaker.Pass pass, List<SinkResult> answers) {
    int taken = 0;
    int faults = 0;
    for (SinkResult answer : answers) {
      if (answer instanceof SinkResult.NotTaken notTaken) {
        faults += notTaken.reason().kind().isFault() ? 1 : 0;
        hear(notTaken.reason());
      } else {
        taken++;
      }
    }
    if (taken > 0) {
      withheld = null;
      pass.worked();
    } else if (faults > 0) {
      pass.failed();
    } else {
      pass.saysNothing();
    }
  }

  /** Where no retry helps and an operator has to act: said loudly, but not for every message. */
  private void hear(SinkException reason) {
    if (reason.kind() == Kind.NO_CREDENTIALS) {
      withhold(reason);
    }
    if (reason.kind() != Kind.ACCESS_REFUSED) {
      return;
    }
    long now = ticker.nanos();
    long last = refusalLoggedAt.get();
    if (now - last >= REFUSAL_LOG_NANOS && refusalLoggedAt.compareAndSet(last, now)) {
      log.error(
          "The queue refuses this client, and takes no message of it: {}", reason.getMessage());
    }
  }

  private SinkResult broken() {
    SinkException reason = withheld;
    return reason == null
        ? notTaken(Kind.NOT_SENT, "the circuit breaker is open", null)
        : new SinkResult.NotTaken(reason);
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
