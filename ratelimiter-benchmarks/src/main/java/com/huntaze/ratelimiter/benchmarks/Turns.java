package com.huntaze.ratelimiter.benchmarks;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * What a call costs that is small beside its round trip: one thread calls the contestants in turns
 * of a few calls each, so that whatever else the machine does strikes all of them. For one thread.
 */
final class Turns {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final int turn;
  private final List<Contestant> contestants = new ArrayList<>();

  /**
   * Sets up without contestants.
   *
   * @param turn how many calls a turn has
   */
  Turns(int turn) {
    this.turn = turn;
  }

  /** What a contestant's calls cost, a figure a round. */
  static final class Cost {
    final Samples medianMicros = new Samples();
    final Samples meanMicros = new Samples();
    final Samples p99Micros = new Samples();

    /** What the calling thread allocated, a call. */
    final Samples bytes = new Samples();

    /** The processor's time that the calling thread used, a call. */
    final Samples cpuMicros = new Samples();
  }

  private static final class Contestant {
    private final String name;
    private final Callable<?> call;
    private final Cost cost = new Cost();
    private final Histogram nanos = new Histogram(3);
    private long sum;
    private long bytes;
    private long cpuNanos;

    private Contestant(String name, Callable<?> call) {
      this.name = name;
      this.call = call;
    }

    private void turn(int calls) throws Exception {
      long allocated = THREADS.getCurrentThreadAllocatedBytes();
      long cpu = THREADS.getCurrentThreadCpuTime();
      for (int i = 0; i < calls; i++) {
        long start = System.nanoTime();
        call.call();
        long took = System.nanoTime() - start;
        nanos.recordValue(took);
        sum += took;
      }
      cpuNanos += THREADS.getCurrentThreadCpuTime() - cpu;
      bytes += THREADS.getCurrentThreadAllocatedBytes() - allocated;
    }

    private void endRound() {
      double calls = nanos.getTotalCount();
      cost.medianMicros.add(nanos.getValueAtPercentile(50) / 1e3);
      cost.p99Micros.add(nanos.getValueAtPercentile(99) / 1e3);
      cost.meanMicros.add(sum / calls / 1e3);
      cost.bytes.add(bytes / calls);
      cost.cpuMicros.add(cpuNanos / calls / 1e3);
      forget();
    }

    private void forget() {
      nanos.reset();
      sum = 0;
      bytes = 0;
      cpuNanos = 0;
    }
  }

  Turns add(String name, Callable<?> call) {
    contestants.add(new Contestant(name, call));
    return this;
  }

  /** Has every contestant called so often, and counts nothing. */
  void warmUp(int calls) throws Exception {
    for (Contestant each : contestants) {
      each.turn(calls);
    }
  }

  /** Warms up with one round that is not counted. */
  Map<String, Cost> run(int rounds, double seconds, double warmUpSeconds, Runnable afterRound)
      throws Exception {
    round(warmUpSeconds);
    contestants.forEach(Contestant::forget);
    afterRound.run();
    for (int round = 0; round < rounds; round++) {
      round(seconds);
      contestants.forEach(Contestant::endRound);
      afterRound.run();
    }
    Map<String, Cost> costs = new LinkedHashMap<>();
    contestants.forEach(each -> costs.put(each.name, each.cost));
    return costs;
  }

  private void round(double seconds) throws Exception {
    List<Contestant> order = new ArrayList<>(contestants);
    long end =
        System.nanoTime() + (long) (seconds * contestants.size() * TimeUnit.SECONDS.toNanos(1));
    while (System.nanoTime() < end) {
      for (Contestant each : order) {
        each.turn(turn);
      }
      Collections.shuffle(order); // Or one would always come behind the same other.
    }
  }
}
