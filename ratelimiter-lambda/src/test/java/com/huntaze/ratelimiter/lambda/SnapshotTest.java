package com.huntaze.ratelimiter.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.RateLimiterConfig;
import java.util.List;
import org.crac.Resource;
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

  @Test
  void a_snapshot_makes_no_call_closes_what_is_open_and_opens_it_again_when_needed()
      throws Exception {
    try (Deployment deployment = new Deployment(false, "5/60s")) {
      RateLimiterConfig config = RateLimiterConfig.from(deployment.environment());
      LazyParts parts = new LazyParts(config);
      Resource snapshot = Snapshot.register(parts, config);
      Parts before = parts.get();
      long clients = clients(deployment);

      snapshot.beforeCheckpoint(null);
      snapshot.afterRestore(null);

      assertThat(deployment.faults.calls()).isZero();
      assertThat(clients(deployment)).isLessThanOrEqualTo(clients);
      assertThat(parts.get()).isNotSameAs(before);

      RateLimiterHandler handler = new RateLimiterHandler(parts, config);
      List<Message> one = deployment.received(Deployment.body("m"));
      assertThat(
              Events.failures(handler, Events.of(deployment.entryName(), one), new FakeContext()))
          .isEmpty();
    }
  }
}
