package com.huntaze.ratelimiter;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.delivery.DeliveryResult;
import com.huntaze.ratelimiter.delivery.GatewayException;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.delivery.ResultStore;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.delivery.SentLogException;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way around the queue, for users the switch is off for: a permit is taken all the same, and
 * nothing waits. Thread-safe.
 */
final class DirectSender {
  private static final Logger log = LoggerFactory.getLogger(RateLimitedOnlyFansClient.class);
  private static final Duration CALL_TIMEOUT = Duration.ofSeconds(30);
  private static final Duration CALL_LEASE = Duration.ofSeconds(60);
  private static final Duration FRESHNESS = Duration.ofMillis(250);
  private static final Duration DEFAULT_RETRY_AFTER = Duration.ofSeconds(60);

  private final OnlyFansGateway gateway;
  private final TokenBucket bucket;
  private final SentLog sentLog;
  private final MetricsSink metrics;
  private final @Nullable ResultStore results;
  private final InstantSource clock;
  private final Ticker ticker;

  private DirectSender(
      RateLimitedOnlyFansClient.Builder builder,
      OnlyFansGateway gateway,
      TokenBucket bucket,
      MetricsSink metrics) {
    this.gateway = gateway;
    this.bucket = bucket;
    this.sentLog = builder.sentLog;
    this.metrics = metrics;
    this.results = builder.results;
    this.clock = builder.clock;
    this.ticker = builder.ticker;
  }

  /** The direct way a builder asks for, under a limit; null if it asks for none. */
  static @Nullable DirectSender of(
      RateLimitedOnlyFansClient.Builder builder,
      @Nullable TokenBucket bucket,
      MetricsSink metrics) {
    return builder.directGateway == null
        ? null
        : new DirectSender(builder, builder.directGateway, requireNonNull(bucket), metrics);
  }

  /**
   * Does beforehand what is slow the first time; a gateway that cannot yet is no reason to stop.
   */
  void warmUp() {
    try {
      gateway.warmUp();
    } catch (RuntimeException e) {
      log.warn(
          "The direct gateway could not warm up; its first calls may be slow: {}", e.toString());
    }
  }

  /** Makes the call if it may be made now. */
  SendResult send(OutboundMessage message) {
    String id = message.messageId();
    try {
      if (!gateway.supports(message.action())) {
        return new SendResult.Failed(id, "the gateway knows no action " + message.action());
      }
      if (message.isRead() && results == null) {
        return new SendResult.Failed(
            id, "no results are set: there is nowhere to keep what is read");
      }
      String call = Long.toHexString(UUID.randomUUID().getLeastSignificantBits());
      SentLog.Claim claim = new SentLog.Claim(id, message.revival(), call);
      long asked = ticker.nanos();
      Permit permit = bucket.tryAcquire(request(message, call));
      if (!(permit instanceof Permit.Granted)) {
        return rateLimited(message, ((Permit.Refused) permit).retryAfter());
      }
      return switch (sentLog.begin(claim, CALL_LEASE, InDoubtPolicy.HOLD)) {
        case ALREADY_SENT -> new SendResult.Sent(id, message.timestamp());
        case IN_PROGRESS, IN_DOUBT ->
            new SendResult.Failed(id, "a call for this id was begun and has not ended");
        case STARTED -> callIfFresh(message, claim, asked);
      };
    } catch (TokenBucketException e) {
      return new SendResult.Failed(id, "the limit could not be asked: " + e.getMessage());
    } catch (SentLogException e) {
      return new SendResult.Failed(id, "the sent-log could not be used: " + e.getMessage());
    } catch (RuntimeException e) {
      return new SendResult.Failed(id, "a part failed: " + e.getClass().getName());
    }
  }

  /** An old permit may share a window with the next ones: the caller asks anew. */
  private SendResult callIfFresh(OutboundMessage message, SentLog.Claim claim, long asked) {
    if (ticker.nanos() - asked > FRESHNESS.toNanos()) {
      sentLog.notSent(claim);
      return rateLimited(message, Duration.ofSeconds(1));
    }
    return call(message, claim);
  }

  /** Every call is a permit of its own, also when a caller sends one id again. */
  private static PermitRequest request(OutboundMessage message, String call) {
    Scope creator = Scope.creator(message.creator());
    Scope[] scopes =
        message
            .recipientId()
            .map(recipient -> new Scope[] {creator, Scope.recipient(recipient)})
            .orElseGet(() -> new Scope[] {creator});
    return PermitRequest.of(message.messageId() + "#" + call, scopes);
  }

  private SendResult call(OutboundMessage message, SentLog.Claim claim) {
    String id = message.messageId();
    long start = ticker.nanos();
    GatewayResponse response;
    try {
      response = gateway.call(message, CALL_TIMEOUT);
    } catch (RuntimeException e) {
      if (e instanceof GatewayException known && !known.isAmbiguous()) {
        sentLog.notSent(claim);
        return new SendResult.Failed(id, "the API was not reached");
      }
      // The sent-log keeps the call as begun: sending this id again would risk a duplicate.
      return new SendResult.Failed(id, "the API gave no answer; it may have the message");
    }
    metrics.apiAnswered(response.statusCode());
    switch (response.outcome()) {
      case DELIVERED -> {
        Duration latency = Duration.ofNanos(ticker.nanos() - start);
        if (!keep(message, response, latency) && message.isRead()) {
          sentLog.notSent(claim);
          return new SendResult.Failed(id, "its result could not be stored");
        }
        record(id);
        metrics.messageSent(message.priority(), latency, latency);
        return new SendResult.Sent(id, message.timestamp());
      }
      case RATE_LIMITED -> {
        Duration wait = response.retryAfter().orElse(DEFAULT_RETRY_AFTER);
        close(Scope.creator(message.creator()), wait);
        sentLog.notSent(claim);
        return rateLimited(message, wait);
      }
      default -> {
        sentLog.notSent(claim);
        return new SendResult.Failed(
            id,
            response.statusCode() == 0
                ? "no call can be made of it"
                : "the API answered " + response.statusCode());
      }
    }
  }

  /** Closes the limit for everybody, as the API asks; first of all that follows a 429. */
  private void close(Scope creator, Duration wait) {
    try {
      try {
        bucket.blockFor(Scope.global(), wait);
      } catch (IllegalArgumentException noLimitForAll) {
        bucket.blockFor(creator, wait);
      }
    } catch (TokenBucketException | IllegalArgumentException e) {
      log.error("The limit could not be closed after a 429: {}", e.toString());
    }
  }

  /** Keeps the result, where results are kept; answers whether it is not lost. */
  private boolean keep(OutboundMessage message, GatewayResponse response, Duration latency) {
    if (results == null) {
      return true;
    }
    try {
      results.put(
          new DeliveryResult(
              message.messageId(),
              message.creator(),
              message.action(),
              DeliveryResult.Status.SUCCESS,
              clock.instant(),
              latency,
              Optional.of(response),
              Optional.empty(),
              Duration.ZERO,
              latency));
      return true;
    } catch (RuntimeException e) {
      log.error(
          "The result of {} could not be stored: {}", message.messageId(), e.getClass().getName());
      return false;
    }
  }

  /** The API has the message, whatever becomes of the record: the call stays begun without it. */
  private void record(String id) {
    try {
      sentLog.sent(id);
    } catch (SentLogException e) {
      log.error("Message {} was sent, but could not be recorded as sent: {}", id, e.toString());
    }
  }

  private SendResult rateLimited(OutboundMessage message, Duration wait) {
    metrics.rateLimited(message.priority());
    return new SendResult.RateLimited(message.messageId(), wait);
  }
}
