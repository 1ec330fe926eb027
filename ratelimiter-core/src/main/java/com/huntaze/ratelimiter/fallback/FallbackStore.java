package com.huntaze.ratelimiter.fallback;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.util.List;

/**
 * Keeps messages that the queue would not take, until they are replayed.
 *
 * <p>Called by the client (to store) and by the {@link Replayer} (all else). Implemented by {@link
 * InMemoryFallbackStore} and, in its own module, on JDBC; a new implementation runs the testkit's
 * {@code FallbackStoreContract}. Thread-safe, and safe to use from many processes where the store
 * is shared. Every method throws {@link FallbackException} if the store cannot be used; then
 * nothing was changed as far as the caller may assume, and storing again is safe.
 */
public interface FallbackStore {
  /**
   * Stores a message, durably once this returns. The same message again, whenever it was accepted,
   * changes nothing; one that was replayed before waits to be replayed again.
   *
   * @param message the message as accepted
   * @param error why the queue would not take it, without content
   * @throws FallbackException if it could not be stored, or another message has the same id
   */
  void store(OutboundMessage message, String error);

  /**
   * Stores a message for an operator: dead from the start, and never replayed unless it is revived.
   * The same message again changes nothing; one that was replayed before becomes dead.
   *
   * @param message the message as accepted
   * @param reason why it is held, without content
   * @throws FallbackException if it could not be stored, or another message has the same id
   */
  void hold(OutboundMessage message, String reason);

  /**
   * Hands out messages that are due, oldest first; each to one claimer at a time. After the lease a
   * claim lapses, and the message is handed out again.
   *
   * @param max the most to hand out, 1 or more
   * @param lease how long the claimer has
   * @return the claimed messages
   */
  List<StoredMessage> claim(int max, Duration lease);

  /**
   * Ends claims: the queue has these messages now.
   *
   * @param claimed claimed messages
   * @return how many of them were still this claimer's to settle
   */
  int replayed(List<StoredMessage> claimed);

  /**
   * Ends a claim without success: counts an attempt and waits.
   *
   * @param claimed a claimed message
   * @param error what failed, without content
   * @param retryIn how long it is left alone
   * @return whether it was still this claimer's to settle
   */
  boolean failed(StoredMessage claimed, String error, Duration retryIn);

  /**
   * Ends a claim for good: the message waits for an operator.
   *
   * @param claimed a claimed message
   * @param error why, without content
   * @return whether it was still this claimer's to settle
   */
  boolean dead(StoredMessage claimed, String error);

  /**
   * Makes a dead message wait for replay again, due now and with its attempts forgotten.
   *
   * @param messageId the message's id
   * @return whether there was a dead message of that id
   */
  boolean revive(String messageId);

  /** {@return what the store holds} */
  FallbackBacklog backlog();

  /**
   * Asks whether this store is fit for use, for the check at start. May take some round trips. By
   * default that is whether it can be counted.
   *
   * @return what an operator should mend although it works, in words; empty if there is nothing
   * @throws FallbackException if it could not be asked, or must not be used as it is
   */
  default List<String> check() {
    backlog();
    return List.of();
  }
}
