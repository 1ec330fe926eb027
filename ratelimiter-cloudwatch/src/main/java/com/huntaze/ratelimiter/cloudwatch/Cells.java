package com.huntaze.ratelimiter.cloudwatch;

import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.queue.Priority;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The values of all metrics, by name and priority. For one thread. */
final class Cells {
  private final Map<MetricName, Distribution> withoutPriority = new EnumMap<>(MetricName.class);
  private final Map<Priority, Map<MetricName, Distribution>> byPriority =
      new EnumMap<>(Priority.class);

  Cells() {
    for (Priority priority : Priority.values()) {
      byPriority.put(priority, new EnumMap<>(MetricName.class));
    }
  }

  void add(MetricName name, @Nullable Priority priority, double value) {
    in(of(priority), name).add(value);
  }

  void addAll(Cells other) {
    addAll(withoutPriority, other.withoutPriority);
    byPriority.forEach((priority, cells) -> addAll(cells, other.of(priority)));
  }

  private static void addAll(
      Map<MetricName, Distribution> cells, Map<MetricName, Distribution> more) {
    more.forEach((name, cell) -> in(cells, name).addAll(cell));
  }

  private static Distribution in(Map<MetricName, Distribution> cells, MetricName name) {
    Distribution cell = cells.get(name);
    if (cell == null) { // computeIfAbsent looks twice
      cell = new Distribution();
      cells.put(name, cell);
    }
    return cell;
  }

  /** {@return what was recorded with this very priority, or without any} */
  Map<MetricName, Distribution> of(@Nullable Priority priority) {
    return priority == null
        ? withoutPriority
        : byPriority.getOrDefault(priority, withoutPriority); // all are there
  }

  /** {@return what was recorded with any priority and without; null if nothing was} */
  @Nullable Distribution rollUp(MetricName name) {
    List<Distribution> all = new ArrayList<>();
    addTo(all, withoutPriority.get(name));
    byPriority.values().forEach(cells -> addTo(all, cells.get(name)));
    if (all.size() <= 1) {
      return all.isEmpty() ? null : all.get(0);
    }
    Distribution sum = new Distribution();
    all.forEach(sum::addAll);
    return sum;
  }

  private static void addTo(List<Distribution> all, @Nullable Distribution cell) {
    if (cell != null) {
      all.add(cell);
    }
  }

  /** {@return how many values there are} */
  long events() {
    long sum = 0;
    for (Distribution cell : withoutPriority.values()) {
      sum += cell.events();
    }
    for (Map<MetricName, Distribution> cells : byPriority.values()) {
      for (Distribution cell : cells.values()) {
        sum += cell.events();
      }
    }
    return sum;
  }
}
