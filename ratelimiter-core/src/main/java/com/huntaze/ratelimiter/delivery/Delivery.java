package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.delivery.DeliveryResult.ErrorType;
import com.huntaze.ratelimiter.delivery.DeliveryResult.Failure;
import com.huntaze.ratelimiter.delivery.DeliveryResult.Status;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SourceException;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One message in hand, from its permit to its end: the order of the steps is what keeps the
 * promises. Permit, wait, sent-log, freshness, call, record, delete. Confined to one thread.
 */
final class Delivery {
  private static final Logger log = LoggerFactory.getLogger(Dispatcher.class);

  private static final long NO_PERMIT = Long.MIN_VALUE;

  /** How long an unanswered bucket or log is left alone before it is asked again. */
  private static final Duration BACK_OFF = Duration.ofSeconds(1);

  private final DispatcherSettings settings;
  private final StopSignal stop;
  private final Hand hand;
  private final OutboundMessage message;
  private final String handId = Long.toHexString(UUID.randomUUID().getLeastSignificantBits());
  private final SentLog.Claim claim;
  private int attempt;
  private int failures;

  Delivery(DispatcherSettings settings, StopSignal stop, Hand hand) {
    this.settings = settings;
    this.stop = stop;
    this.hand = hand;
    this.message = hand.received().message().orElseThrow();
    this.claim = new SentLog.Claim(message.messageId(), message.revival(), handId);
  }

  /**
   * Works on the message until it has ended or has to go back. The dispatcher's heartbeat keeps it
   * in hand meanwhile, and those behind it. One that was lost is left to whoever has it now: the
   * sent-log would stop a second call, but not before this one had taken its place.
   *
   * @return whether it has ended; if not, later ones of its creator must not overtake it
   */
  boolean run() throws InterruptedException {
    while (true) {
      attempt++;
      long due = awaitPermit();
      if (due == NO_PERMIT) {
        hand.giveBack(Duration.ZERO);
        return false;
      }
      hand.permitted();
      if (!hand.begin()) {
        return false; // taken by the stop, which gives it back
      }
      if (hand.isLost()) {
        hand.giveBack(Duration.ZERO);
        return false;
      }
      SentLog.Begin begin;
      try {
        begin = settings.sentLog.begin(claim, settings.callLease(), settings.inDoubt);
      } catch (SentLogException e) {
        settings.faults.warn("The sent-log cannot be asked; nothing is sent", e);
        hand.giveBack(BACK_OFF);
        return false;
      }
      switch (begin) {
        case ALREADY_SENT -> {
          log.info("Message {} was sent before and is not sent again", message.messageId());
          hand.delete();
          return true;
        }
        case IN_PROGRESS -> {
          hand.giveBack(settings.callLease());
          return false;
        }
        case IN_DOUBT -> {
          return hold("in_doubt");
        }
        case STARTED -> {}
      }
      if (stop.isStopped()) {
        notSent(); // whoever closes has looked at the sent-log, or is about to
        hand.giveBack(Duration.ZERO);
        return false;
      }
      if (hand.isLost()) {
        notSent(); // so that whoever has it now finds it unbegun
        hand.giveBack(Duration.ZERO);
        return false;
      }
      if (settings.ticker.nanos() - due > settings.freshness.toNanos()) {
        notSent(); // an old permit may share a window with the next ones: ask anew
        hand.await();
        continue;
      }
      Optional<Boolean> ended = call();
      if (ended.isPresent()) {
        return ended.get();
      }
      hand.await();
    }
  }

  /** Message, hand and attempt: two copies of a message in two hands never share a permit. */
  private String permitId() {
    return message.messageId() + "#" + handId + "." + attempt;
  }

  /** Waits for the permit of this attempt; returns when it was due, or that there will be none. */
  private long awaitPermit() throws InterruptedException {
    PermitRequest request =
        PermitRequest.of(permitId(), DeliveryScopes.of(message))
            .bookingUpTo(settings.bookingHorizon);
    boolean waited = false;
    boolean unanswered = false;
    long asked = 0;
    while (!stop.isStopped() && !hand.isLost()) {
      Duration wait;
      try {
        if (!unanswered) { // a slow answer makes the permit older, and so does a lost one
          asked = settings.ticker.nanos();
        }
        unanswered = true;
        Permit permit = settings.bucket.tryAcquire(request);
        unanswered = false;
        if (permit instanceof Permit.Granted granted) {
          long due = asked + granted.delay().toNanos();
          return stop.await(granted.delay()) ? NO_PERMIT : due;
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
      if (stop.await(wait)) {
        break;
      }
    }
    if (waited || unanswered) {
      release(request.id());
    }
    return NO_PERMIT;
  }

  /** Makes the call; the answer says whether the message has ended, empty asks for another try. */
  private Optional<Boolean> call() throws InterruptedException {
    long start = settings.ticker.nanos();
    GatewayResponse response;
    try {
      response = settings.gateway.call(message, settings.callTimeout);
    } catch (RuntimeException e) {
      boolean ambiguous = !(e instanceof GatewayException known) || known.isAmbiguous();
      settings.faults.warn(
          "The API gave no answer",
          e instanceof GatewayException
              ? e
              : new GatewayException("the gateway failed: " + e.getClass().getName(), true, null));
      if (ambiguous && settings.inDoubt == InDoubtPolicy.HOLD) {
        record(Status.FAILURE, start, Optional.empty(), failure(ErrorType.NETWORK, "no answer"));
        return Optional.of(hold("no_answer"));
      }
      notSent();
      return retryOrGiveBack(start, Optional.empty());
    }
    Optional<GatewayResponse> answer = Optional.of(response);
    switch (response.outcome()) {
      case DELIVERED -> {
        sent();
        hand.delete();
        settings.faults.clear();
        record(Status.SUCCESS, start, answer, Optional.empty());
        settings.metrics.messageSent(message.priority(), since(start), age());
        return Optional.of(true);
      }
      case RATE_LIMITED -> {
        notSent();
        record(Status.RATE_LIMITED, start, answer, failure(ErrorType.RATE_LIMIT, "429"));
        block(response.retryAfter().orElse(settings.defaultRetryAfter));
        return Optional.empty();
      }
      case SERVER_ERROR -> {
        notSent();
        return retryOrGiveBack(start, answer);
      }
      default -> {
        sent(); // ended for good: another copy of it must not be called either
        boolean credentials = response.statusCode() == 401 || response.statusCode() == 403;
        record(
            Status.FAILURE,
            start,
            answer,
            failure(
                credentials ? ErrorType.AUTH : ErrorType.VALIDATION,
                "the API answered " + response.statusCode()));
        settings.metrics.messageFailed(message.priority());
        hand.delete();
        return Optional.of(true);
      }
    }
  }

  private Optional<Boolean> retryOrGiveBack(long start, Optional<GatewayResponse> answer)
      throws InterruptedException {
    if (failures < settings.retries) {
      Duration wait = settings.firstRetry.multipliedBy(1L << failures++);
      if (!stop.await(wait)) {
        return Optional.empty();
      }
      hand.giveBack(BACK_OFF);
      return Optional.of(false);
    }
    record(Status.FAILURE, start, answer, failure(ErrorType.NETWORK, "the API failed"));
    hand.giveBack(settings.failedVisibility);
    return Optional.of(false);
  }

  private boolean hold(String reason) {
    try {
      hand.deadLetter(reason);
      settings.metrics.messageFailed(message.priority());
      log.error("Message {} is held for an operator: {}", message.messageId(), reason);
      return true;
    } catch (SourceException e) {
      settings.faults.warn("A message could not be put aside; it comes back", e);
      return false;
    }
  }

  private void sent() {
    try {
      settings.sentLog.sent(message.messageId());
    } catch (SentLogException e) {
      settings.faults.warn("A delivery could not be recorded; the message is still deleted", e);
    }
  }

  private void notSent() {
    try {
      settings.sentLog.notSent(claim);
    } catch (SentLogException e) {
      settings.faults.warn("A call's end could not be recorded; its message will be in doubt", e);
    }
  }

  private void block(Duration retryAfter) {
    try {
      settings.bucket.blockFor(Scope.global(), retryAfter);
    } catch (TokenBucketException e) {
      settings.faults.warn("The limit could not be closed after a 429", e);
    }
    log.warn("The API answered 429: closed for {}", retryAfter);
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

  private void record(
      Status status, long start, Optional<GatewayResponse> answer, Optional<Failure> error) {
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
              age(),
              age()));
    } catch (RuntimeException e) {
      settings.faults.warn("A result could not be stored", e);
    }
  }

  private Duration since(long start) {
    return Duration.ofNanos(settings.ticker.nanos() - start);
  }

  private Duration age() {
    Duration age = Duration.between(message.timestamp(), settings.clock.instant());
    return age.isNegative() ? Duration.ZERO : age;
  }
}
