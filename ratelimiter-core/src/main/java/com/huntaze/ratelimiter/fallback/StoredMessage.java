package com.huntaze.ratelimiter.fallback;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Instant;
import java.util.Optional;

/**
 * A message handed out by a store. Immutable and thread-safe; {@link #toString} shows no content.
 *
 * @param message the message as it was accepted
 * @param attempts how often its replay has failed
 * @param lastError the last failure, without content
 * @param storedAt when it was stored, by the store's clock
 * @param lease the token of the claim; only its holder may settle the message
 */
public record StoredMessage(
    OutboundMessage message,
    int attempts,
    Optional<String> lastError,
    Instant storedAt,
    String lease) {}
