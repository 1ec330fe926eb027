package com.huntaze.ratelimiter.lambda;

import com.huntaze.ratelimiter.delivery.GatewayException;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.delivery.SentLogException;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * In place of the workflow queue: calls the API for what the gate lets through, with a permit of
 * the edge for each call. What it cannot do now it does not take, so that the message comes back.
 * Of one event, and confined to its thread.
 */
final class DirectSink implements MessageSink {
  private static final Logger log = LoggerFactory.getLogger(DirectSink.class);
  private static final Duration FRESHNESS = Duration.ofMillis(250);
  private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration CALL_LEASE = Duration.ofSeconds(60);
  private static final Duration DEFAULT_RETRY_AFTER = Duration.ofSeconds(60);

  /** The longest a message waits here for its permit. The gate has paced it already. */
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(2);

  /** What stays for the sent-log and the visibilities. */
  private static final Duration RESERVE = LambdaSqs.CALL_TIMEOUT.multipliedBy(3);

  private final TokenBucket edge;
  private final SentLog sentLog;
  private final OnlyFansGateway gateway;
  private final Ticker ticker;
  private final Supplier<Duration> remaining;

  DirectSink(
      TokenBucket edge,
      SentLog sentLog,
      OnlyFansGateway gateway,
      Ticker ticker,
      Supplier<Duration> remaining) {
    this.edge = edge;
    this.sentLog = sentLog;
    this.gateway = gateway;
    this.ticker = ticker;
    this.remaining = remaining;
  }

  /** A fault of one message, of whatever kind, says nothing about its neighbours. */
  @Override
  public List<SinkResult> sendAll(List<OutboundMessage> messages) {
    List<SinkResult> results = new ArrayList<>(messages.size());
    for (OutboundMessage message : messages) {
      try {
        results.add(send(message));
      } catch (SinkException e) {
        results.add(new SinkResult.NotTaken(e));
      } catch (RuntimeException e) {
        results.add(new SinkResult.NotTaken(notNow(e.getClass().getName())));
      }
    }
    return results;
  }

  @Override
  public SinkResult.Taken send(OutboundMessage message) {
    if (!gateway.supports(message.action())) {
      throw new SinkException(Kind.MESSAGE_REFUSED, "the gateway has no such action", null);
    }
    Duration forTheCall = remaining.get().minus(RESERVE);
    if (forTheCall.compareTo(LONGEST_WAIT.multipliedBy(2)) < 0) {
      throw notNow("no time is left");
    }
    String holder = Long.toHexString(UUID.randomUUID().getLeastSignificantBits());
    long due = awaitPermit(message, holder);
    SentLog.Claim claim = new SentLog.Claim(message.messageId(), message.revival(), holder);
    switch (begin(claim)) {
      case ALREADY_SENT -> {
        log.info("Message {} was sent before and is not sent again", message.messageId());
        return taken();
      }
      case IN_PROGRESS -> throw notNow("another holder is making the call");
      case IN_DOUBT -> {
        log.error("Message {} is in doubt and held for an operator", message.messageId());
        throw new SinkException(Kind.MESSAGE_REFUSED, "in doubt", null);
      }
      case STARTED -> {}
    }
    if (ticker.nanos() - due > FRESHNESS.toNanos()) {
      notSent(claim); // an old permit may share a window with the next ones
      throw notNow("the permit grew old");
    }
    Duration rest = forTheCall.minus(LONGEST_WAIT);
    return call(message, claim, rest.compareTo(CALL_TIMEOUT) < 0 ? rest : CALL_TIMEOUT);
  }

  /** Waits for the permit of this call; returns when it was due. */
  private long awaitPermit(OutboundMessage message, String holder) {
    PermitRequest request =
        PermitRequest.of(
            "direct#" + holder,
            message
                .recipientId()
                .map(to -> new Scope[] {Scope.creator(message.creator()), Scope.recipient(to)})
                .orElseGet(() -> new Scope[] {Scope.creator(message.creator())}));
    long start = ticker.nanos();
    while (true) {
      long asked = ticker.nanos();
      Permit permit;
      try {
        permit = edge.tryAcquire(request);
      } catch (TokenBucketException e) {
        throw notNow("the edge's bucket cannot be asked");
      }
      Duration wait =
          permit instanceof Permit.Granted granted
              ? granted.delay()
              : ((Permit.Refused) permit).retryAfter(); // no booking was asked for
      if (ticker.nanos() - start + wait.toNanos() > LONGEST_WAIT.toNanos()) {
        throw notNow("no permit is free");
      }
      pause(wait);
      if (permit instanceof Permit.Granted) {
        return asked + wait.toNanos();
      }
    }
  }

  private void pause(Duration wait) {
    long end = ticker.nanos() + wait.toNanos();
    for (long left = wait.toNanos(); left > 0; left = end - ticker.nanos()) {
      if (Thread.currentThread().isInterrupted()) {
        throw notNow("interrupted");
      }
      LockSupport.parkNanos(left);
    }
  }

  private SentLog.Begin begin(SentLog.Claim claim) {
    try {
      return sentLog.begin(claim, CALL_LEASE, InDoubtPolicy.HOLD);
    } catch (SentLogException e) {
      throw notNow("the sent-log cannot be asked");
    }
  }

  private SinkResult.Taken call(OutboundMessage message, SentLog.Claim claim, Duration timeout) {
    GatewayResponse response;
    try {
      response = gateway.call(message, timeout);
    } catch (GatewayException e) {
      if (e.isAmbiguous()) {
        throw new SinkException(Kind.AMBIGUOUS, "the API gave no answer", null);
      }
      notSent(claim);
      throw notNow("the API was not reached");
    }
    switch (response.outcome()) {
      case DELIVERED -> {
        sent(claim);
        return taken();
      }
      case RATE_LIMITED -> {
        notSent(claim);
        block(response.retryAfter().orElse(DEFAULT_RETRY_AFTER));
        throw new SinkException(Kind.THROTTLED, "the API answered 429", null);
      }
      case SERVER_ERROR -> {
        notSent(claim);
        throw notNow("the API answered " + response.statusCode());
      }
      default -> {
        int status = response.statusCode();
        if (status == 401 || status == 403) {
          notSent(claim); // put aside, so that it can go once the credentials are mended
          throw new SinkException(Kind.MESSAGE_REFUSED, "the API refused the credentials", null);
        }
        sent(claim); // ended for good: another copy of it must not be called either
        log.error(
            "The API refused message {} for good: {}", message.messageId(), response.statusCode());
        return taken();
      }
    }
  }

  private void block(Duration retryAfter) {
    log.warn("The API answered 429: closed for {}", retryAfter);
    try {
      edge.blockFor(Scope.global(), retryAfter);
    } catch (TokenBucketException e) {
      log.error("The limit could not be closed after a 429: {}", e.toString());
    }
  }

  private void sent(SentLog.Claim claim) {
    try {
      sentLog.sent(claim.messageId());
    } catch (SentLogException e) {
      log.error("A delivery could not be recorded: {}: {}", claim.messageId(), e.toString());
    }
  }

  private void notSent(SentLog.Claim claim) {
    try {
      sentLog.notSent(claim);
    } catch (SentLogException e) {
      log.warn("A call's end could not be recorded, it will be in doubt: {}", e.toString());
    }
  }

  private static SinkResult.Taken taken() {
    return new SinkResult.Taken(Optional.empty());
  }

  private static SinkException notNow(String why) {
    return new SinkException(Kind.NOT_SENT, why, null);
  }
}
