package com.huntaze.ratelimiter.fallback;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Keeps messages that the queue would not take, until they are replayed.
 *
 * <p>Called by the client (to store) and by the {@link Replayer} (all else); what an operator does
 * by hand is {@link FallbackAdmin}'s. Implemented by {@link InMemoryFallbackStore} and, in its own
 * module, on JDBC; a new implementation runs the testkit's {@code FallbackStoreContract}.
 * Thread-safe, and safe to use from many processes where the store is shared. Every method throws
 * {@link FallbackException} if the store cannot be used; then nothing was changed as far as the
 * caller may assume, and storing again is safe.
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
   * Stores several messages at once, in this order; durably once this returns. Each fares as with
   * {@link #store}: one that is refused keeps no other out.
   *
   * @param messages the messages as accepted, and why the queue would not take them
   * @return item <i>i</i> is empty if message <i>i</i> is stored, else why it is not
   * @throws FallbackException if the store cannot be used; as far as the caller knows it has none
   *     of them
   */
  default List<Optional<FallbackException>> storeAll(List<NotQueued> messages) {
    List<Optional<FallbackException>> refusals = new ArrayList<>(messages.size());
    for (NotQueued each : messages) {
      try {
        store(each.message(), each.error());
        refusals.add(Optional.empty());
      } catch (FallbackException e) {
        refusals.add(Optional.of(e));
      }
    }
    return refusals;
  }

  /**
   * Stores a message for an operator: dead from the start, and never replayed unless it is revived.
   * The same message again changes nothing. One that was replayed before becomes dead, and so does
   * one that waits, whoever has claimed it: it must not be replayed beside a call in doubt. Only
   * where an operator has revived it since, it goes on waiting.
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
   * <p>A creator's messages are handed out in the order in which they were stored: none while an
   * earlier one waits that this claim does not hand out too, be it with another claimer or not due
   * yet.
   *
   * @param max the most to hand out, 1 or more
   * @param lease how long the claimer has
   * @return the claimed messages, in the order in which they were stored
   */
  List<StoredMessage> claim(int max, Duration lease);

  /**
   * Which creators have messages here that wait to be replayed, handed out or not: later messages
   * of theirs would overtake these in a queue that keeps order.
   *
   * @param creators the creators asked about, as {@link OutboundMessage#creator()} names them
   * @return those of them who have
   */
  Set<String> waiting(Set<String> creators);

  /**
   * Ends claims: the queue has these messages now.
   *
   * @param claimed claimed messages
   * @return how many of them were still this claimer's to settle
   */
  int replayed(List<StoredMessage> claimed);

  /**
   * Gives claims back unused: no attempt is counted, since these messages were not tried or what
   * failed was no fault of theirs.
   *
   * @param claimed claimed messages
   * @param retryIn how long they are left alone; zero for due at once
   * @return how many of them were still this claimer's to give back
   */
  int release(List<StoredMessage> claimed, Duration retryIn);

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
   * Deletes messages that were replayed or delivered long enough ago; those that wait or are dead
   * stay. In one small step, so that nobody who stores is held up; called again until it deletes
   * fewer than it was asked to.
   *
   * @param age how long ago that must have been, by the store's clock
   * @param max the most to delete, 1 or more
   * @return how many were deleted
   */
  int purge(Duration age, int max);

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
