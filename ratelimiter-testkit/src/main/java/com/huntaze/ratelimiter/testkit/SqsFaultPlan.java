package com.huntaze.ratelimiter.testkit;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Which calls of SQS fail, and how. Thread-safe. */
final class SqsFaultPlan {
  private record Next(SqsFault fault, Set<String> actions) {}

  private record Share(
      double share, SplittableRandom random, List<SqsFault> faults, Set<String> actions) {}

  private final List<Next> next = new ArrayList<>();
  private @Nullable Share share;

  synchronized void failNext(int calls, SqsFault fault, Set<String> actions) {
    for (int i = 0; i < calls; i++) {
      next.add(new Next(fault, actions));
    }
  }

  synchronized void failShare(
      double newShare, long seed, List<SqsFault> faults, Set<String> actions) {
    share = new Share(newShare, new SplittableRandom(seed), faults, actions);
  }

  synchronized void heal() {
    next.clear();
    share = null;
  }

  /** The fault for a call, used up if it was one of the next. */
  synchronized Optional<SqsFault> take(String action) {
    for (Iterator<Next> each = next.iterator(); each.hasNext(); ) {
      Next planned = each.next();
      if (concerns(planned.actions, action)) {
        each.remove();
        return Optional.of(planned.fault);
      }
    }
    if (share == null
        || !concerns(share.actions, action)
        || share.random.nextDouble() >= share.share) {
      return Optional.empty();
    }
    return Optional.of(share.faults.get(share.random.nextInt(share.faults.size())));
  }

  private static boolean concerns(Set<String> actions, String action) {
    return actions.isEmpty() || actions.contains(action);
  }
}
