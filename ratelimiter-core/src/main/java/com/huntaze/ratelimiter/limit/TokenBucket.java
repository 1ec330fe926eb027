package com.huntaze.ratelimiter.limit;

import java.time.Duration;
import java.util.List;

/**
 * Grants permits so that no window of a limit ever contains more calls than it allows.
 *
 * <p>Called by the dispatcher, the gate, the worker and the direct path, right before a call to the
 * external API. Implemented by {@link InMemoryTokenBucket} (one process) and, in its own module, on
 * Redis (any number of processes); a new implementation runs the testkit's {@code
 * TokenBucketContract}.
 *
 * <p><b>Thread-safety:</b> all methods may be called by any number of threads.
 *
 * <p><b>Idempotence:</b> asking twice with one id gives one permit: a booked id is told its instant
 * again, a granted one its grant for as long as that is fresh. Later the id asks anew. A grant that
 * is told again is not younger for it: a caller that got no answer counts its age from the first
 * question.
 *
 * <p><b>Failure:</b> being over the limit is an answer, not an exception. {@link
 * TokenBucketException} means that the bucket itself could not be asked; nothing was granted as far
 * as the caller may assume.
 */
public interface TokenBucket {
  /**
   * Asks for one permit. Returns within one round trip and never waits for a permit to come free.
   *
   * @param request what is asked
   * @return granted, booked or refused
   * @throws TokenBucketException if the bucket could not be asked
   */
  default Permit tryAcquire(PermitRequest request) {
    return tryAcquireAll(List.of(request)).get(0);
  }

  /**
   * Asks for several permits in one round trip, each on its own: one may be granted while its
   * neighbour is refused. Within one request the scopes are all or nothing.
   *
   * @param requests what is asked, in the order in which permits are given out
   * @return the answer to each request, in the same order
   * @throws TokenBucketException if the bucket could not be asked
   */
  List<Permit> tryAcquireAll(List<PermitRequest> requests);

  /**
   * Gives up a booking; its instant is free for whoever asks next. A grant cannot be given back,
   * since the call may have been made.
   *
   * @param id the id of the booked request
   * @return whether a booking was held under that id
   * @throws TokenBucketException if the bucket could not be asked
   */
  boolean release(String id);

  /**
   * Closes a scope for everybody, as the API asks for with a 429 and {@code Retry-After}. A block
   * is never shortened by a later, shorter one.
   *
   * @param scope what is closed; one without a limit in this bucket is refused
   * @param duration for how long from now; more than a hundred years count as that
   * @throws TokenBucketException if the bucket could not be asked
   * @throws IllegalArgumentException if this bucket has no limit for that kind of scope
   */
  void blockFor(Scope scope, Duration duration);

  /**
   * Reads what a scope has left.
   *
   * @param scope what is looked at; one without a limit in this bucket is refused
   * @return its state
   * @throws TokenBucketException if the bucket could not be asked
   * @throws IllegalArgumentException if this bucket has no limit for that kind of scope
   */
  BucketState state(Scope scope);

  /**
   * Asks whether this bucket is fit for use, for the check at start. May take some round trips. By
   * default that is whether the global scope's state can be read.
   *
   * @return what an operator should mend although it works, in words; empty if there is nothing
   * @throws TokenBucketException if it could not be asked, or must not be used as it is
   */
  default List<String> check() {
    try {
      state(Scope.global());
      return List.of();
    } catch (IllegalArgumentException e) {
      return List.of("it has no limit for all messages together");
    }
  }
}
