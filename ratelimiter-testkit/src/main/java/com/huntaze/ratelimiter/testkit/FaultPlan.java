package com.huntaze.ratelimiter.testkit;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** Which calls of the fake API fail, and how. Guarded by the lock of the {@link CallLog}. */
final class FaultPlan {
  private final Deque<ApiFault> next = new ArrayDeque<>();
  private final List<Rule> rules = new ArrayList<>();

  void failNext(int calls, ApiFault fault) {
    for (int i = 0; i < calls; i++) {
      next.addLast(fault);
    }
  }

  void failWhen(Predicate<ApiCall> which, ApiFault fault) {
    rules.add(new Rule(which, fault));
  }

  void heal() {
    next.clear();
    rules.clear();
  }

  /** The fault for this call, used up if it was one of the next. */
  Optional<Answer> answer(ApiCall call) {
    ApiFault fault = next.pollFirst();
    if (fault != null) {
      return Optional.of(fault.answer());
    }
    return rules.stream()
        .filter(rule -> rule.which().test(call))
        .findFirst()
        .map(rule -> rule.fault().answer());
  }

  private record Rule(Predicate<ApiCall> which, ApiFault fault) {}
}
