package com.huntaze.ratelimiter.micrometer;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.Priority;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.Timer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps every metric as a meter of a Micrometer registry, under the ecosystem's names: counters
 * such as {@code ratelimiter.messages.queued} and timers such as {@code ratelimiter.queue.latency}
 * with the tag {@code priority}, gauges such as {@code ratelimiter.queue.depth}. A Prometheus
 * registry publishes them as {@code ratelimiter_messages_queued_total} and so on. The tag of the
 * environment is the registry's affair: {@code registry.config().commonTags("environment", …)}.
 *
 * <p>Made by a host and given to its client, dispatcher or worker. Make one for a registry and
 * share it: the gauges of a second would not be seen. No meter carries a user, creator or
 * recipient. Thread-safe; a meter is made when its first value comes.
 *
 * <p><b>Failure:</b> a registry that throws changes nothing for the caller and is logged once. A
 * value that is no number, or that a counter or timer cannot take because it is negative, is left
 * out.
 */
public final class MicrometerMetricsSink implements MetricsSink {
  private static final Logger log = LoggerFactory.getLogger(MicrometerMetricsSink.class);
  private static final double NANOS_PER_MILLI = 1e6;

  private final MeterRegistry registry;
  private final Map<Key, DoubleConsumer> meters = new ConcurrentHashMap<>();
  private final AtomicBoolean said = new AtomicBoolean();

  private record Key(MetricName name, @Nullable Priority priority) {}

  /**
   * A sink on a registry, which stays the caller's to close.
   *
   * @param registry where the meters are kept
   */
  public MicrometerMetricsSink(MeterRegistry registry) {
    this.registry = requireNonNull(registry, "registry");
  }

  @Override
  public void record(MetricName name, @Nullable Priority priority, double value) {
    MeterSpec spec = MeterSpec.of(name);
    if (spec == null || !Double.isFinite(value)) {
      return;
    }
    try {
      Key key = new Key(name, spec.byPriority() ? priority : null);
      DoubleConsumer meter = meters.get(key);
      if (meter == null) {
        meter = meters.computeIfAbsent(key, wanted -> meter(spec, wanted.priority()));
      }
      meter.accept(value);
    } catch (RuntimeException | Error e) {
      if (said.compareAndSet(false, true)) {
        log.warn(
            "The meter registry {} failed with {}; sends go on, further faults of it are not"
                + " logged",
            registry.getClass().getName(),
            e.getClass().getName());
      }
    }
  }

  private DoubleConsumer meter(MeterSpec spec, @Nullable Priority priority) {
    // A meter has the same tags always, as Prometheus asks.
    Tags tags = spec.byPriority() ? spec.tags().and("priority", named(priority)) : spec.tags();
    return switch (spec.kind()) {
      case COUNTER -> counter(spec, tags);
      case TIMER -> timer(spec, tags);
      case GAUGE, SECONDS -> gauge(spec, tags);
      case OUTCOME -> {
        DoubleConsumer delivered = counter(spec, tags.and("outcome", "delivered"));
        DoubleConsumer failed = counter(spec, tags.and("outcome", "failed"));
        yield value -> (value > 0 ? delivered : failed).accept(1);
      }
    };
  }

  private static String named(@Nullable Priority priority) {
    return priority == null ? "none" : priority.wireName();
  }

  private DoubleConsumer counter(MeterSpec spec, Tags tags) {
    Counter counter =
        Counter.builder(spec.name()).description(spec.description()).tags(tags).register(registry);
    return value -> {
      if (value >= 0) {
        counter.increment(value);
      }
    };
  }

  private DoubleConsumer timer(MeterSpec spec, Tags tags) {
    Timer timer =
        Timer.builder(spec.name()).description(spec.description()).tags(tags).register(registry);
    return value -> {
      if (value >= 0) {
        timer.record(Math.round(value * NANOS_PER_MILLI), TimeUnit.NANOSECONDS);
      }
    };
  }

  private DoubleConsumer gauge(MeterSpec spec, Tags tags) {
    AtomicLong bits = new AtomicLong();
    if (spec.kind() == MeterSpec.Kind.SECONDS) {
      TimeGauge.builder(spec.name(), bits, TimeUnit.SECONDS, MicrometerMetricsSink::value)
          .description(spec.description())
          .tags(tags)
          .strongReference(true)
          .register(registry);
    } else {
      Gauge.builder(spec.name(), bits, MicrometerMetricsSink::value)
          .description(spec.description())
          .tags(tags)
          .strongReference(true)
          .register(registry);
    }
    return value -> bits.set(Double.doubleToRawLongBits(value));
  }

  private static double value(AtomicLong bits) {
    return Double.longBitsToDouble(bits.get());
  }
}
