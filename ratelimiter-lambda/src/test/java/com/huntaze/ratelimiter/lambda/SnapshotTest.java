package com.huntaze.ratelimiter.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.limit.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.model.Message;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SnapshotTest {
  private static long clients(Deployment deployment) {
    return deployment
        .redis
        .info("clients")
        .lines()
        .filter(line -> line.startsWith("connected_clients:"))
        .mapToLong(line -> Long.parseLong(line.substring(18).strip()))
        .sum();
  }

  /** Waits until Redis knows of as many clients as that. */
  private static void awaitClients(Deployment deployment, long count) {
    long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    while (clients(deployment) != count && System.nanoTime() < end) {
      LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
    }
    assertThat(clients(deployment)).isEqualTo(count);
  }

  @Test
  void a_snapshot_makes_no_call_closes_what_is_open_and_opens_it_again_when_needed()
      throws Exception {
    try (Deployment deployment = new Deployment(false, "5/60s")) {
      long clients = clients(deployment);
      RateLimiterConfig config = RateLimiterConfig.from(deployment.environment());
      LazyParts parts = new LazyParts(config, Map.of(), Ticker.system());
      Snapshot snapshot = Snapshot.register(parts, config);
      RateLimiterHandler handler = new RateLimiterHandler(parts, config);
      List<Message> one = deployment.received(Deployment.body("m1"));
      assertThat(
              Events.failures(handler, Events.of(deployment.entryName(), one), new FakeContext()))
          .isEmpty();
      assertThat(clients(deployment)).as("its own are open").isGreaterThan(clients);
      Parts before = parts.get();
      int calls = deployment.faults.calls();

      snapshot.beforeCheckpoint(null);
      snapshot.afterRestore(null);

      assertThat(deployment.faults.calls()).isEqualTo(calls);
      awaitClients(deployment, clients);
      assertThat(parts.get()).isNotSameAs(before);

      one = deployment.received(Deployment.body("m2"));
      assertThat(
              Events.failures(handler, Events.of(deployment.entryName(), one), new FakeContext()))
          .isEmpty();
    }
  }

  @Test
  void priming_reads_its_canned_event_and_makes_no_call_of_sqs() throws Exception {
    try (Deployment deployment = new Deployment(false, "5/60s")) {
      RateLimiterConfig config = RateLimiterConfig.from(deployment.environment());
      Snapshot snapshot =
          Snapshot.register(new LazyParts(config, Map.of(), Ticker.system()), config);

      snapshot.prime(); // what it would only warn of fails here

      assertThat(deployment.faults.calls()).isZero();
    }
  }
}
