package com.huntaze.ratelimiter.delivery;

/**
 * Keeps how messages ended, for those who ask later: {@link DeliveryResult#toJson} at {@link
 * DeliveryResult#path}. Of two results of a message on one day the later one is kept.
 *
 * <p>Implemented by {@link InMemoryResultStore}, {@link FileResultStore} and adapters; called by
 * dispatcher and worker after each call, on the thread that made it. A store that is slow holds up
 * that thread's next message, and uses up the time in which its permit is fresh: it should give up
 * within seconds. Thread-safe. Whatever it throws is logged and changes no delivery.
 */
@FunctionalInterface
public interface ResultStore {
  /**
   * Keeps a result.
   *
   * @param result how a message ended
   */
  void put(DeliveryResult result);
}
