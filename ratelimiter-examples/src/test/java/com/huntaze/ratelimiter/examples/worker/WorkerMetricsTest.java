package com.huntaze.ratelimiter.examples.worker;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class WorkerMetricsTest {
  private final List<String> bodies = new CopyOnWriteArrayList<>();
  private HttpServer cloudWatch;

  @BeforeEach
  void start() throws Exception {
    cloudWatch = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    cloudWatch.createContext(
        "/",
        exchange -> {
          try (exchange) {
            bodies.add(new String(exchange.getRequestBody().readAllBytes(), ISO_8859_1));
            exchange.sendResponseHeaders(400, -1);
          }
        });
    cloudWatch.start();
    System.setProperty("aws.accessKeyId", "test");
    System.setProperty("aws.secretAccessKey", "test");
  }

  @AfterEach
  void stop() {
    cloudWatch.stop(0);
    System.clearProperty("aws.accessKeyId");
    System.clearProperty("aws.secretAccessKey");
  }

  private WorkerSettings settings(String metrics) {
    Map<String, String> environment = new HashMap<>();
    environment.put("SQS_WORKFLOW_QUEUE", "workflows.fifo");
    environment.put("REDIS_URL", "redis://localhost:6379");
    environment.put("DATABASE_URL", "jdbc:h2:mem:none");
    environment.put("ONLYFANS_API_URL", "http://localhost");
    environment.put("ENVIRONMENT", "staging");
    environment.put("AWS_ENDPOINT_URL", "http://localhost:" + cloudWatch.getAddress().getPort());
    environment.put("WORKER_METRICS", metrics);
    return WorkerSettings.of(RateLimiterConfig.from(environment), environment);
  }

  @Test
  void what_a_worker_counted_is_published_in_its_environment_at_the_latest_when_it_stops() {
    WorkerMetrics metrics = new WorkerMetrics(settings("cloudwatch"));
    metrics.sink().limiterClosed();
    metrics.close();
    assertThat(bodies)
        .isNotEmpty()
        .first()
        .asString()
        .contains("Huntaze/OnlyFans", "LimiterClosed", "Environment", "staging");
  }

  @Test
  void unless_told_it_publishes_nothing() {
    WorkerMetrics metrics = new WorkerMetrics(settings(" "));
    assertThat(metrics.sink()).isSameAs(MetricsSink.NOOP);
    assertThat(metrics.patience()).isZero();
    metrics.close();
    assertThat(bodies).isEmpty();
  }

  @Test
  void another_place_for_metrics_is_refused_by_name() {
    assertThatThrownBy(() -> settings("statsd"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("WORKER_METRICS must be cloudwatch or unset, was 'statsd'");
  }
}
