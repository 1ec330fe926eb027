package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.queue.QueueDepth;
import java.util.List;
import java.util.Optional;

/**
 * How the pipeline stands, for status pages and health checks. Immutable and thread-safe; a second
 * old at most, but for the breaker.
 *
 * @param queue what waits in the queue; {@link QueueDepth#UNKNOWN} if it could not be asked
 * @param fallback what waits in the fallback store; empty without a store or if it could not be
 *     asked
 * @param breaker the circuit breaker in front of the queue
 * @param bucket what the global limit has left; empty without a bucket or if it could not be asked
 * @param faults the parts that could not be asked, each with its error
 */
public record QueueStatus(
    QueueDepth queue,
    Optional<FallbackBacklog> fallback,
    BreakerState breaker,
    Optional<BucketState> bucket,
    List<String> faults) {
  /** Copies the list. */
  public QueueStatus {
    faults = List.copyOf(faults);
  }

  /** Whether messages are taken and delivered, in one word. */
  public enum Health {
    /** Messages go to the queue, and every part answers. */
    UP,
    /** Messages are taken, but something is amiss: an operator should look. */
    DEGRADED,
    /** Nothing takes messages: queue and fallback store both fail, or there is no store. */
    DOWN
  }

  /** {@return whether messages are taken and delivered, in one word} */
  public Health health() {
    if (breaker == BreakerState.CLOSED && faults.isEmpty()) {
      return Health.UP;
    }
    boolean queueTakes =
        breaker != BreakerState.OPEN
            && faults.stream().noneMatch(f -> f.startsWith(StatusBoard.QUEUE + ":"));
    return queueTakes || fallback.isPresent() ? Health.DEGRADED : Health.DOWN;
  }
}
