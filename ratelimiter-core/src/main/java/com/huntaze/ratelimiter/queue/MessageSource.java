package com.huntaze.ratelimiter.queue;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Where a dispatcher or worker takes messages from: hands each out to one taker at a time, and
 * again if the taker does not delete it within its visibility time-out.
 *
 * <p>Implemented by {@link InMemoryQueue} and by adapters such as SQS. Thread-safe. Failures are
 * {@link SourceException}s; after one, the message in question may be handed out again.
 */
public interface MessageSource {
  /**
   * The longest a message can be hidden at a time, and all in all from its receive: that of SQS.
   */
  Duration MAX_VISIBILITY = Duration.ofHours(12);

  /**
   * One message and when it is handed out again.
   *
   * @param received what is in hand
   * @param visibility from now on, zero to 12 h; zero gives it back
   */
  record VisibilityChange(ReceivedMessage received, Duration visibility) {
    /**
     * Checks the range.
     *
     * @throws IllegalArgumentException if the visibility is out of it
     */
    public VisibilityChange {
      requireNonNull(received, "received");
      if (visibility.isNegative() || visibility.compareTo(MAX_VISIBILITY) > 0) {
        throw new IllegalArgumentException(
            "visibility must be PT0S to " + MAX_VISIBILITY + ", was " + visibility);
      }
    }
  }

  /**
   * One message for which the source did not acknowledge what was asked.
   *
   * @param received the message
   * @param reason what is known of it
   */
  record NotDone(ReceivedMessage received, SourceException reason) {
    /**
     * {@return whether the message is no longer in hand, so that asking again is of no use} If not,
     * the source may or may not have done what it was asked, and asking again can succeed.
     */
    public boolean isLost() {
      return reason instanceof NotInHandException;
    }
  }

  /**
   * {@return how long a message that was handed out stays hidden unless that is changed} More than
   * zero, 12 h at most, and always the same.
   */
  Duration visibility();

  /**
   * {@return whether it hands out one creator's messages in order, and none behind one that is in
   * hand} If so, whoever takes them works on them one after the other. False by default.
   */
  default boolean keepsOrder() {
    return false;
  }

  /**
   * A source for each priority, taken as one: each receive shares what it takes by the weights of
   * the priorities that have messages, so that high overtakes low and low never starves. What is
   * said of a message goes to the source it came from. A receive asks up to three sources once or
   * twice; if all are empty, it waits at one after the other. Its visibility is the shortest of
   * theirs.
   *
   * @param sources where each priority's messages come from, one or more
   * @return the one source
   * @throws IllegalArgumentException if there is none
   */
  static MessageSource byPriority(Map<Priority, MessageSource> sources) {
    return new PrioritySource(sources);
  }

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
   * Ends any number of messages. Faults are answers here: one message that is not deleted says
   * nothing about its neighbours. Does not retry.
   *
   * @param received what is done with
   * @return those that were not acknowledged, in the order given; empty if all were
   */
  default List<NotDone> deleteAll(List<ReceivedMessage> received) {
    List<NotDone> notDone = new ArrayList<>();
    for (ReceivedMessage each : received) {
      try {
        delete(each);
      } catch (SourceException e) {
        notDone.add(new NotDone(each, e));
      }
    }
    return notDone;
  }

  /**
   * Sets when a message that is in hand is handed out again: later, to keep it while it is worked
   * on; zero, to give it back.
   *
   * @param received what is in hand
   * @param visibility from now on, zero to 12 h
   * @throws NotInHandException if it is known to be no longer in hand
   * @throws SourceException if the source did not acknowledge it
   */
  void changeVisibility(ReceivedMessage received, Duration visibility);

  /**
   * Sets when each of any number of messages is handed out again. Faults are answers here: one
   * message that is not changed says nothing about its neighbours. Does not retry.
   *
   * @param changes what is in hand, each with its own visibility
   * @return those that were not acknowledged, in the order given; empty if all were
   */
  default List<NotDone> changeVisibilityAll(List<VisibilityChange> changes) {
    List<NotDone> notDone = new ArrayList<>();
    for (VisibilityChange change : changes) {
      try {
        changeVisibility(change.received(), change.visibility());
      } catch (SourceException e) {
        notDone.add(new NotDone(change.received(), e));
      }
    }
    return notDone;
  }

  /**
   * Puts a message aside for an operator: it is not handed out again and not lost.
   *
   * @param received what is put aside
   * @param reason a short code, without content
   * @throws NotInHandException if it is known to be no longer in hand
   * @throws SourceException if it could not be put aside; then it is still in the queue
   */
  void deadLetter(ReceivedMessage received, String reason);
}
