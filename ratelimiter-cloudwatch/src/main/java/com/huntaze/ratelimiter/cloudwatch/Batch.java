package com.huntaze.ratelimiter.cloudwatch;

import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.queue.Priority;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** What goes into one request: at most 999 data and 900,000 bytes before compression. */
record Batch(Instant timestamp, List<Series> series) {
  static final int MOST_VALUES = 150;

  /** One less than CloudWatch takes, for the count of what was dropped. */
  static final int MOST_SERIES = 999;

  /** CloudWatch takes 1 MB. */
  static final int MOST_BYTES = 900_000;

  private static final int BYTES_OF_DATUM = 512; // names, dimensions of 255 characters, timestamp
  private static final int BYTES_OF_VALUE = 18; // value and count, by CBOR
  private static final int HEAP_OF_SERIES = 96;
  private static final int HEAP_OF_VALUE = 16;

  /** An interval's batches. A metric's data stay together; without any data there is no batch. */
  static List<Batch> of(Instant timestamp, Cells cells) {
    List<Batch> batches = new ArrayList<>();
    List<Series> current = new ArrayList<>();
    int bytes = 0;
    for (MetricName name : MetricName.values()) {
      List<Series> next = series(name, cells);
      int more = next.stream().mapToInt(Batch::bytesSent).sum();
      if (current.size() + next.size() > MOST_SERIES || bytes + more > MOST_BYTES) {
        batches.add(new Batch(timestamp, current));
        current = new ArrayList<>();
        bytes = 0;
      }
      current.addAll(next);
      bytes += more;
    }
    if (!current.isEmpty()) {
      batches.add(new Batch(timestamp, current));
    }
    return batches;
  }

  private static List<Series> series(MetricName name, Cells cells) {
    List<Series> series = new ArrayList<>();
    Distribution all = cells.rollUp(name);
    if (all != null) {
      series.addAll(Series.of(name, null, all, MOST_VALUES));
    }
    for (Priority priority : Priority.values()) {
      Distribution some = cells.of(priority).get(name);
      if (some != null) {
        series.addAll(Series.of(name, priority, some, MOST_VALUES));
      }
    }
    return series;
  }

  private static int bytesSent(Series series) {
    return BYTES_OF_DATUM + BYTES_OF_VALUE * series.size();
  }

  /** {@return how often its metrics were recorded, each time once} */
  long events() {
    return series.stream().filter(each -> each.priority() == null).mapToLong(Series::events).sum();
  }

  /** {@return about the memory it takes} */
  long heapBytes() {
    return series.stream()
        .mapToLong(each -> HEAP_OF_SERIES + (long) HEAP_OF_VALUE * each.size())
        .sum();
  }
}
