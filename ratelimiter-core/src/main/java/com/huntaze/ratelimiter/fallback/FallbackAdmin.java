package com.huntaze.ratelimiter.fallback;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.util.List;
import java.util.Optional;

/**
 * What an operator does with stored messages by hand: look, revive, delete, erase.
 *
 * <p>Called by the operator's command line and pages. Implemented by the stores beside {@link
 * FallbackStore}; a new implementation runs the testkit's {@code FallbackAdminContract}.
 * Thread-safe, and safe to use while messages are stored and replayed. Every method throws {@link
 * FallbackException} if the store cannot be used.
 */
public interface FallbackAdmin {
  /**
   * Lists messages of a status, in the order in which they were stored.
   *
   * @param status where they stand
   * @param max the most to list, 1 or more
   * @param after the {@link StoredEntry#position()} of the last entry of the page before; 0 to
   *     begin
   * @return the entries, fewer than asked for at the end
   */
  List<StoredEntry> list(StoredStatus status, int max, long after);

  /**
   * Looks one message up.
   *
   * @param messageId the message's id
   * @return where it stands; empty if the store does not have it
   */
  Optional<StoredEntry> find(String messageId);

  /**
   * Reads one message, content and all.
   *
   * @param messageId the message's id
   * @return the message as it was accepted; empty if the store does not have it
   * @throws FallbackException if the store has it and cannot read it, too
   */
  Optional<OutboundMessage> read(String messageId);

  /**
   * Makes a dead message wait for replay again, due now and with its attempts forgotten. Its {@link
   * OutboundMessage#revival()} goes up by one, so that no queue takes it for a repetition.
   *
   * @param messageId the message's id
   * @return whether there was a dead message of that id
   */
  boolean revive(String messageId);

  /**
   * Deletes a dead message for good.
   *
   * @param messageId the message's id
   * @return whether there was a dead message of that id
   */
  boolean delete(String messageId);

  /**
   * Deletes everything stored on behalf of a user, waiting messages too: they are not sent any
   * more. In steps; when this returns there is nothing left of what was stored before the call.
   *
   * @param userId the user's id
   * @return how many messages were deleted
   */
  long eraseUser(String userId);

  /**
   * Deletes everything stored for a recipient, as {@link #eraseUser} does for a user.
   *
   * @param recipientId the recipient's id
   * @return how many messages were deleted
   */
  long eraseRecipient(String recipientId);
}
