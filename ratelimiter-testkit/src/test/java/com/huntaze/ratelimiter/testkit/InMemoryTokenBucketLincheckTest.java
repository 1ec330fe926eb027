package com.huntaze.ratelimiter.testkit;

import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import java.time.Duration;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/**
 * However many threads ask at once, the answers are those of some order in which they asked one by
 * one. Time stands still, so that the order is all there is.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
@Param(name = "id", gen = IntGen.class, conf = "1:3")
public class InMemoryTokenBucketLincheckTest {
  private final InMemoryTokenBucket bucket =
      InMemoryTokenBucket.builder(RateLimit.rolling(2, Duration.ofSeconds(1)))
          .limit(Scope.Kind.CREATOR, RateLimit.rolling(1, Duration.ofSeconds(2)))
          .ticker(() -> 0)
          .build();

  /** Made anew for each scenario. */
  public InMemoryTokenBucketLincheckTest() {}

  /**
   * Asks for a permit now.
   *
   * @param id names request and creator
   * @return the answer
   */
  @Operation
  public String ask(@Param(name = "id") int id) {
    return told(bucket.tryAcquire(PermitRequest.of("m" + id, Scope.creator("c" + id % 2))));
  }

  /**
   * Asks for a permit now or later.
   *
   * @param id names the request
   * @return the answer
   */
  @Operation
  public String book(@Param(name = "id") int id) {
    return told(bucket.tryAcquire(PermitRequest.of("b" + id).bookingUpTo(Duration.ofMinutes(1))));
  }

  /**
   * Gives a booking up.
   *
   * @param id names the request
   * @return whether there was one
   */
  @Operation
  public boolean release(@Param(name = "id") int id) {
    return bucket.release("b" + id);
  }

  /**
   * Asks without an id.
   *
   * @return whether it was granted
   */
  @Operation
  public boolean askWithoutId() {
    return bucket.tryAcquire();
  }

  private static String told(Permit permit) {
    if (permit instanceof Permit.Granted granted) {
      return "granted " + granted.remaining();
    }
    return permit instanceof Permit.Booked booked
        ? "booked " + booked.delay()
        : "refused " + ((Permit.Refused) permit).retryAfter();
  }

  @Test
  void the_answers_to_many_threads_are_those_of_some_order_of_asking() {
    new StressOptions()
        .iterations(20)
        .invocationsPerIteration(1_000)
        .threads(3)
        .actorsPerThread(3)
        .actorsBefore(0)
        .actorsAfter(0)
        .check(getClass());
  }
}
