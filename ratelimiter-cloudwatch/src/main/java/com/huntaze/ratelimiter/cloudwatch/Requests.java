package com.huntaze.ratelimiter.cloudwatch;

import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.queue.Priority;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import software.amazon.awssdk.services.cloudwatch.model.Dimension;
import software.amazon.awssdk.services.cloudwatch.model.MetricDatum;
import software.amazon.awssdk.services.cloudwatch.model.PutMetricDataRequest;
import software.amazon.awssdk.services.cloudwatch.model.StandardUnit;

/** Batches as CloudWatch's requests. Immutable. */
final class Requests {
  private final String environment;

  Requests(String environment) {
    this.environment = environment;
  }

  PutMetricDataRequest of(Batch batch, long dropped, Instant now, Duration timeout) {
    List<MetricDatum> data = new ArrayList<>();
    batch.series().forEach(series -> data.add(datum(series, batch.timestamp())));
    if (dropped > 0) {
      data.add(datum(Series.single(MetricName.METRICS_DROPPED, (double) dropped), now));
    }
    return PutMetricDataRequest.builder()
        .namespace(MetricName.NAMESPACE)
        .metricData(data)
        .overrideConfiguration(settings -> settings.apiCallTimeout(timeout))
        .build();
  }

  private MetricDatum datum(Series series, Instant timestamp) {
    List<Dimension> dimensions = new ArrayList<>();
    dimensions.add(Dimension.builder().name(Dimensions.ENVIRONMENT).value(environment).build());
    Priority priority = series.priority();
    if (priority != null) {
      dimensions.add(
          Dimension.builder().name(Dimensions.PRIORITY).value(priority.wireName()).build());
    }
    return MetricDatum.builder()
        .metricName(series.name().wireName())
        .dimensions(dimensions)
        .timestamp(timestamp)
        .unit(unit(series.name().unit()))
        .values(series.values().boxed().toList())
        .counts(series.counts().asDoubleStream().boxed().toList())
        .build();
  }

  private static StandardUnit unit(MetricName.Unit unit) {
    return switch (unit) {
      case COUNT -> StandardUnit.COUNT;
      case MILLISECONDS -> StandardUnit.MILLISECONDS;
      case SECONDS -> StandardUnit.SECONDS;
      case PERCENT -> StandardUnit.PERCENT;
    };
  }
}
