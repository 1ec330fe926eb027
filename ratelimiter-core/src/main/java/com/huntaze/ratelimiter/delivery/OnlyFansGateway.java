package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.queue.OutboundMessage;

/**
 * Makes one call to the external API.
 *
 * <p>Implemented by {@link HttpOnlyFansGateway} and by hosts; called by the dispatcher, the worker
 * and the direct path, each time with a permit in hand. Thread-safe. One method call is at most one
 * HTTP request: an implementation neither retries nor follows redirects, since every request is
 * counted against the limit.
 */
@FunctionalInterface
public interface OnlyFansGateway {
  /**
   * Makes the call. Blocks until the API answers or the gateway's time-out has passed.
   *
   * @param message what to send
   * @return what the API answered, whatever its status
   * @throws GatewayException if there was no answer; says whether the API may have acted
   */
  GatewayResponse call(OutboundMessage message);

  /**
   * Gets ready, so that the first call leaves as fast as any later one: the guard of the limit
   * covers no class loading. Called once before the first call; makes no call to the API, and fails
   * silently. Does nothing by default.
   */
  default void warmUp() {}
}
