package com.huntaze.ratelimiter.testkit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Everything the fake API saw, and what it decides about the next arrival. Thread-safe. */
final class CallLog {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final List<ApiCall> calls = new ArrayList<>();
  private final List<ApiCall> deliveries = new ArrayList<>();
  private final Map<String, String> bodies = new HashMap<>();
  private final Set<String> duplicates = new LinkedHashSet<>();
  private final List<String> unexpected = new ArrayList<>();
  private final FaultPlan faults = new FaultPlan();
  private final RollingWindow limit;

  CallLog(RollingWindow limit) {
    this.limit = limit;
  }

  /** A call as it was recorded, and what is to be done with it. */
  record Arrival(ApiCall call, Answer answer) {}

  /**
   * Records a call and decides about it, in one step: decisions follow the order of arrival.
   *
   * @param nanos when it arrived, taken before the lock was asked for. Threads may get the lock in
   *     another order, so the log keeps its times from running backwards
   */
  Arrival arrive(
      long nanos,
      String messageId,
      String creatorId,
      String recipientId,
      Optional<String> traceparent) {
    return locked(
        () -> {
          long last = calls.isEmpty() ? nanos : calls.get(calls.size() - 1).arrivalNanos();
          long arrival = nanos - last < 0 ? last : nanos;
          ApiCall call =
              new ApiCall(
                  calls.size(), arrival, messageId, creatorId, recipientId, 200, traceparent);
          Answer answer =
              limit.arrive(arrival).map(Answer::tooManyRequests).orElseGet(() -> decide(call));
          ApiCall recorded = call.answered(answer.status());
          calls.add(recorded);
          changed.signalAll();
          return new Arrival(recorded, answer);
        });
  }

  private Answer decide(ApiCall call) {
    if (call.messageId().isEmpty()) {
      return Answer.refused(400);
    }
    return faults.answer(call).orElse(Answer.DELIVERED);
  }

  void deliver(ApiCall call, String body) {
    lock.lock();
    try {
      deliveries.add(call);
      if (bodies.put(call.messageId(), body) != null) {
        duplicates.add(call.messageId());
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  void unexpected(String request) {
    lock.lock();
    try {
      unexpected.add(request);
    } finally {
      lock.unlock();
    }
  }

  void plan(Consumer<FaultPlan> change) {
    lock.lock();
    try {
      change.accept(faults);
    } finally {
      lock.unlock();
    }
  }

  boolean awaitDeliveries(int messages, Duration timeout) {
    return await(() -> bodies.size() >= messages, timeout);
  }

  boolean awaitCalls(int count, Duration timeout) {
    return await(() -> calls.size() >= count, timeout);
  }

  private boolean await(BooleanSupplier reached, Duration timeout) {
    long left = timeout.toNanos();
    lock.lock();
    try {
      while (!reached.getAsBoolean()) {
        if (left <= 0) {
          return false;
        }
        left = changed.awaitNanos(left);
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }

  List<ApiCall> calls() {
    return locked(() -> List.copyOf(calls));
  }

  List<ApiCall> deliveries() {
    return locked(() -> List.copyOf(deliveries));
  }

  List<String> duplicates() {
    return locked(() -> List.copyOf(duplicates));
  }

  List<String> unexpected() {
    return locked(() -> List.copyOf(unexpected));
  }

  Optional<String> body(String messageId) {
    return locked(() -> Optional.ofNullable(bodies.get(messageId)));
  }

  private <T> T locked(Supplier<T> question) {
    lock.lock();
    try {
      return question.get();
    } finally {
      lock.unlock();
    }
  }
}
