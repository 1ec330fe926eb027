package com.huntaze.ratelimiter.cloudwatch;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.Priority;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.SplittableRandom;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;

/**
 * Publishes what happens to messages in Amazon CloudWatch, under the names of {@link MetricName}
 * and the dimension {@code Environment}; where an event has a priority, under {@code Environment}
 * and {@code Priority} too.
 *
 * <p>Given to a client, dispatcher or worker, and closed after it. Thread-safe. Whoever reports an
 * event adds to a histogram in memory, which takes far less than a microsecond and waits for
 * nobody; a daemon thread sends the histograms every {@link Builder#flushInterval}. Percentiles are
 * within 1 %, sums exact. An interval is one {@code PutMetricData} for each 999 data or 900,000
 * bytes, timed at its start.
 *
 * <p>The AWS client stays the caller's to close. It compresses requests of more than 10 KiB unless
 * it is told not to. Its own retries come on top of this class's, within {@link
 * Builder#requestTimeout}; they are best left off. Its role needs {@code cloudwatch:PutMetricData}.
 *
 * <p><b>Failure:</b> none reaches a caller. While CloudWatch is down, slow, or refuses the caller,
 * intervals are kept up to {@link Builder#maxBufferedBytes} and two weeks; the oldest go first.
 * What CloudWatch finds invalid, such as a time that is two weeks off, is given up at once. What is
 * given up is counted as {@code MetricsDropped}. Each change is one line of the log. A request that
 * was taken and whose answer was lost is sent again, and counts twice. What was not sent when a
 * process is killed is lost.
 */
public final class CloudWatchMetricsSink implements MetricsSink, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CloudWatchMetricsSink.class);

  private static final int MOST_DOUBLINGS = 10;

  private final Recorder recorder = new Recorder();
  private final ReentrantLock turn = new ReentrantLock();
  private final Backlog backlog;
  private final Publisher publisher;
  private final Duration flushInterval;
  private final Duration requestTimeout;
  private final Duration closeTimeout;
  private final Duration firstRetry;
  private final InstantSource clock;
  private final Ticker ticker;
  private final RandomGenerator random;
  private final FlushThread thread;

  private Instant intervalStart;
  private long intervalEnd;
  private int failures;
  private volatile boolean closed;

  /** By the ticker; counts once it is closed. */
  private volatile long closeDeadline;

  private CloudWatchMetricsSink(Builder builder, String environment) {
    this.backlog = new Backlog(builder.maxBufferedBytes);
    this.flushInterval = builder.flushInterval;
    this.requestTimeout = builder.requestTimeout;
    this.closeTimeout = builder.closeTimeout;
    this.firstRetry = builder.firstRetry;
    this.clock = builder.clock;
    this.ticker = builder.ticker;
    this.random = builder.random;
    this.publisher = new Publisher(builder.client, new Requests(environment), backlog, clock);
    this.intervalStart = clock.instant();
    this.intervalEnd = ticker.nanos() + flushInterval.toNanos();
    this.thread =
        new FlushThread("ratelimiter-cloudwatch", flushInterval, this::step, this::publishLast);
  }

  /**
   * Starts a sink.
   *
   * @param client the client of CloudWatch; not closed by the sink
   * @return a builder; an environment is required
   */
  public static Builder builder(CloudWatchClient client) {
    return new Builder(client);
  }

  /** Counts a value in memory. After the sink was closed it does nothing. */
  @Override
  public void record(MetricName name, @Nullable Priority priority, double value) {
    if (!closed) {
      recorder.record(name, priority, value);
    }
  }

  /**
   * Sends what was recorded so far, on the caller's thread and in its turn, without waiting for the
   * interval's end.
   *
   * @return whether CloudWatch took all there was
   */
  public boolean flush() {
    turn.lock();
    try {
      endInterval();
      return publisher.publish(this::timeLeft) == Health.WELL;
    } finally {
      turn.unlock();
    }
  }

  /**
   * Sends what was recorded and ends the thread, within {@link Builder#closeTimeout}. What is left
   * then is lost, and the log says how much. A call that hangs ends by itself, no later than its
   * time-out. Idempotent.
   */
  @Override
  public void close() {
    synchronized (thread) {
      if (!closed) {
        closeDeadline = ticker.nanos() + closeTimeout.toNanos();
        closed = true;
      }
    }
    if (!thread.end(closeTimeout)) {
      log.warn("The metrics' last request did not end within {}; it is left alone", closeTimeout);
    }
  }

  /** What the thread does each time it wakes up. */
  long step() {
    turn.lock();
    try {
      if (ticker.nanos() - intervalEnd >= 0) {
        endInterval();
        intervalEnd = ticker.nanos() + flushInterval.toNanos();
      }
      Health health = publisher.publish(this::timeLeft);
      failures = health == Health.DOWN ? Math.min(failures + 1, MOST_DOUBLINGS) : 0;
      long left = Math.max(0, intervalEnd - ticker.nanos());
      return health == Health.DOWN ? Math.min(left, pause()) : left;
    } finally {
      turn.unlock();
    }
  }

  /** Anything up to a time that doubles with each failure in a row. */
  private long pause() {
    return random.nextLong(1, firstRetry.toNanos() << failures);
  }

  private void publishLast() {
    turn.lock();
    try {
      endInterval();
      publisher.publish(this::timeLeft);
      if (backlog.events() > 0) {
        log.warn("{} values of metrics were not sent before the end", backlog.events());
      }
    } finally {
      turn.unlock();
    }
  }

  private void endInterval() {
    Instant start = intervalStart;
    intervalStart = clock.instant();
    Batch.of(start, recorder.drain()).forEach(backlog::add);
    backlog.drop(recorder.drainDropped());
  }

  private Duration timeLeft() {
    Duration left = closed ? Duration.ofNanos(closeDeadline - ticker.nanos()) : requestTimeout;
    return left.compareTo(requestTimeout) < 0 ? left : requestTimeout;
  }

  /** About the memory that waiting intervals take. */
  long bufferedBytes() {
    turn.lock();
    try {
      return backlog.heapBytes();
    } finally {
      turn.unlock();
    }
  }

  /** Sets up a {@link CloudWatchMetricsSink}. Not thread-safe. */
  public static final class Builder {
    private static final int LEAST_BYTES = 1 << 20;

    private final CloudWatchClient client;
    private @Nullable String environment;
    private Duration flushInterval = Duration.ofSeconds(60);
    private Duration requestTimeout = Duration.ofSeconds(5);
    private Duration closeTimeout = Duration.ofSeconds(5);
    private Duration firstRetry = Duration.ofSeconds(1);
    private int maxBufferedBytes = 4 << 20;
    private InstantSource clock = InstantSource.system();
    private Ticker ticker = Ticker.system();
    private RandomGenerator random = new SplittableRandom();

    private Builder(CloudWatchClient client) {
      this.client = requireNonNull(client, "client");
    }

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
     * How often metrics are sent. Default 60 s: CloudWatch keeps no more than a point a minute, and
     * each request costs.
     *
     * @param interval from a second to a day
     * @return this builder
     * @throws IllegalArgumentException if it is anything else
     */
    public Builder flushInterval(Duration interval) {
      this.flushInterval = Durations.between(Duration.ofSeconds(1), interval, "flushInterval");
      return this;
    }

    /**
     * The longest one request may take, the AWS client's retries included. Default 5 s.
     *
     * @param timeout from a millisecond to a day
     * @return this builder
     * @throws IllegalArgumentException if it is anything else
     */
    public Builder requestTimeout(Duration timeout) {
      this.requestTimeout = Durations.between(Duration.ofMillis(1), timeout, "requestTimeout");
      return this;
    }

    /**
     * The longest that closing may take. Default 5 s.
     *
     * @param timeout from a millisecond to a day
     * @return this builder
     * @throws IllegalArgumentException if it is anything else
     */
    public Builder closeTimeout(Duration timeout) {
      this.closeTimeout = Durations.between(Duration.ofMillis(1), timeout, "closeTimeout");
      return this;
    }

    /**
     * About the memory of what waits for CloudWatch, without the interval that is under way.
     * Default 4 MiB: an hour or more of usual intervals.
     *
     * @param bytes 1 MiB or more
     * @return this builder
     * @throws IllegalArgumentException if it is less
     */
    public Builder maxBufferedBytes(int bytes) {
      if (bytes < LEAST_BYTES) {
        throw new IllegalArgumentException(
            "maxBufferedBytes must be at least " + LEAST_BYTES + ", was " + bytes);
      }
      this.maxBufferedBytes = bytes;
      return this;
    }

    /**
     * The wall clock, for the data's timestamps. Default: the system's.
     *
     * @param clock the clock
     * @return this builder
     */
    public Builder clock(InstantSource clock) {
      this.clock = requireNonNull(clock, "clock");
      return this;
    }

    /**
     * The monotonic clock of intervals and deadlines. Default: the JVM's.
     *
     * @param ticker the clock
     * @return this builder
     */
    public Builder ticker(Ticker ticker) {
      this.ticker = requireNonNull(ticker, "ticker");
      return this;
    }

    /** How long the first pause before another try may be. */
    Builder firstRetry(Duration pause) {
      this.firstRetry = pause;
      return this;
    }

    /**
     * {@return the sink, whose thread runs until it is closed; CloudWatch is first reached at the
     * end of the first interval}
     *
     * @throws IllegalStateException if no environment was set
     */
    public CloudWatchMetricsSink build() {
      if (environment == null) {
        throw new IllegalStateException("environment must be set: it is in every metric");
      }
      return new CloudWatchMetricsSink(this, environment);
    }
  }
}
