package com.huntaze.ratelimiter.fallback;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A message handed out by a store. Immutable and thread-safe; {@link #toString} shows no content.
 *
 * @param message the message as it was accepted, with the number of its revivals
 * @param attempts how often its replay has failed
 * @param lastError the last failure, without content
 * @param storedAt when it was stored, by the store's clock
 * @param age how long ago that was when it was handed out, by the store's clock
 * @param lease the token of the claim; only its holder may settle the message
 */
public record StoredMessage(
    OutboundMessage message,
    int attempts,
    Optional<String> lastError,
    Instant storedAt,
    Duration age,
    String lease) {
  /** How long a FIFO queue recognises a message that it has taken before. */
  private static final Duration DEDUPLICATED = Duration.ofMinutes(5);

  /**
   * Whether it was stored longer ago than a FIFO queue remembers: if the queue took it back then,
   * although that could not be known, it now takes it again, and only the sent-log keeps it from
   * being sent twice.
   *
   * @return whether more than five minutes have gone by
   */
  public boolean isPastDeduplication() {
    return age.compareTo(DEDUPLICATED) > 0;
  }
}
