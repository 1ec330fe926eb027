package com.huntaze.ratelimiter.cloudwatch;

import com.huntaze.ratelimiter.metrics.MetricName;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;
import software.amazon.awssdk.services.cloudwatch.model.PutMetricDataRequest;

/**
 * Sends what waits, oldest first, and says how that goes when it changes. For one thread at a time.
 */
final class Publisher {
  private static final Logger log = LoggerFactory.getLogger(CloudWatchMetricsSink.class);

  /** CloudWatch takes nothing older. */
  private static final Duration MOST_AGE = Duration.ofDays(14);

  private final CloudWatchClient client;
  private final Requests requests;
  private final Backlog backlog;
  private final InstantSource clock;
  private Health said = Health.WELL;

  Publisher(CloudWatchClient client, Requests requests, Backlog backlog, InstantSource clock) {
    this.client = client;
    this.requests = requests;
    this.backlog = backlog;
    this.clock = clock;
  }

  /**
   * Sends until nothing is left or CloudWatch does not take it.
   *
   * @param timeout how long the next call may take; not called if there is no time left
   * @return how it went
   */
  Health publish(Supplier<Duration> timeout) {
    Outcome worst = null;
    for (Batch next = next(worst); next != null; next = next(worst)) {
      Duration time = timeout.get();
      if (time.isZero() || time.isNegative()) {
        return Health.DOWN;
      }
      Outcome outcome = send(next, time);
      if (worst == null || outcome.health != Health.WELL) {
        worst = outcome;
      }
      if (outcome.health == Health.DOWN || outcome.health == Health.REFUSING) {
        break;
      }
    }
    if (worst == null) {
      return Health.WELL;
    }
    say(worst);
    return worst.health;
  }

  /** The oldest that is not too old; at last the count of what was dropped, on its own. */
  private @Nullable Batch next(@Nullable Outcome soFar) {
    Instant now = clock.instant();
    Batch first = backlog.first();
    while (first != null && first.timestamp().isBefore(now.minus(MOST_AGE))) {
      backlog.dropFirst();
      first = backlog.first();
    }
    if (first != null || backlog.dropped() == 0) {
      return first;
    }
    boolean refused = soFar != null && soFar.health == Health.INVALID;
    return refused ? null : new Batch(now, List.of());
  }

  private Outcome send(Batch batch, Duration timeout) {
    long dropped = backlog.dropped();
    Outcome outcome = call(requests.of(batch, dropped, clock.instant(), timeout));
    if (outcome.health == Health.WELL) {
      backlog.told(dropped);
    }
    boolean waited = !batch.series().isEmpty();
    if (waited && outcome.health == Health.WELL) {
      backlog.removeFirst();
    } else if (waited && outcome.health == Health.INVALID) {
      backlog.dropFirst();
    }
    return outcome;
  }

  private Outcome call(PutMetricDataRequest request) {
    try {
      client.putMetricData(request);
      return new Outcome(Health.WELL, "");
    } catch (RuntimeException | Error e) {
      return new Outcome(Health.after(e), Health.describe(e));
    }
  }

  /** A line a change. */
  private void say(Outcome outcome) {
    if (outcome.health == said) {
      return;
    }
    said = outcome.health;
    switch (said) {
      case WELL -> log.warn("CloudWatch takes metrics again");
      case DOWN ->
          log.warn(
              "CloudWatch does not take metrics: {}; they are kept for a while, sends go on",
              outcome.fault);
      case REFUSING ->
          log.warn(
              "CloudWatch refuses metrics: {}; may this role call cloudwatch:PutMetricData, and is this"
                  + " host's clock right? They are kept for a while, sends go on",
              outcome.fault);
      case INVALID ->
          log.warn(
              "CloudWatch finds metrics invalid: {}; is this host's clock right? Such are given up"
                  + " and counted as {}, sends go on",
              outcome.fault,
              MetricName.METRICS_DROPPED.wireName());
    }
  }

  private record Outcome(Health health, String fault) {}
}
