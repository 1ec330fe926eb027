package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.testkit.ApiCall;
import com.huntaze.ratelimiter.testkit.LocalEventSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import software.amazon.awssdk.services.sqs.model.Message;

/**
 * What must hold of a {@link Pipeline}, whatever became of it: the invariants, each by name. One
 * thread.
 */
final class PipelineJudge {
  private final Pipeline pipeline;
  private final Set<String> deadLetters = new HashSet<>();

  PipelineJudge(Pipeline pipeline) {
    this.pipeline = pipeline;
  }

  /** Waits until something holds; answers whether it came to. */
  static boolean await(Duration within, BooleanSupplier condition) {
    long end = System.nanoTime() + within.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        return false;
      }
      LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
    }
    return true;
  }

  /** Lets time pass, for what has to be so long. */
  static void pause(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  /**
   * I1, with an end: every accepted message is delivered or among the dead letters, and both queues
   * are empty.
   */
  void noneIsLost(Duration within) {
    boolean drained = await(within, () -> missing().isEmpty() && waiting() == 0);
    assertThat(missing())
        .as(
            "neither delivered nor put aside after %s, with %d messages in the queues",
            within, waiting())
        .isEmpty();
    assertThat(drained).as("queues drained, %d messages in them", waiting()).isTrue();
  }

  /** The messages that are, at this moment, neither delivered nor put aside. */
  Set<String> missing() {
    Set<String> missing = new HashSet<>(pipeline.acceptedIds());
    pipeline.api.deliveries().stream().map(ApiCall::messageId).forEach(missing::remove);
    if (!missing.isEmpty()) {
      missing.removeAll(deadLetters());
    }
    return missing;
  }

  private int waiting() {
    return pipeline.depth(pipeline.entry.url()) + pipeline.depth(pipeline.workflow.url());
  }

  /**
   * The ids of all messages that were put aside so far, by whomever. They are taken from their
   * queues: of a group of a FIFO queue, nothing is handed out while one of it is in flight.
   */
  Set<String> deadLetters() {
    take(pipeline.entry.deadLetterUrl());
    take(pipeline.workflow.deadLetterUrl());
    return deadLetters;
  }

  private void take(String queue) {
    for (List<Message> some = receive(queue); !some.isEmpty(); some = receive(queue)) {
      for (Message each : some) {
        deadLetters.add(PayloadCodec.decodeEither(each.body()).messageId());
        pipeline.client.deleteMessage(
            request -> request.queueUrl(queue).receiptHandle(each.receiptHandle()));
      }
    }
  }

  private List<Message> receive(String queue) {
    return pipeline
        .client
        .receiveMessage(request -> request.queueUrl(queue).maxNumberOfMessages(10))
        .messages();
  }

  void nothingIsDeadLettered() {
    assertThat(deadLetters()).as("dead letters").isEmpty();
  }

  /** I2: no window as the API saw it holds more calls than the limit allows. */
  void noWindowIsOverTheLimit() {
    pipeline.api.checkLimit(pipeline.limit.permits(), pipeline.limit.window());
  }

  /** I3: no message was delivered twice. */
  void nothingIsDeliveredTwice() {
    assertThat(pipeline.api.duplicates()).as("delivered more than once").isEmpty();
  }

  /** I4: the whole took hardly longer than the limit makes it. */
  void noPermitIsWasted(Duration startUp) {
    int calls = pipeline.api.calls().size();
    int windows = (calls + pipeline.limit.permits() - 1) / pipeline.limit.permits() - 1;
    Duration ideal = pipeline.limit.window().plus(Pipeline.GUARD).multipliedBy(windows);
    Duration allowed = ideal.plus(ideal.dividedBy(100)).plus(startUp);
    System.out.printf(
        "%d calls in %.2f s, ideal %.2f s%n",
        calls, pipeline.api.span().toMillis() / 1e3, ideal.toMillis() / 1e3);
    assertThat(pipeline.api.span())
        .as("from first to last of %d calls", calls)
        .isLessThanOrEqualTo(allowed);
  }

  /** I4: no message was received by the gate more often than that. */
  void nothingIsReceivedMoreOftenThan(int times) {
    Map<String, Integer> receives = new HashMap<>();
    for (LocalEventSource source : pipeline.eventSources()) {
      source.receives().forEach((id, count) -> receives.merge(id, count, Integer::sum));
    }
    assertThat(receives.values().stream().filter(count -> count > times).toList())
        .as("receives of messages that were received more than %d times", times)
        .isEmpty();
  }

  /** I5: each creator's messages were delivered in the order in which the queue accepted them. */
  void orderIsKept() {
    Set<String> creators = new HashSet<>();
    pipeline.api.deliveries().forEach(call -> creators.add(call.creatorId()));
    List<String> faults = new ArrayList<>();
    for (String creator : creators) {
      faults.addAll(
          pipeline.forwardings.overtakings(
              creator, pipeline.api.order(creator).stream().distinct().toList()));
    }
    assertThat(faults).as("overtakings").isEmpty();
    assertThat(pipeline.forwardings.orderedPairs()).as("pairs of a known order").isPositive();
  }

  /** Every invariant of a run without faults. */
  void everythingHolds() {
    noWindowIsOverTheLimit();
    nothingIsDeliveredTwice();
    nothingIsDeadLettered();
    nothingIsReceivedMoreOftenThan(2);
    orderIsKept();
  }
}
