package com.huntaze.ratelimiter.fallback;

import com.huntaze.ratelimiter.queue.OutboundMessage;

/**
 * A message that the queue would not take. Immutable and thread-safe; {@link #toString} shows no
 * content.
 *
 * @param message the message as it was accepted
 * @param error why the queue would not take it, without content
 */
public record NotQueued(OutboundMessage message, String error) {}
