package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.delivery.DeliveryResult.ErrorType;
import com.huntaze.ratelimiter.delivery.DeliveryResult.Failure;
import com.huntaze.ratelimiter.delivery.DeliveryResult.Status;
import com.huntaze.ratelimiter.delivery.GatewayResponse.Outcome;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.queue.LogFields;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SourceException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * One message in hand, from its permit to its end: the order of the steps is what keeps the
 * promises. Permit, wait, sent-log, freshness, call, record, delete. Confined to one thread.
 */
final class Delivery {
  private static final Logger log = LoggerFactory.getLogger(Dispatcher.class);

  private static final long NO_PERMIT = Long.MIN_VALUE;

  /** How long an unanswered bucket or log is left alone before it is asked again. */
  private static final Duration BACK_OFF = Duration.ofSeconds(1);

  /** What becomes of the message after a step. */
  private enum Next {
    /** It has ended: those behind it may go. */
    ENDED,
    /** It went back, or is somebody else's: those behind it must not overtake it. */
    WENT_BACK,
    /** Another permit, and another call. */
    AGAIN
  }

  private final DispatcherSettings settings;
  private final StopSignal stop;
  private final Hand hand;
  private final OutboundMessage message;
  private final SentLogEntry entry;
  private final String holder = Long.toHexString(UUID.randomUUID().getLeastSignificantBits());
  private final Instant taken;
  private Scope[] scopes = {};
  private int attempt;
  private int failures;
  private int stale;

  Delivery(DispatcherSettings settings, StopSignal stop, Hand hand) {
    this.settings = settings;
    this.stop = stop;
    this.hand = hand;
    this.message = hand.received().message().orElseThrow();
    this.entry =
        new SentLogEntry(
            settings, new SentLog.Claim(message.messageId(), message.revival(), holder));
    this.taken = settings.clock.instant();
  }

  /**
   * Works on the message until it has ended or has to go back. The dispatcher's heartbeat keeps it
   * in hand meanwhile, and those behind it. One that was lost is left to whoever has it now: the
   * sent-log would stop a second call, but not before this one had taken its place.
   *
   * @return whether it has ended; if not, later ones of its creator must not overtake it
   */
  boolean run() throws InterruptedException {
    Optional<String> trace = message.trace().traceparent();
    if (trace.isEmpty()) {
      return deliver();
    }
    mdc(() -> MDC.put("traceparent", trace.get()));
    try {
      return deliver();
    } finally {
      mdc(() -> MDC.remove("traceparent"));
    }
  }

  /** Whatever a host's logging does, the message goes on. */
  private static void mdc(Runnable change) {
    try {
      change.run();
    } catch (RuntimeException e) {
      log.debug("The trace could not be put into the MDC: {}", e.getClass().getName());
    }
  }

  private boolean deliver() throws InterruptedException {
    if (!settings.gateway.supports(message.action())) {
      return neverCalled("unknown_action", "the gateway does not know the action");
    }
    if (message.isRead() && !settings.keepsResults) {
      return neverCalled("no_result_store", "there is nowhere to keep what is read");
    }
    try {
      scopes = DeliveryScopes.of(message);
    } catch (IllegalArgumentException e) {
      return neverCalled("illegal_id", "its creator or recipient has no legal id");
    }
    while (true) {
      Next next = attempt();
      if (next != Next.AGAIN) {
        return next == Next.ENDED;
      }
      hand.await();
    }
  }

  private Next attempt() throws InterruptedException {
    attempt++;
    if (!awaitLog()) {
      return giveBack(Duration.ZERO);
    }
    long due = awaitPermit();
    if (due == NO_PERMIT) {
      return giveBack(Duration.ZERO);
    }
    if (!hand.begin()) {
      entry.leave();
      return Next.WENT_BACK; // taken by the stop, which gives it back
    }
    if (hand.isLost()) {
      return giveBack(Duration.ZERO);
    }
    settings.calling(this);
    try {
      return beginAndCall(due);
    } finally {
      settings.called(this);
    }
  }

  private Next beginAndCall(long due) throws InterruptedException {
    SentLog.Begin begin = entry.begin(settings.callLease(earlierFailures()), inDoubt());
    if (begin == null) {
      return Next.AGAIN;
    }
    switch (begin) {
      case ALREADY_SENT -> {
        about(log.atInfo())
            .log("Message {} was sent before and is not sent again", message.messageId());
        hand.delete();
        return Next.ENDED;
      }
      case IN_PROGRESS -> {
        return giveBack(settings.callLease(0));
      }
      case IN_DOUBT -> {
        return hold("in_doubt");
      }
      case STARTED -> {}
    }
    if (stop.isStopped() || hand.isLost()) {
      return giveBack(Duration.ZERO); // whoever has it now finds it unbegun
    }
    if (settings.ticker.nanos() - due > settings.freshness.toNanos()) {
      return tooOld();
    }
    stale = 0;
    return call();
  }

  /** An old permit may share a window with the next ones: ask anew. */
  private Next tooOld() throws InterruptedException {
    if (++stale > 1) {
      settings.faults.warn(
          "Permits grow old before their calls: is the sent-log slow, or this machine?",
          new GatewayException("no call was made", false, null));
      stop.await(BACK_OFF);
    }
    return Next.AGAIN;
  }

  /**
   * Waits until the log answers again, without a permit. The message is kept in hand: going back
   * would cost it, and those behind it, a receive for each try.
   *
   * @return whether it answers; if not, the dispatcher stops or the message was lost
   */
  private boolean awaitLog() throws InterruptedException {
    while (!entry.answers() && !entry.notSent()) {
      if (stop.await(BACK_OFF) || hand.isLost()) {
        return false;
      }
    }
    return true;
  }

  /** What only reads may be done again, whatever became of it. */
  private InDoubtPolicy inDoubt() {
    return message.isRead() ? InDoubtPolicy.RESEND : settings.inDoubt;
  }

  /** Those of this hand, and one for each time it came back from another. */
  private int earlierFailures() {
    return failures + hand.received().receiveCount() - 1;
  }

  /** Hand and attempt: two copies of a message in two hands never share a permit. */
  private String permitId() {
    return holder + "." + attempt;
  }

  /** Waits for the permit of this attempt; returns when it was due, or that there will be none. */
  private long awaitPermit() throws InterruptedException {
    PermitRequest request =
        PermitRequest.of(permitId(), scopes).bookingUpTo(settings.bookingHorizon);
    boolean waited = false;
    boolean unanswered = false;
    long asked = 0;
    while (!stop.isStopped() && !hand.isLost()) {
      Duration pausing = settings.brake.pausing();
      Duration wait = pausing.compareTo(BACK_OFF) < 0 ? pausing : BACK_OFF;
      if (pausing.isZero()) {
        try {
          if (!unanswered) { // a slow answer makes the permit older, and so does a lost one
            asked = settings.ticker.nanos();
          }
          unanswered = true;
          Permit permit = settings.bucket.tryAcquire(request);
          unanswered = false;
          hand.answered();
          if (permit instanceof Permit.Granted granted) {
            long due = asked + granted.delay().toNanos();
            if (stop.await(granted.delay())) {
              return NO_PERMIT;
            }
            if (settings.brake.pausing().isZero()) {
              return due;
            }
            attempt++; // the API closed meanwhile: a permit for then is another one
            request = PermitRequest.of(permitId(), scopes).bookingUpTo(settings.bookingHorizon);
            continue;
          }
          wait =
              permit instanceof Permit.Booked booked
                  ? booked.delay()
                  : ((Permit.Refused) permit).retryAfter();
          if (!waited) {
            waited = true;
            settings.metrics.rateLimited(message.priority());
          }
        } catch (TokenBucketException e) {
          settings.faults.warn("The token bucket cannot be asked; nothing is sent", e);
          wait = BACK_OFF;
        }
      }
      if (stop.await(wait)) {
        break;
      }
    }
    if (waited || unanswered) {
      release(request.id());
    }
    return NO_PERMIT;
  }

  private Next call() throws InterruptedException {
    long start = settings.ticker.nanos();
    GatewayResponse response;
    try {
      response = settings.gateway.call(message, settings.callTimeout(earlierFailures()));
    } catch (RuntimeException e) {
      return noAnswer(start, e);
    }
    Optional<GatewayResponse> answer = Optional.of(response);
    settings.metrics.apiAnswered(response.statusCode());
    if (response.outcome() != Outcome.RATE_LIMITED) {
      settings.brake.released();
    }
    switch (response.outcome()) {
      case DELIVERED -> {
        return delivered(start, answer);
      }
      case RATE_LIMITED -> {
        settings.brake.pressed(
            Scope.creator(message.creator()),
            response.retryAfter().orElse(settings.defaultRetryAfter));
        entry.notSent();
        record(Status.RATE_LIMITED, start, answer, failure(ErrorType.RATE_LIMIT, "429"));
        return Next.AGAIN;
      }
      case SERVER_ERROR -> {
        entry.notSent();
        return retry(start, answer, "the API answered " + response.statusCode());
      }
      default -> {
        return rejected(start, response);
      }
    }
  }

  /** What was read is what was asked for: without a place for it the message has not ended. */
  private Next delivered(long start, Optional<GatewayResponse> answer) throws InterruptedException {
    if (!message.isRead()) {
      entry.sent();
    }
    Duration latency = since(start);
    boolean recorded = record(Status.SUCCESS, start, answer, Optional.empty());
    if (message.isRead()) {
      if (!recorded) {
        entry.notSent();
        return retry(start, answer, "its result could not be stored");
      }
      entry.sent();
    }
    settings.metrics.messageSent(message.priority(), latency, age());
    settings.metrics.deliveryEnded(true, since(start));
    hand.delete();
    settings.faults.clear();
    return Next.ENDED;
  }

  private Next noAnswer(long start, RuntimeException fault) throws InterruptedException {
    boolean ambiguous = !(fault instanceof GatewayException known) || known.isAmbiguous();
    settings.faults.warn(
        "The API gave no answer",
        fault instanceof GatewayException
            ? fault
            : new GatewayException(
                "the gateway failed: " + fault.getClass().getName(), true, null));
    if (ambiguous && inDoubt() == InDoubtPolicy.HOLD) {
      record(Status.FAILURE, start, Optional.empty(), failure(ErrorType.NETWORK, "no answer"));
      return hold("no_answer");
    }
    entry.notSent();
    return retry(start, Optional.empty(), ambiguous ? "no answer" : "the API was not reached");
  }

  /**
   * Ended for good: another copy of it must not be called either. What says nothing about the
   * message, such as refused credentials or a redirect, puts it aside instead, so that it can go
   * once that is mended.
   */
  private Next rejected(long start, GatewayResponse response) {
    int code = response.statusCode();
    Optional<String> aside = response.asideReason();
    String text = code == 0 ? "no call could be made of it" : "the API answered " + code;
    record(
        Status.FAILURE,
        start,
        Optional.of(response),
        failure(code == 401 || code == 403 ? ErrorType.AUTH : ErrorType.VALIDATION, text));
    if (aside.isPresent()) {
      entry.notSent();
      return putAside(aside.get());
    }
    entry.sent();
    about(log.atError()).log("The API refused message {} for good: {}", message.messageId(), code);
    settings.metrics.messageFailed(message.priority());
    hand.delete();
    return Next.ENDED;
  }

  private Next retry(long start, Optional<GatewayResponse> answer, String text)
      throws InterruptedException {
    if (failures < settings.retries) {
      Duration wait = settings.firstRetry.multipliedBy(1L << failures++);
      return stop.await(wait) ? giveBack(BACK_OFF) : Next.AGAIN;
    }
    record(Status.FAILURE, start, answer, failure(ErrorType.NETWORK, text));
    // Put aside by us it takes nobody along: left to the queue's count, those behind it, which come
    // and go with it, would be dead letters too.
    return hand.received().receiveCount() >= settings.mostReceives
        ? putAside("failed_too_often")
        : giveBack(settings.failedVisibility);
  }

  private Next giveBack(Duration delay) {
    entry.leave();
    hand.giveBack(delay);
    return Next.WENT_BACK;
  }

  /** Puts aside what no call can be made of, without a permit. */
  private boolean neverCalled(String reason, String text) {
    hand.answered();
    if (!hand.begin()) {
      return false;
    }
    record(
        Status.FAILURE,
        settings.ticker.nanos(),
        Optional.empty(),
        failure(ErrorType.VALIDATION, text));
    return putAside(reason) == Next.ENDED;
  }

  /** Nobody knows whether it was sent: an operator decides. */
  private Next hold(String reason) {
    FallbackStore store = settings.heldIn;
    if (store == null) {
      return putAside(reason);
    }
    try {
      store.hold(message, reason);
    } catch (RuntimeException e) {
      settings.faults.warn("A message in doubt could not be stored; it is put aside instead", e);
      return putAside(reason);
    }
    heldBack(reason);
    hand.delete();
    return Next.ENDED;
  }

  private Next putAside(String reason) {
    try {
      hand.deadLetter(reason);
    } catch (SourceException e) {
      settings.faults.warn("A message could not be put aside; it comes back", e);
      return Next.WENT_BACK;
    }
    heldBack(reason);
    return Next.ENDED;
  }

  private void heldBack(String reason) {
    settings.metrics.messageFailed(message.priority());
    about(log.atError()).log("Message {} is held for an operator: {}", message.messageId(), reason);
  }

  private LoggingEventBuilder about(LoggingEventBuilder line) {
    return LogFields.of(line, message)
        .addKeyValue("receiveCount", hand.received().receiveCount())
        .addKeyValue("attempt", attempt);
  }

  private void release(String permitId) {
    try {
      settings.bucket.release(permitId);
    } catch (TokenBucketException e) {
      log.debug("A booking could not be released and is lost", e);
    }
  }

  private static Optional<Failure> failure(ErrorType type, String text) {
    return Optional.of(new Failure(type, text));
  }

  private boolean record(
      Status status, long start, Optional<GatewayResponse> answer, Optional<Failure> error) {
    if (status == Status.FAILURE) { // after a 429 it goes on, and of a success more is to be done
      settings.metrics.deliveryEnded(false, since(start));
    }
    try {
      settings.results.put(
          new DeliveryResult(
              message.messageId(),
              message.creator(),
              message.action(),
              status,
              settings.clock.instant(),
              since(start),
              answer,
              error,
              notNegative(Duration.between(message.timestamp(), taken)),
              age()));
      return true;
    } catch (RuntimeException e) {
      settings.faults.warn("A result could not be stored", e);
      return false;
    }
  }

  private Duration since(long start) {
    return Duration.ofNanos(settings.ticker.nanos() - start);
  }

  private Duration age() {
    return notNegative(Duration.between(message.timestamp(), settings.clock.instant()));
  }

  private static Duration notNegative(Duration time) {
    return time.isNegative() ? Duration.ZERO : time;
  }
}
