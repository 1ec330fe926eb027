package com.huntaze.ratelimiter.fallback;

import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/**
 * A replayer's work, one step at a time: a step makes at most one claim and one call of the sink,
 * and never waits. Confined to who holds the replayer's turn.
 */
final class ReplaySteps {
  private static final int BATCH = 10;
  private static final int CHUNK = 100;
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  /** A look for due messages that takes longer costs the store something. */
  private static final Duration SLOW_LOOK = Duration.ofMillis(100);

  private static final Duration LONGEST_IDLE = Duration.ofSeconds(15);

  /** So many calls in a row of which nothing is taken are an outage. */
  private static final int OUTAGE = 5;

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
  private final FirstTries firstTries = new FirstTries();
  private final Hand hand = new Hand();

  /** What the sink has and the store does not know of yet. */
  private List<StoredMessage> unrecorded = List.of();

  /** When the pace allows the next call. */
  private long nextCallAt;

  /** How many calls in a row put the sink in doubt. */
  private int failedCalls;

  /** The same, and how often the store failed since. */
  private int troubles;

  /** How many probes failed since nothing else was due. */
  private int probed;

  /** How many looks in a row found nothing and were slow. */
  private int slowLooks;

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
      // A third of the lease is left for the call that is under way when it gets near its end. A
      // probe is one of as many, so that what fails by itself is got past.
      hand.take(store.claim(Math.min(max, chunk), lease), now + lease.toNanos() / 3 * 2);
      log.storeWorks();
      troubles = failedCalls;
      if (hand.isEmpty()) {
        log.drained();
        probed = 0;
        boolean slow = ticker.nanos() - now > SLOW_LOOK.toNanos();
        slowLooks = slow ? slowLooks + 1 : 0;
        return over(Duration.ofNanos(doubled(idle, slowLooks, LONGEST_IDLE)));
      }
      slowLooks = 0;
      if (hand.hasLapsed(ticker.nanos())) {
        return new Step(0, 0, false);
      }
    }
    return send(
        isOutage()
            ? hand.any(random, message -> suspects.isSuspect(message.messageId()))
            : hand.next(
                Math.min(max, BATCH),
                sink.keepsOrder(),
                message -> suspects.isAlone(message.messageId())));
  }

  /** Whether the sink is only probed. */
  private boolean isOutage() {
    return failedCalls >= OUTAGE;
  }

  private static Step over(Duration pause) {
    return new Step(0, pause.toNanos(), true);
  }

  private Step send(List<StoredMessage> batch) {
    long start = ticker.nanos();
    List<SinkResult> answers =
        SinkCall.of(sink, batch.stream().map(StoredMessage::message).toList());
    List<StoredMessage> taken = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      if (answers.get(i) instanceof SinkResult.Taken) {
        taken.add(batch.get(i));
      }
    }
    nextCallAt = start + Math.max(1, taken.size()) * spacingNanos;
    firstTries.call(untried(batch), untried(taken));
    for (StoredMessage each : taken) {
      suspects.cleared(each);
      log.taken(each);
      metrics.messageReplayed(each.message().priority());
    }
    if (!taken.isEmpty()) {
      failedCalls = 0;
      troubles = 0;
      probed = 0;
    }
    unrecorded = taken;
    Faults faults = new Faults();
    faults.attempt(this::record); // before all else: the queue has them
    Step step =
        taken.size() == batch.size()
            ? new Step(taken.size(), untilNextCall(), false)
            : putBack(batch, answers, taken.size(), faults);
    faults.rethrow();
    return step;
  }

  private int untried(List<StoredMessage> messages) {
    return (int)
        messages.stream().filter(each -> !suspects.isSuspect(each.message().messageId())).count();
  }

  private long untilNextCall() {
    return Math.max(0, nextCallAt - ticker.nanos());
  }

  /** Tells the store what the queue has; nothing is sent until the store knows. */
  private void record() {
    if (!unrecorded.isEmpty()) {
      store.replayed(unrecorded);
      unrecorded = List.of();
    }
  }

  /**
   * Puts back what was not taken, and holds up nobody but its creators as long as the sink works.
   */
  private Step putBack(
      List<StoredMessage> batch, List<SinkResult> answers, int taken, Faults faults) {
    boolean explained = taken > 0; // a call that a message known to fail was in says nothing
    boolean failed = false;
    Set<String> heldUp = new HashSet<>();
    NavigableMap<Integer, List<StoredMessage>> resting = new TreeMap<>();
    for (int i = 0; i < batch.size(); i++) {
      if (!(answers.get(i) instanceof SinkResult.NotTaken notTaken)) {
        continue;
      }
      StoredMessage message = batch.get(i);
      SinkException reason = notTaken.reason();
      if (reason.kind() == Kind.MESSAGE_REFUSED) {
        if (!faults.attempt(() -> dead(message, message.attempts() + 1, reason))) {
          rest(message, 1, resting, heldUp);
        }
        continue;
      }
      log.sinkFails(reason);
      boolean mayBeIts = mayBeAMessages(reason.kind());
      Suspects.Failure failure = suspects.failed(message, mayBeIts, taken > 0, batch.size() == 1);
      failed = true;
      explained |= failure.sinkWorks();
      int attempts = message.attempts() + 1;
      boolean counts = mayBeIts && failure.isIts() && firstTries.mostlyWork();
      if (counts
          && attempts >= maxAttempts
          && faults.attempt(() -> dead(message, attempts, reason))) {
        continue; // it holds up nobody any more
      }
      if (counts
          && attempts < maxAttempts
          && faults.attempt(() -> failed(message, attempts, reason))) {
        heldUp.add(message.message().creator());
      } else {
        rest(message, failure.times(), resting, heldUp);
      }
    }
    boolean probe = isOutage();
    if (!failed || (probe ? taken > 0 : explained)) {
      resting.forEach((times, some) -> faults.attempt(() -> release(some, backoff(times))));
      List<StoredMessage> behind = hand.of(heldUp); // none overtakes an earlier one of its creator
      faults.attempt(() -> release(behind, Duration.ZERO));
      return new Step(taken, untilNextCall(), false);
    }
    failedCalls++;
    Duration pause = setback();
    resting.forEach(
        (times, some) ->
            faults.attempt(
                () ->
                    release(
                        some,
                        probe ? restAfter(pause) : pause.multipliedBy(4).plus(backoff(times)))));
    List<StoredMessage> rest = hand.rest();
    faults.attempt(() -> release(rest, Duration.ZERO));
    log.drained();
    return new Step(taken, pause.toNanos(), isOutage());
  }

  private static void rest(
      StoredMessage message,
      int times,
      NavigableMap<Integer, List<StoredMessage>> resting,
      Set<String> heldUp) {
    resting.computeIfAbsent(times, none -> new ArrayList<>()).add(message);
    heldUp.add(message.message().creator());
  }

  /**
   * How long a message is left alone after it was the probe: the longer the more there are to be
   * probed, so that those that alone make the sink fail do not keep it from the others.
   */
  private Duration restAfter(Duration pause) {
    Duration rest = pause.multipliedBy(++probed);
    return rest.compareTo(longestRetry) < 0 ? rest : longestRetry;
  }

  /** Whether it can be for a message's sake; of the others none is, however long they last. */
  private static boolean mayBeAMessages(Kind kind) {
    return kind == Kind.NOT_SENT || kind == Kind.AMBIGUOUS;
  }

  private void failed(StoredMessage message, int attempts, SinkException reason) {
    store.failed(message, error(reason), backoff(attempts));
  }

  private void dead(StoredMessage message, int attempts, SinkException reason) {
    store.dead(message, error(reason));
    suspects.forget(message);
    metrics.messageFailed(message.message().priority());
    log.dead(message, attempts, reason);
  }

  private static String error(SinkException reason) {
    return reason.kind() + ": " + reason.getMessage();
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
