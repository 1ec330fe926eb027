package com.huntaze.ratelimiter.queue;

import java.time.Duration;
import java.util.List;

/**
 * Where a dispatcher or worker takes messages from: hands each out to one taker at a time, and
 * again if the taker does not delete it within its visibility time-out.
 *
 * <p>Implemented by {@link InMemoryQueue} and by adapters such as SQS. Thread-safe. Failures are
 * {@link SourceException}s; after one, the message in question may be handed out again.
 */
public interface MessageSource {
  /**
   * Takes messages that can be worked on now.
   *
   * @param max the most to take, 1 to 10
   * @param wait how long to wait for the first one; the source may cap it
   * @return what was taken, in order; empty if nothing came in time or the thread was interrupted
   *     (the flag stays set)
   * @throws SourceException if the source could not be asked
   */
  List<ReceivedMessage> receive(int max, Duration wait);

  /**
   * Ends a message: it is not handed out again.
   *
   * @param received what is done with
   * @throws SourceException if the source did not acknowledge it
   */
  void delete(ReceivedMessage received);

  /**
   * Sets when a message that is in hand is handed out again: later, to keep it while it is worked
   * on; zero, to give it back.
   *
   * @param received what is in hand
   * @param visibility from now on, zero to 12 h
   * @throws SourceException if the source did not acknowledge it
   */
  void changeVisibility(ReceivedMessage received, Duration visibility);

  /**
   * Puts a message aside for an operator: it is not handed out again and not lost.
   *
   * @param received what is put aside
   * @param reason a short code, without content
   * @throws SourceException if it could not be put aside; then it is still in the queue
   */
  void deadLetter(ReceivedMessage received, String reason);
}
