package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SourceException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One message in hand, and the ways out of it: each is taken once, and the heartbeat has ended with
 * the message before the source is told. Thread-safe: one thread works on it, and a stop may give
 * it back while it only waits.
 */
final class Hand {
  private static final Logger log = LoggerFactory.getLogger(Dispatcher.class);

  private enum State {
    /** For a permit, or for one ahead of it. */
    WAITING,
    /** From before the sent-log is told until its call has ended. */
    BEGUN,
    /** By the stop, or because one ahead of it went back: whoever took it gives it back. */
    TAKEN,
    /** Given back, ended, or lost. */
    GONE
  }

  private final ReceivedMessage received;
  private final MessageSource source;
  private final Heartbeat heartbeat;
  private final FaultLog faults;
  private final AtomicReference<Runnable> onAnswer = new AtomicReference<>(() -> {});
  private final AtomicReference<State> state = new AtomicReference<>(State.WAITING);

  Hand(ReceivedMessage received, MessageSource source, Heartbeat heartbeat, FaultLog faults) {
    this.received = received;
    this.source = source;
    this.heartbeat = heartbeat;
    this.faults = faults;
  }

  ReceivedMessage received() {
    return received;
  }

  /** Whether the source may have handed it to somebody else. */
  boolean isLost() {
    return !heartbeat.isHeld(received);
  }

  /** Who is told once that the bucket has answered for it, so that its state counts it. */
  void onAnswer(Runnable told) {
    onAnswer.set(told);
  }

  /** The bucket has answered for it, or will not be asked any more. */
  void answered() {
    onAnswer.getAndSet(() -> {}).run();
  }

  /** Begins the work from which a stop does not take it; answers false if it was taken before. */
  boolean begin() {
    return state.compareAndSet(State.WAITING, State.BEGUN);
  }

  /** Waits again: its call has ended without an end to the message. */
  void await() {
    state.compareAndSet(State.BEGUN, State.WAITING);
  }

  /** Takes it from whoever waits with it; answers whether the caller is who gives it back. */
  boolean take() {
    return state.compareAndSet(State.WAITING, State.TAKEN);
  }

  /** Whether somebody else gives it back. */
  boolean isTaken() {
    return state.get() == State.TAKEN;
  }

  /** Lets the source hand it out again after a delay; does nothing if it is gone or lost. */
  void giveBack(Duration delay) {
    if (!leaves()) {
      return;
    }
    if (heartbeat.release(List.of(received)).isEmpty()) {
      log.info("{} was lost while it was in hand; it comes back by itself", received);
      return;
    }
    Duration longest = MessageSource.MAX_VISIBILITY;
    try {
      source.changeVisibility(received, delay.compareTo(longest) < 0 ? delay : longest);
    } catch (SourceException e) {
      faults.warn("A message could not be given back; it comes back by itself", e);
    }
  }

  /** Ends it. */
  void delete() {
    end();
    try {
      source.delete(received);
    } catch (SourceException e) {
      faults.warn("A finished message could not be deleted; the sent-log stops it", e);
    }
  }

  /**
   * Puts it aside.
   *
   * @throws SourceException if it was not; then it comes back by itself
   */
  void deadLetter(String reason) {
    end();
    source.deadLetter(received, reason);
  }

  /**
   * Whatever became of it, it is not kept from here on; if it was taken, the taker sees to that.
   */
  void end() {
    if (leaves()) {
      heartbeat.drop(received);
    }
  }

  private boolean leaves() {
    State before = state.getAndUpdate(now -> now == State.TAKEN ? now : State.GONE);
    return before == State.WAITING || before == State.BEGUN;
  }
}
