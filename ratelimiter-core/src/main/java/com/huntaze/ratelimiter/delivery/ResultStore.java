package com.huntaze.ratelimiter.delivery;

/**
 * Keeps how messages ended, for those who ask later. Implemented by {@link InMemoryResultStore} and
 * by adapters; called by dispatcher and worker after each message. Thread-safe. Whatever it throws
 * is logged and changes no delivery.
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
