package com.huntaze.ratelimiter.fallback;

import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A replayer's work, one step at a time: a step makes at most one claim and one call of the sink,
 * and never waits. Confined to who holds the replayer's turn.
 */
final class ReplaySteps {
  private static final int BATCH = 10;
  private static final int CHUNK = 100;
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  /**
   * What a step did.
   *
   * @param taken how many messages the sink took
   * @param pauseNanos how long until the next step has anything to do
   * @param over whether nothing was due, or the sink failed
   */
  record Step(int taken, long pauseNanos, boolean over) {}

  private final FallbackStore store;
  private final MessageSink sink;
  private final MetricsSink metrics;
  private final Ticker ticker;
  private final RandomGenerator random;
  private final Duration lease;
  private final Duration idle;
  private final Duration firstRetry;
  private final Duration longestRetry;
  private final int maxAttempts;
  private final long spacingNanos;
  private final int chunk;
  private final Housekeeping housekeeping;
  private final ReplayLog log = new ReplayLog();
  private final Suspects suspects = new Suspects();
  private final Hand hand = new Hand();

  /** What the sink has and the store does not know of yet. */
  private List<StoredMessage> unrecorded = List.of();

  /** When the pace allows the next call. */
  private long nextCallAt;

  /** How often in a row the sink took nothing, or the store failed. */
  private int troubles;

  /** Whether the sink is in doubt, and how many probes failed since nothing else was due. */
  private boolean probing;

  private int probed;
  private boolean kept;

  ReplaySteps(Replayer.Builder builder) {
    this.store = builder.store;
    this.sink = builder.sink;
    this.metrics = MetricsSink.guarded(builder.metrics);
    this.ticker = builder.ticker;
    this.random = builder.random;
    this.lease = builder.lease;
    this.idle = builder.idle;
    this.firstRetry = builder.firstRetry;
    this.longestRetry = builder.longestRetry;
    this.maxAttempts = builder.maxAttempts;
    this.spacingNanos = builder.pace.window().toNanos() / builder.pace.permits();
    long inThird = lease.toNanos() / 3 / Math.max(1, spacingNanos);
    this.chunk = (int) Math.max(1, Math.min(CHUNK, inThird));
    this.nextCallAt = ticker.nanos();
    this.housekeeping = new Housekeeping(store, builder.retention, random, nextCallAt);
  }

  /** The next step in the background; nothing is thrown. */
  Step inBackground() {
    try {
      long now = ticker.nanos();
      if (hand.isEmpty() && !kept && housekeeping.isDue(now)) {
        kept = true; // a step of it between two rounds, so that it holds up nobody
        housekeeping.step(now);
        return new Step(0, 0, false);
      }
      kept = false;
      return forward(CHUNK);
    } catch (RuntimeException | Error e) {
      log.storeFails(e);
      return over(setback());
    }
  }

  /**
   * The next step for somebody who asked for it, however things stood.
   *
   * @param max the most messages to send
   */
  Step onDemand(int max) {
    return forward(max);
  }

  /** Gives back what was claimed and not sent, so that anybody may have it at once. */
  void giveBack() {
    log.drained();
    List<StoredMessage> rest =
        hand.rest(); // not sent any more, whether the store takes them or not
    try {
      record();
    } catch (RuntimeException | Error e) {
      log.storeFails(e);
    }
    try {
      release(rest, Duration.ZERO);
    } catch (RuntimeException | Error e) {
      log.storeFails(e); // the claims lapse by themselves
    }
  }

  private Step forward(int max) {
    boolean done = false;
    try {
      Step step = recordedAndForward(max);
      done = true;
      return step;
    } finally {
      if (!done) {
        giveBack();
      }
    }
  }

  private Step recordedAndForward(int max) {
    record();
    long now = ticker.nanos();
    if (!hand.isEmpty() && hand.hasLapsed(now)) {
      release(hand.rest(), Duration.ZERO); // whoever claims them next sends them
    }
    if (now - nextCallAt < 0) {
      return new Step(0, nextCallAt - now, false);
    }
    if (hand.isEmpty()) {
      // A probe is one of the more, the longer they fail: whatever fails by itself is got past.
      // A third of the lease is left for the call that is under way when it gets near its end.
      hand.take(
          store.claim(Math.min(max, probing ? Math.min(chunk, probed + 1) : chunk), lease),
          now + lease.toNanos() / 3 * 2);
      log.storeWorks();
      troubles = probing ? troubles : 0;
      if (hand.isEmpty()) {
        log.drained();
        probed = 0;
        return over(idle);
      }
      if (hand.hasLapsed(ticker.nanos())) {
        return new Step(0, 0, false);
      }
    }
    return send(
        probing
            ? hand.any(random)
            : hand.next(
                Math.min(max, BATCH),
                sink.keepsOrder(),
                message -> suspects.isAlone(message.messageId())));
  }

  private static Step over(Duration pause) {
    return new Step(0, pause.toNanos(), true);
  }

  private Step send(List<StoredMessage> batch) {
    long start = ticker.nanos();
    List<SinkResult> answers = call(batch.stream().map(StoredMessage::message).toList());
    List<StoredMessage> taken = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      if (answers.get(i) instanceof SinkResult.Taken) {
        taken.add(batch.get(i));
      }
    }
    nextCallAt = start + taken.size() * spacingNanos;
    unrecorded = taken;
    record(); // before anything else can fail: the queue has them
    for (StoredMessage each : taken) {
      suspects.cleared(each);
      log.taken(each);
      metrics.messageReplayed(each.message().priority());
    }
    if (!taken.isEmpty()) {
      troubles = 0;
      probing = false;
      probed = 0;
    }
    return taken.size() == batch.size()
        ? new Step(taken.size(), Math.max(0, nextCallAt - ticker.nanos()), false)
        : putBack(batch, answers, taken.size());
  }

  private void record() {
    if (!unrecorded.isEmpty()) {
      store.replayed(unrecorded);
      unrecorded = List.of();
    }
  }

  private List<SinkResult> call(List<OutboundMessage> batch) {
    SinkException reason;
    try {
      List<SinkResult> answers = sink.sendAll(batch);
      if (isComplete(answers, batch.size())) {
        return answers;
      }
      reason = new SinkException(Kind.AMBIGUOUS, "the sink gave no answer for each message", null);
    } catch (SinkException e) {
      reason = e;
    } catch (RuntimeException | Error e) {
      reason = new SinkException(Kind.AMBIGUOUS, "the sink failed: " + e.getClass().getName(), e);
    }
    return Collections.nCopies(batch.size(), new SinkResult.NotTaken(reason));
  }

  /** What a sink owes for each message, whatever it is made of. */
  @SuppressWarnings("ConstantValue")
  private static boolean isComplete(@Nullable List<SinkResult> answers, int size) {
    return answers != null
        && answers.size() == size
        && answers.stream().allMatch(answer -> answer != null);
  }

  private Step putBack(List<StoredMessage> batch, List<SinkResult> answers, int taken) {
    boolean only = batch.size() == 1;
    Set<String> heldUp = new HashSet<>();
    List<StoredMessage> faultless = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      if (answers.get(i) instanceof SinkResult.NotTaken notTaken) {
        StoredMessage message = batch.get(i);
        SinkException reason = notTaken.reason();
        boolean refused = reason.kind() == Kind.MESSAGE_REFUSED;
        if (refused || isItsFault(message, reason.kind(), only, taken)) {
          heldUp.addAll(settle(message, reason, refused));
        } else {
          log.sinkFails(reason);
          faultless.add(message);
        }
      }
    }
    if (faultless.isEmpty()) {
      release(hand.of(heldUp), Duration.ZERO); // none overtakes an earlier one of its creator
      return new Step(taken, Math.max(0, nextCallAt - ticker.nanos()), false);
    }
    probing = true;
    Duration pause = setback();
    release(faultless, only ? restAfter(pause) : Duration.ZERO);
    release(hand.rest(), Duration.ZERO);
    log.drained();
    return new Step(taken, pause.toNanos(), true);
  }

  /**
   * How long a message is left alone after it was the probe: the longer the more there are to be
   * probed, so that those that alone make the sink fail do not keep it from the others.
   */
  private Duration restAfter(Duration pause) {
    Duration rest = pause.multipliedBy(++probed);
    return rest.compareTo(longestRetry) < 0 ? rest : longestRetry;
  }

  private boolean isItsFault(StoredMessage message, Kind kind, boolean only, int taken) {
    if (kind != Kind.NOT_SENT && kind != Kind.AMBIGUOUS) {
      return false; // what is missing here is no fault of any message, however long it is
    }
    return taken > 0 || suspects.isGuilty(message, only);
  }

  /** Counts a failure; answers the creator, if it still waits and holds up later ones. */
  private Set<String> settle(StoredMessage message, SinkException reason, boolean refused) {
    String error = reason.kind() + ": " + reason.getMessage();
    int attempts = message.attempts() + 1;
    if (refused || attempts >= maxAttempts) {
      store.dead(message, error);
      suspects.forget(message);
      metrics.messageFailed(message.message().priority());
      log.dead(message, attempts, reason);
      return Set.of();
    }
    store.failed(message, error, backoff(attempts));
    log.sinkFails(reason);
    return Set.of(message.message().creator());
  }

  private void release(List<StoredMessage> messages, Duration retryIn) {
    if (!messages.isEmpty()) {
      store.release(messages, retryIn);
    }
  }

  private Duration setback() {
    long ceiling = doubled(idle, troubles, LONGEST_PAUSE);
    troubles++;
    return Duration.ofNanos(ceiling / 2 + random.nextLong(ceiling / 2 + 1));
  }

  private Duration backoff(int attempts) {
    long ceiling = doubled(firstRetry, attempts - 1, longestRetry);
    return Duration.ofNanos(Math.max(firstRetry.toNanos() / 2, random.nextLong(ceiling + 1)));
  }

  private static long doubled(Duration first, int times, Duration most) {
    long bounded = Math.max(first.toNanos(), most.toNanos());
    long nanos = first.toNanos();
    for (int i = 0; i < times && nanos < bounded; i++) {
      nanos *= 2;
    }
    return Math.min(nanos, bounded);
  }
}
