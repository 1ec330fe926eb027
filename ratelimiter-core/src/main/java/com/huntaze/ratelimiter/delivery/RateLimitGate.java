package com.huntaze.ratelimiter.delivery;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkResult;
import com.huntaze.ratelimiter.queue.SourceException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets a batch of messages through to the workflow queue at the limit's pace: forwards what may go,
 * books an instant for what may not, and puts aside what cannot be read.
 *
 * <p>Called by the Lambda handler for each event. Thread-safe. The gate plans, on a bucket of its
 * own; the limit itself is kept where the API is called. One call of the bucket and one of the sink
 * for the whole batch. A fault loses nothing: its messages are {@link Outcome#RETRY}.
 */
public final class RateLimitGate {
  private static final Logger log = LoggerFactory.getLogger(RateLimitGate.class);
  private static final Duration BACK_OFF = Duration.ofSeconds(30);

  private final TokenBucket bucket;
  private final MessageSink workflow;
  private final MessageSource entry;
  private final Duration horizon;

  /** What became of a message. */
  public enum Outcome {
    /** The workflow queue has it: it may be deleted from the entry queue. */
    FORWARDED,
    /** It comes back at its booked instant: it must not be deleted. */
    BOOKED,
    /** Something failed: it comes back after a while, and must not be deleted. */
    RETRY,
    /** It can never go and is in the dead letters: it may be deleted. */
    DEAD_LETTERED
  }

  /**
   * A gate with the booking horizon that visibility time-outs allow, 11 hours.
   *
   * @param bucket the gate's bucket, not the edge's
   * @param entry the queue the batch came from; its visibility is changed for what has to wait
   * @param workflow the queue granted messages go to
   */
  public RateLimitGate(TokenBucket bucket, MessageSource entry, MessageSink workflow) {
    this.bucket = requireNonNull(bucket, "bucket");
    this.entry = requireNonNull(entry, "entry");
    this.workflow = requireNonNull(workflow, "workflow");
    this.horizon = Duration.ofHours(11);
  }

  /**
   * Works on a batch.
   *
   * @param batch messages received from the entry queue
   * @return item <i>i</i> says what became of message <i>i</i>; never fails as a whole
   */
  public List<Outcome> process(List<ReceivedMessage> batch) {
    List<Outcome> outcomes = new ArrayList<>(batch.size());
    List<Integer> readable = new ArrayList<>();
    List<PermitRequest> requests = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      ReceivedMessage received = batch.get(i);
      if (received.message().isPresent()) {
        OutboundMessage message = received.message().get();
        outcomes.add(Outcome.RETRY);
        readable.add(i);
        requests.add(
            PermitRequest.of(message.messageId(), DeliveryScopes.of(message)).bookingUpTo(horizon));
      } else {
        outcomes.add(
            putAside(
                received,
                received.fault().map(fault -> fault.reason().name()).orElse("UNREADABLE")));
      }
    }
    if (!requests.isEmpty()) {
      decide(batch, readable, requests, outcomes);
    }
    return outcomes;
  }

  private void decide(
      List<ReceivedMessage> batch,
      List<Integer> readable,
      List<PermitRequest> requests,
      List<Outcome> outcomes) {
    List<Permit> permits;
    try {
      permits = bucket.tryAcquireAll(requests);
    } catch (TokenBucketException e) {
      log.warn("The gate's bucket cannot be asked; the whole batch goes back: {}", e.toString());
      readable.forEach(i -> comeBackIn(batch.get(i), BACK_OFF));
      return;
    }
    List<Integer> granted = new ArrayList<>();
    for (int k = 0; k < permits.size(); k++) {
      int i = readable.get(k);
      Permit permit = permits.get(k);
      if (permit instanceof Permit.Granted) {
        granted.add(i);
      } else {
        Duration wait =
            permit instanceof Permit.Booked booked
                ? booked.delay()
                : ((Permit.Refused) permit).retryAfter();
        // The instant is when it should be here again, so never early: visibility is whole seconds.
        comeBackIn(batch.get(i), wait.compareTo(horizon) < 0 ? wait : horizon);
        outcomes.set(i, Outcome.BOOKED);
      }
    }
    forward(batch, granted, outcomes);
  }

  private void forward(List<ReceivedMessage> batch, List<Integer> granted, List<Outcome> outcomes) {
    if (granted.isEmpty()) {
      return;
    }
    List<SinkResult> results =
        workflow.sendAll(granted.stream().map(i -> batch.get(i).message().orElseThrow()).toList());
    for (int k = 0; k < granted.size(); k++) {
      int i = granted.get(k);
      if (results.get(k) instanceof SinkResult.NotTaken notTaken) {
        outcomes.set(i, notForwarded(batch.get(i), notTaken.reason().kind()));
      } else {
        outcomes.set(i, Outcome.FORWARDED);
      }
    }
  }

  /**
   * What can never be forwarded is poison; anything else comes back, and its grant stays its own.
   */
  private Outcome notForwarded(ReceivedMessage received, SinkException.Kind kind) {
    if (kind == SinkException.Kind.MESSAGE_REFUSED) {
      return putAside(received, kind.name());
    }
    comeBackIn(received, BACK_OFF);
    return Outcome.RETRY;
  }

  private Outcome putAside(ReceivedMessage received, String reason) {
    try {
      entry.deadLetter(received, reason);
      log.error("{} was put aside: {}", received, reason);
      return Outcome.DEAD_LETTERED;
    } catch (SourceException e) {
      log.error("{} could not be put aside: {}", received, reason);
      return Outcome.RETRY;
    }
  }

  private void comeBackIn(ReceivedMessage received, Duration delay) {
    try {
      entry.changeVisibility(received, delay);
    } catch (SourceException e) {
      log.warn("Visibility could not be changed; {} comes back by itself", received);
    }
  }
}
