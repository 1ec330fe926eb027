package com.huntaze.ratelimiter.examples.worker;

import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.cloudwatch.CloudWatchMetricsSink;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClientBuilder;

/** Where a worker's metrics go: CloudWatch, or nowhere. */
final class WorkerMetrics implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  private final @Nullable CloudWatchClient client;
  private final @Nullable CloudWatchMetricsSink cloudWatch;

  WorkerMetrics(WorkerSettings settings) {
    if (settings.publishing()) {
      client = client(settings.sdk());
      cloudWatch =
          CloudWatchMetricsSink.builder(client)
              .environment(settings.sdk().environment())
              .closeTimeout(PATIENCE)
              .build();
    } else {
      client = null;
      cloudWatch = null;
    }
  }

  /** The SDK's own retries are off: the sink has its own. */
  private static CloudWatchClient client(RateLimiterConfig config) {
    CloudWatchClientBuilder builder =
        CloudWatchClient.builder()
            .region(Region.of(config.region()))
            .overrideConfiguration(each -> each.retryStrategy(DefaultRetryStrategy.doNotRetry()));
    config.awsEndpoint().ifPresent(builder::endpointOverride);
    return builder.build();
  }

  MetricsSink sink() {
    return cloudWatch == null ? MetricsSink.NOOP : cloudWatch;
  }

  /** How long the end of it may take. */
  Duration patience() {
    return cloudWatch == null ? Duration.ZERO : PATIENCE;
  }

  /** Publishes what is left, within {@link #patience}. */
  @Override
  public void close() {
    if (cloudWatch != null) {
      cloudWatch.close();
    }
    if (client != null) {
      client.close();
    }
  }
}
