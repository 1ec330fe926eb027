package com.huntaze.ratelimiter.cloudwatch;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.Priority;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes what happens to messages as lines of the log from which CloudWatch takes metrics: the
 * embedded metric format, for containers whose output goes to CloudWatch Logs and for Lambda. No
 * call is made, and no permission needed. Names and dimensions are those of {@link
 * CloudWatchMetricsSink}.
 *
 * <p>Given to a client, dispatcher or worker, and closed after it. Thread-safe. Events are counted
 * in memory and cost their callers far less than a microsecond. A daemon thread writes a line for
 * the metrics without priority and one for each priority, every {@link Builder#flushInterval}; a
 * function sets that to zero, and calls {@link #flush()} at the end of an invocation. Percentiles
 * are within 1 %, sums exact.
 *
 * <p><b>Failure:</b> none reaches a caller. Lines that cannot be written are given up and counted
 * as {@code MetricsDropped}, and the log says so once until one can be written again. CloudWatch
 * Logs takes lines at least once: a line may count twice.
 */
public final class EmfMetricsSink implements MetricsSink, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(EmfMetricsSink.class);

  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

  private final Recorder recorder = new Recorder();
  private final ReentrantLock turn = new ReentrantLock();
  private final EmfLines lines;
  private final OutputStream output;
  private final InstantSource clock;
  private final @Nullable FlushThread thread;

  private Instant intervalStart;
  private long dropped;
  private boolean failing;
  private volatile boolean closed;

  private EmfMetricsSink(Builder builder, String environment) {
    this.lines = new EmfLines(environment);
    this.output = builder.output;
    this.clock = builder.clock;
    this.intervalStart = clock.instant();
    Duration interval = builder.flushInterval;
    this.thread = interval.isZero() ? null : thread(interval);
  }

  private FlushThread thread(Duration interval) {
    return new FlushThread(
        "ratelimiter-emf",
        interval,
        () -> {
          flush();
          return interval.toNanos();
        },
        this::flush);
  }

  /** {@return a builder; an environment is required} */
  public static Builder builder() {
    return new Builder();
  }

  /** Counts a value in memory. After the sink was closed it does nothing. */
  @Override
  public void record(MetricName name, @Nullable Priority priority, double value) {
    if (!closed) {
      recorder.record(name, priority, value);
    }
  }

  /**
   * Writes what was recorded since the last time, on the caller's thread. Nothing recorded, nothing
   * written.
   */
  public void flush() {
    turn.lock();
    try {
      Instant now = clock.instant();
      // A function may be frozen for days between two invocations, which are no interval.
      Instant start = thread == null ? now : intervalStart;
      intervalStart = now;
      Cells cells = recorder.drain();
      dropped += recorder.drainDropped();
      long known = dropped;
      if (known > 0) {
        cells.add(MetricName.METRICS_DROPPED, null, (double) known);
      }
      if (write(lines.of(start, cells))) {
        dropped -= known;
      } else {
        dropped += cells.events() - (known > 0 ? 1 : 0);
      }
    } finally {
      turn.unlock();
    }
  }

  private boolean write(List<byte[]> written) {
    try {
      for (byte[] line : written) {
        output.write(line); // one write a line, or another's output may come between
      }
      output.flush();
      failing = false;
      return true;
    } catch (IOException | RuntimeException | Error e) {
      if (!failing) {
        failing = true;
        log.warn(
            "Metrics cannot be written: {}; they are given up and counted as {}, sends go on",
            e.getClass().getName(),
            MetricName.METRICS_DROPPED.wireName());
      }
      return false;
    }
  }

  /**
   * Writes what was recorded and ends the thread, within 5 s. The output stays the caller's to
   * close. Idempotent.
   */
  @Override
  public void close() {
    boolean first = !closed;
    closed = true;
    if (thread == null) {
      if (first) {
        flush();
      }
    } else if (!thread.end(CLOSE_TIMEOUT)) {
      log.warn("The metrics' last lines were not written within {}", CLOSE_TIMEOUT);
    }
  }

  /** Sets up an {@link EmfMetricsSink}. Not thread-safe. */
  public static final class Builder {
    private @Nullable String environment;
    private OutputStream output = StandardOut.STREAM;
    private Duration flushInterval = Duration.ofSeconds(60);
    private InstantSource clock = InstantSource.system();

    private Builder() {}

    /**
     * The value of the dimension {@code Environment}. Required.
     *
     * @param environment such as {@code production}
     * @return this builder
     * @throws IllegalArgumentException if CloudWatch takes no such value
     */
    public Builder environment(String environment) {
      this.environment = Dimensions.checkEnvironment(environment);
      return this;
    }

    /**
     * Where the lines go; each is one call of {@code write}. Default: what {@link System#out} is
     * then, which keeps its faults to itself: what it cannot write is not counted as dropped.
     *
     * @param output the stream; not closed by the sink
     * @return this builder
     */
    public Builder output(OutputStream output) {
      this.output = requireNonNull(output, "output");
      return this;
    }

    /**
     * How often lines are written. Default 60 s. Zero: only by {@link EmfMetricsSink#flush()} and
     * in the end, without a thread.
     *
     * @param interval zero, or from a second to a day
     * @return this builder
     * @throws IllegalArgumentException if it is anything else
     */
    public Builder flushInterval(Duration interval) {
      this.flushInterval =
          interval.isZero()
              ? interval
              : Durations.between(Duration.ofSeconds(1), interval, "flushInterval");
      return this;
    }

    /**
     * The wall clock, for the lines' timestamps. Default: the system's.
     *
     * @param clock the clock
     * @return this builder
     */
    public Builder clock(InstantSource clock) {
      this.clock = requireNonNull(clock, "clock");
      return this;
    }

    /**
     * {@return the sink; its thread, if it has one, runs until it is closed}
     *
     * @throws IllegalStateException if no environment was set
     */
    public EmfMetricsSink build() {
      if (environment == null) {
        throw new IllegalStateException("environment must be set: it is in every metric");
      }
      return new EmfMetricsSink(this, environment);
    }
  }
}
