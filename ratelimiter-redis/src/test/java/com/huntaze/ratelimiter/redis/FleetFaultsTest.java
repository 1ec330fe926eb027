package com.huntaze.ratelimiter.redis;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.TcpProxy;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.RedisClient;

/**
 * Four processes of sixteen threads share one limit on a real Redis to which everything happens.
 * Each call is recorded at the edge, by one clock; no window of the record holds more than the
 * limit, and after each fault the calls go on.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class FleetFaultsTest {
  private static final int PROCESSES = 4;
  private static final int THREADS = 16;
  private static final Duration WINDOW = Duration.ofMillis(800);
  private static final Duration GUARD = Duration.ofMillis(150);
  private static final RateLimit LIMIT = RateLimit.rolling(10, WINDOW);
  private static final String NAMESPACE = "faults";

  private final LocalRedis redis = LocalRedis.start();
  private final TcpProxy proxy = TcpProxy.to(redis.address());
  private final AskingFleet fleet = new AskingFleet();
  private final List<Integer> running = new ArrayList<>();

  @BeforeEach
  void start() throws InterruptedException {
    startProcesses();
    running.forEach(fleet::go);
    fleet.awaitCalls(25);
  }

  /** The processes' own clocks are minutes apart; none of them matters. */
  private void startProcesses() {
    running.clear();
    for (int i = 0; i < PROCESSES; i++) {
      running.add(
          fleet.start(
              AskingProcess.args(
                  URI.create("redis://127.0.0.1:" + proxy.port()),
                  NAMESPACE,
                  LIMIT,
                  GUARD,
                  THREADS,
                  Duration.ofSeconds(60L * i))));
    }
  }

  @AfterEach
  void stop() {
    fleet.close();
    proxy.close();
    redis.close();
  }

  private void goesOn() throws InterruptedException {
    fleet.awaitCalls(25);
    assertThat(fleet.mostIn(WINDOW)).as("calls in one window").isLessThanOrEqualTo(10);
  }

  @Test
  @Tag("slow")
  void the_limit_holds_whatever_happens_to_the_server_and_its_connections() throws Exception {
    goesOn();
    try (RedisClient operator = RedisClient.create(redis.uri())) {
      operator.scriptFlush();
      goesOn();
      operator.flushAll();
      goesOn();
    }
    proxy.cut();
    proxy.restore();
    goesOn();
    redis.freeze(); // its clients give up, their calls run when it wakes
    proxy.cut();
    proxy.restore();
    redis.thaw();
    goesOn();
    redis.kill9();
    redis.restartEmpty();
    goesOn();
    fleet.kill9(running.get(0));
    fleet.kill9(running.get(1));
    goesOn();
    assertThat(fleet.mostIn(WINDOW)).as("the limit is used").isEqualTo(10);
  }

  @Test
  @Tag("slow")
  void the_limit_holds_when_a_replica_takes_over_late_or_at_once_and_when_the_clock_is_set_back()
      throws Exception {
    try (TcpProxy link = TcpProxy.to(redis.address());
        LocalRedis lagging = LocalRedis.startReplicaOf(link.address())) {
      link.cut();
      goesOn(); // the replica knows of none of these
      redis.kill9();
      lagging.promote();
      proxy.retarget(lagging.address());
      goesOn();
      try (LocalRedis close = LocalRedis.startReplicaOf(lagging.address())) {
        goesOn();
        close.promote();
        proxy.retarget(close.address());
        goesOn();
        try (RedisClient operator = RedisClient.create(close.uri())) {
          operator.set(AskingProcess.SteppedTimeRedis.STEP, "3600");
          goesOn();
        }
      }
    }
  }

  @Test
  @Tag("slow")
  void after_a_loss_it_does_not_matter_who_calls_first_an_idle_process_or_a_fresh_one()
      throws Exception {
    fleet.pause(running.get(0));
    fleet.awaitCalls(40);
    for (int other : running.subList(1, PROCESSES)) {
      fleet.pause(other);
    }
    try (RedisClient operator = RedisClient.create(redis.uri())) {
      operator.flushAll();
      fleet.go(running.get(0));
      running.subList(1, PROCESSES).forEach(fleet::go);
      goesOn();
      running.forEach(fleet::kill9);
      operator.flushAll();
      startProcesses();
      running.forEach(fleet::go);
      goesOn();
    }
  }
}
