package com.huntaze.ratelimiter.fallback;

import com.huntaze.ratelimiter.queue.Priority;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Where a stored message stands, without what it says. Immutable and thread-safe.
 *
 * @param position its place in the order of storing; grows, and is nobody else's
 * @param messageId the message's id
 * @param userId the user on whose behalf it is sent
 * @param creator whose order and limit it counts on
 * @param recipientId who receives it, where it was given
 * @param priority how urgent it is
 * @param status where it stands
 * @param attempts how often its replay has failed since it was stored or revived
 * @param revivals how often it was revived
 * @param lastError the last failure, without content
 * @param storedAt when it was stored, by the store's clock
 * @param dueIn how long until it may be handed out, by the store's clock; zero if it is due, and
 *     without meaning where it does not wait
 * @param claimed whether it is handed out at the moment
 */
public record StoredEntry(
    long position,
    String messageId,
    String userId,
    String creator,
    Optional<String> recipientId,
    Priority priority,
    StoredStatus status,
    int attempts,
    int revivals,
    Optional<String> lastError,
    Instant storedAt,
    Duration dueIn,
    boolean claimed) {}
