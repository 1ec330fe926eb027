package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;

/**
 * Makes one call to the external API.
 *
 * <p>Implemented by {@link HttpOnlyFansGateway} and by hosts; called by the dispatcher, the worker
 * and the direct path, each time with a permit in hand. Thread-safe. One method call is at most one
 * request to the API: an implementation neither retries nor follows redirects, since every request
 * is counted against the limit. One gateway serves every action.
 */
@FunctionalInterface
public interface OnlyFansGateway {
  /**
   * Makes the call. Blocks until the API answers or the time-out has passed.
   *
   * @param message what to do: its action says which call it is
   * @param timeout the longest an answer may take, from this moment to its last byte
   * @return what the API answered, whatever its status
   * @throws GatewayException if there was no answer; says whether the API may have acted
   */
  GatewayResponse call(OutboundMessage message, Duration timeout);

  /**
   * Whether this gateway knows an action. A message with an action it does not know is put aside
   * without a permit and without a call.
   *
   * @param action the action's name, as {@link OutboundMessage#action()} gives it
   * @return whether {@link #call} can be asked for it; true by default
   */
  default boolean supports(String action) {
    return true;
  }

  /**
   * Gets ready, so that the first call leaves as fast as any later one: the guard of the limit
   * covers no class loading. Called once before the first call; makes no call to the API, and fails
   * silently. Does nothing by default.
   */
  default void warmUp() {}
}
