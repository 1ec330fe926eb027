package com.huntaze.ratelimiter.examples.worker;

import com.huntaze.ratelimiter.delivery.DispatcherHealth;
import java.util.function.Supplier;

/**
 * What the health check answers of a worker. Thread-safe.
 *
 * <p>It fails only where a restart helps: while the worker stops, and when it is stuck. A queue, a
 * Redis or a database that is down is told as {@code degraded}, and is no reason to restart: each
 * restart costs the messages in hand a receive, and three of them are dead-lettered.
 */
final class Health {
  private final Supplier<DispatcherHealth> worker;
  private volatile boolean stopping;

  /**
   * What the check answers.
   *
   * @param works whether the process does its work as far as that is up to it
   * @param json the details, without content
   */
  record Answer(boolean works, String json) {}

  Health(Supplier<DispatcherHealth> worker) {
    this.worker = worker;
  }

  void stopping() {
    stopping = true;
  }

  Answer answer() {
    DispatcherHealth now = worker.get();
    String status = "working";
    if (stopping) {
      status = "stopping";
    } else if (!now.isHealthy()) {
      status = "stuck";
    } else if (now.fault().isPresent()) {
      status = "degraded";
    }
    String json =
        "{\"status\":\"%s\",\"in_hand\":%d,\"seconds_since_look\":%d,\"pausing_seconds\":%d%s}"
            .formatted(
                status,
                now.inHand(),
                now.sinceLook().toSeconds(),
                now.pausing().toSeconds(),
                now.fault().map(fault -> ",\"fault\":\"" + fault + "\"").orElse(""));
    return new Answer(now.isHealthy() && !stopping, json);
  }
}
