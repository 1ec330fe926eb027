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
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * In place of the workflow queue: calls the API for what the gate lets through, with a permit of
 * the edge for each call. What it cannot do now it does not take, so that the message comes back. A
 * message that reads is refused, since there is nowhere for the answer to go. Of one event, and
 * confined to its thread.
 *
 * <p>What is refused for good says why in one word, which becomes the dead letter's reason.
 */
final class DirectSink implements MessageSink {
  private static final Logger log = LoggerFactory.getLogger(DirectSink.class);
  private static final Duration FRESHNESS = Duration.ofMillis(250);
  private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);

  /** Longer than the wait for the permit, the edge's answers and the call. */
  private static final Duration CALL_LEASE = Duration.ofSeconds(60);

  private static final Duration DEFAULT_RETRY_AFTER = Duration.ofSeconds(60);

  /** The longest a message waits here for its permit. The gate has paced it already. */
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(2);

  /** A call that has less time than this is not begun. */
  private static final Duration SHORTEST_CALL = Duration.ofSeconds(1);

  /** What stays for the sent-log and the visibilities. */
  private static final Duration RESERVE = LambdaSqs.CALL_TIMEOUT.multipliedBy(3);

  private final TokenBucket edge;
  private final SentLog sentLog;
  private final OnlyFansGateway gateway;
  private final Ticker ticker;
  private final Supplier<Duration> remaining;
  private final boolean keepsOrder;

  /**
   * Sets it up.
   *
   * @param keepsOrder whether none of a creator's messages may overtake another
   */
  DirectSink(
      TokenBucket edge,
      SentLog sentLog,
      OnlyFansGateway gateway,
      Ticker ticker,
      Supplier<Duration> remaining,
      boolean keepsOrder) {
    this.edge = edge;
    this.sentLog = sentLog;
    this.gateway = gateway;
    this.ticker = ticker;
    this.remaining = remaining;
    this.keepsOrder = keepsOrder;
  }

  @Override
  public boolean keepsOrder() {
    return keepsOrder;
  }

  /**
   * A fault of one message, of whatever kind, says nothing about its neighbours, except that where
   * order is kept those of its creator behind it wait for it.
   */
  @Override
  public List<SinkResult> sendAll(List<OutboundMessage> messages) {
    List<SinkResult> results = new ArrayList<>(messages.size());
    Set<String> waiting = new HashSet<>();
    for (OutboundMessage message : messages) {
      SinkResult result =
          waiting.contains(message.creator())
              ? new SinkResult.NotTaken(
                  notNow("not tried, an earlier message of its creator was not taken"))
              : result(message);
      results.add(result);
      if (keepsOrder
          && result instanceof SinkResult.NotTaken notTaken
          && notTaken.reason().kind() != Kind.MESSAGE_REFUSED) {
        waiting.add(message.creator());
      }
    }
    return results;
  }

  private SinkResult result(OutboundMessage message) {
    try {
      return send(message);
    } catch (SinkException e) {
      return new SinkResult.NotTaken(e);
    } catch (RuntimeException e) {
      return new SinkResult.NotTaken(notNow(e.getClass().getName()));
    }
  }

  @Override
  public SinkResult.Taken send(OutboundMessage message) {
    if (!gateway.supports(message.action())) {
      throw refused("unknown_action");
    }
    if (message.isRead()) {
      throw refused("no_result_store");
    }
    if (forTheCall().compareTo(LONGEST_WAIT.multipliedBy(2)) < 0) {
      throw notNow("no time is left");
    }
    String holder = Long.toHexString(UUID.randomUUID().getLeastSignificantBits());
    SentLog.Claim claim = new SentLog.Claim(message.messageId(), message.revival(), holder);
    switch (begin(claim)) {
      case ALREADY_SENT -> {
        log.info("Message {} was sent before and is not sent again", message.messageId());
        return taken();
      }
      case IN_PROGRESS -> throw notNow("another holder is making the call");
      case IN_DOUBT -> {
        log.error("Message {} is in doubt and held for an operator", message.messageId());
        throw refused("in_doubt");
      }
      case STARTED -> {}
    }
    Duration timeout;
    try {
      timeout = permitted(message, holder);
    } catch (RuntimeException e) {
      notSent(claim);
      throw e;
    }
    return call(message, claim, timeout);
  }

  /** Takes the permit, last of all: whatever else may keep the call from being made is known. */
  private Duration permitted(OutboundMessage message, String holder) {
    long due = awaitPermit(message, holder);
    if (ticker.nanos() - due > FRESHNESS.toNanos()) {
      throw notNow("the permit grew old"); // it may share a window with the next ones
    }
    Duration rest = forTheCall();
    if (rest.compareTo(SHORTEST_CALL) < 0) {
      throw notNow("no time is left");
    }
    return rest.compareTo(CALL_TIMEOUT) < 0 ? rest : CALL_TIMEOUT;
  }

  private Duration forTheCall() {
    return remaining.get().minus(RESERVE);
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
        Optional<String> aside = response.asideReason();
        if (aside.isPresent()) {
          notSent(claim);
          throw refused(aside.get());
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

  private static SinkException refused(String reason) {
    return new SinkException(Kind.MESSAGE_REFUSED, reason, null);
  }

  private static SinkException notNow(String why) {
    return new SinkException(Kind.NOT_SENT, why, null);
  }
}
