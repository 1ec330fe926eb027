package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.RateLimitGate;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.testkit.ManualTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/**
 * Gate and edge on a clock that the tests move: what takes a day takes seconds. The parts are those
 * in memory; the worker is a loop, since a real one waits in real time.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class VirtualPipelineTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration GUARD = Duration.ofMillis(250);
  private static final Duration STEP = Duration.ofMillis(250);
  private static final RateLimit TEN = RateLimit.rolling(10, MINUTE);

  /** The hour of the day in which the worker does nothing, while the gate goes on. */
  private static final int WORKER_STOPPED_AT = 5;

  private static final int INVOCATIONS = 2;
  private static final int IN_HAND = 200;

  private record Call(long nanos, String messageId, String creator) {}

  private final ManualTime time = new ManualTime();
  private final InMemoryQueue entry = new InMemoryQueue(20_000, time);
  private final InMemoryQueue workflow = new InMemoryQueue(20_000, time);
  private final Map<String, Integer> receives = new HashMap<>();
  private final Map<String, Deque<ReceivedMessage>> inHand = new LinkedHashMap<>();
  private final List<Call> calls = new ArrayList<>();
  private int sent;

  private InMemoryTokenBucket.Builder bucket(RateLimit global) {
    return InMemoryTokenBucket.builder(global).guard(GUARD).clock(time).ticker(time);
  }

  private void send(int count, int creators) {
    for (int i = 0; i < count; i++) {
      entry.send(
          OutboundMessage.builder("m" + sent, "agency", Instant.EPOCH)
              .creatorId("creator_" + sent % creators)
              .recipientId("fan_" + sent)
              .content("Hi")
              .build());
      sent++;
    }
  }

  /** What the event source does in a moment: batches of ten, and deletes what was forwarded. */
  private void invoke(RateLimitGate gate) {
    for (int i = 0; i < INVOCATIONS; i++) {
      List<ReceivedMessage> batch = entry.receive(10, Duration.ZERO);
      if (batch.isEmpty()) {
        return;
      }
      batch.forEach(each -> receives.merge(id(each), 1, Integer::sum));
      List<RateLimitGate.Outcome> outcomes = gate.process(batch);
      for (int k = 0; k < batch.size(); k++) {
        if (outcomes.get(k) == RateLimitGate.Outcome.FORWARDED) {
          entry.delete(batch.get(k));
        }
      }
    }
  }

  /** What the worker does in a moment: a creator's messages in order, each with a permit. */
  private void work(TokenBucket edge) {
    int held = inHand.values().stream().mapToInt(Deque::size).sum();
    while (held < IN_HAND) {
      List<ReceivedMessage> some = workflow.receive(10, Duration.ZERO);
      if (some.isEmpty()) {
        break;
      }
      for (ReceivedMessage each : some) {
        workflow.changeVisibility(each, MessageSource.MAX_VISIBILITY);
        inHand
            .computeIfAbsent(
                each.message().orElseThrow().creator(), any -> new ArrayDeque<ReceivedMessage>())
            .add(each);
        held++;
      }
    }
    inHand.forEach(
        (creator, waiting) -> {
          while (!waiting.isEmpty() && isGranted(edge, id(waiting.peek()), creator)) {
            ReceivedMessage next = waiting.remove();
            calls.add(new Call(time.nanos(), id(next), creator));
            workflow.delete(next);
          }
        });
  }

  private static boolean isGranted(TokenBucket edge, String id, String creator) {
    PermitRequest request = PermitRequest.of(id + "#1", Scope.global(), Scope.creator(creator));
    return edge.tryAcquire(request) instanceof Permit.Granted granted && granted.delay().isZero();
  }

  private static String id(ReceivedMessage received) {
    return received.message().orElseThrow().messageId();
  }

  /** The most calls of some kind in any window, a half-open one, as the API counts. */
  private int fullestMinute(Predicate<Call> which) {
    Deque<Long> window = new ArrayDeque<>();
    int most = 0;
    for (Call call : calls) {
      if (which.test(call)) {
        window.add(call.nanos());
        while (call.nanos() - window.element() >= MINUTE.toNanos()) {
          window.remove();
        }
        most = Math.max(most, window.size());
      }
    }
    return most;
  }

  private Duration span() {
    return Duration.ofNanos(calls.get(calls.size() - 1).nanos() - calls.get(0).nanos());
  }

  private void assertEachOnceAndInOrder() {
    assertThat(calls.stream().map(Call::messageId).distinct()).hasSize(sent);
    assertThat(calls).hasSize(sent);
    Map<String, Integer> last = new HashMap<>();
    for (Call call : calls) {
      int number = Integer.parseInt(call.messageId().substring(1));
      assertThat(last.getOrDefault(call.creator(), -1)).as(call.creator()).isLessThan(number);
      last.put(call.creator(), number);
    }
  }

  @Test
  void a_day_at_ten_a_minute_delivers_each_once_and_wastes_nothing_but_the_workers_hour() {
    RateLimitGate gate = gate(bucket(TEN).freshFor(Duration.ofMinutes(15)).build());
    TokenBucket edge = bucket(TEN).build();
    long start = time.nanos();
    int hours = 0;
    while (calls.size() < 24 * 600) {
      if (time.nanos() - start >= Duration.ofHours(hours).toNanos() && hours < 24) {
        send(600, 4); // at once, what an hour takes
        hours++;
      }
      invoke(gate);
      if (Duration.ofNanos(time.nanos() - start).toHours() != WORKER_STOPPED_AT) {
        work(edge);
      }
      time.advance(STEP);
      assertThat(time.nanos() - start)
          .as("the day ends")
          .isLessThan(Duration.ofHours(26).toNanos());
    }

    assertThat(fullestMinute(call -> true)).isEqualTo(10);
    assertEachOnceAndInOrder();
    assertThat(receives.values()).as("receives by the gate").allMatch(count -> count <= 2);
    Duration ideal = MINUTE.plus(GUARD).multipliedBy(24 * 60 - 1);
    System.out.printf("%d calls in %s of virtual time, ideal %s%n", calls.size(), span(), ideal);
    assertThat(span())
        .isLessThanOrEqualTo(ideal.plus(ideal.dividedBy(100)).plus(Duration.ofHours(1)));
  }

  @Test
  void a_thousand_of_ten_creators_with_a_limit_each_take_ten_minutes() {
    RateLimit all = RateLimit.rolling(1_000, MINUTE);
    RateLimitGate gate =
        gate(bucket(all).limit(Scope.Kind.CREATOR, TEN).freshFor(Duration.ofMinutes(15)).build());
    TokenBucket edge = bucket(all).limit(Scope.Kind.CREATOR, TEN).build();
    send(1_000, 10);
    long start = time.nanos();
    while (calls.size() < 1_000) {
      invoke(gate);
      work(edge);
      time.advance(STEP);
      assertThat(time.nanos() - start).as("it ends").isLessThan(Duration.ofMinutes(20).toNanos());
    }

    assertThat(span()).isLessThan(Duration.ofMinutes(10));
    for (int i = 0; i < 10; i++) {
      String creator = "creator_" + i;
      assertThat(fullestMinute(call -> call.creator().equals(creator))).isEqualTo(10);
    }
    assertThat(fullestMinute(call -> true)).isEqualTo(100);
    assertEachOnceAndInOrder();
    assertThat(receives.values()).as("receives by the gate").allMatch(count -> count <= 2);
    System.out.printf("1,000 of ten creators in %s of virtual time%n", span());
  }

  private RateLimitGate gate(TokenBucket bucket) {
    return RateLimitGate.builder(bucket, entry, workflow).ticker(time).build();
  }
}
