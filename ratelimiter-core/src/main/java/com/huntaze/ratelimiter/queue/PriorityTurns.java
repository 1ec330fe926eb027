package com.huntaze.ratelimiter.queue;

import static java.util.Objects.requireNonNull;

import java.util.EnumMap;
import java.util.Map;
import java.util.Set;

/**
 * Gives out turns to priorities by their {@linkplain Priority#weight weights}, evenly spread: high
 * overtakes low, and low never starves. For sources and dispatchers. Not thread-safe.
 */
public final class PriorityTurns {
  private final Map<Priority, Integer> credit = new EnumMap<>(Priority.class);

  /** Turns of which none was given out yet. */
  public PriorityTurns() {}

  /**
   * Gives out the next turn. Those that are not ready gather no claim to later ones.
   *
   * @param ready the priorities that have something to do, one or more
   * @return whose turn it is
   */
  public Priority next(Set<Priority> ready) {
    Priority picked = null;
    int weights = 0;
    int most = 0;
    for (Priority priority : Priority.values()) {
      if (ready.contains(priority)) {
        weights += priority.weight();
        int turn = requireNonNull(credit.merge(priority, priority.weight(), Integer::sum));
        if (picked == null || turn > most) {
          picked = priority;
          most = turn;
        }
      }
    }
    if (picked == null) {
      throw new IllegalArgumentException("ready must name a priority, was empty");
    }
    credit.put(picked, most - weights);
    return picked;
  }

  /**
   * Forgets what a priority was given, since it had nothing to do with it.
   *
   * @param priority what was found without work
   */
  public void idle(Priority priority) {
    credit.remove(priority);
  }
}
