package com.huntaze.ratelimiter.testkit;

import java.util.Optional;

/**
 * One HTTP request that arrived at the {@link FakeOnlyFansApi}, answered or not.
 *
 * <p>Immutable. Tests read these; only the server makes them.
 *
 * @param index place in the order of arrival, from 0
 * @param arrivalNanos when it arrived, in nanoseconds of the server's own monotonic clock: only
 *     differences between calls of one server mean something
 * @param messageId the {@code Idempotency-Key} header, empty if the caller sent none
 * @param creatorId the {@code X-Creator-Id} header, empty if the caller sent none
 * @param recipientId the fan's id from the path, decoded
 * @param status the HTTP status the server chose as the call arrived, 0 if it closes the connection
 *     without an answer. A caller that gave up waiting never saw it
 * @param traceparent the {@code traceparent} header, if the caller sent one
 */
public record ApiCall(
    int index,
    long arrivalNanos,
    String messageId,
    String creatorId,
    String recipientId,
    int status,
    Optional<String> traceparent) {

  ApiCall answered(int newStatus) {
    return new ApiCall(
        index, arrivalNanos, messageId, creatorId, recipientId, newStatus, traceparent);
  }
}
