package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.MessageSource.NotDone;
import com.huntaze.ratelimiter.queue.MessageSource.VisibilityChange;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * What a dispatcher has in hand, and how much more it can take. Once stopped it takes nothing: what
 * comes goes back. Thread-safe.
 */
final class Hands {
  private final MessageSource source;
  private final Heartbeat heartbeat;
  private final FaultLog faults;
  private final int most;
  private final Semaphore free;
  private final Set<Hand> taken = new LinkedHashSet<>();
  private boolean stopped;

  Hands(int most, MessageSource source, Heartbeat heartbeat, FaultLog faults) {
    this.most = most;
    this.free = new Semaphore(most);
    this.source = source;
    this.heartbeat = heartbeat;
    this.faults = faults;
  }

  /** Waits until one more message can be taken; answers whether one can. */
  boolean awaitFree(Duration longest) throws InterruptedException {
    if (!free.tryAcquire(longest.toNanos(), TimeUnit.NANOSECONDS)) {
      return false;
    }
    free.release();
    return true;
  }

  /** How many more messages can be taken. */
  int free() {
    return free.availablePermits();
  }

  /** How many messages are in hand: received, and neither ended nor given back. */
  int count() {
    return most - free();
  }

  /**
   * Takes what was received just now: the heartbeat keeps it from here on.
   *
   * @return a hand for each, in order; none if the dispatcher was told to stop, and then they are
   *     given back
   */
  List<Hand> take(List<ReceivedMessage> received) {
    heartbeat.hold(received);
    free.acquireUninterruptibly(received.size());
    synchronized (this) {
      if (!stopped) {
        List<Hand> hands = new ArrayList<>(received.size());
        for (ReceivedMessage each : received) {
          hands.add(new Hand(each, source, heartbeat, faults));
        }
        taken.addAll(hands);
        return hands;
      }
    }
    giveBackAll(received);
    free.release(received.size());
    return List.of();
  }

  /** Nobody works on a message any more. One that was taken leaves when it has been given back. */
  void leave(Hand hand) {
    if (!hand.isTaken()) {
      hand.end();
      remove(hand);
    }
  }

  private void remove(Hand hand) {
    synchronized (this) {
      taken.remove(hand);
    }
    free.release();
  }

  /** Takes no more messages, and takes from whoever holds them those that only wait. */
  synchronized List<Hand> stop() {
    stopped = true;
    return taken.stream().filter(Hand::take).toList();
  }

  /** Gives back messages that were taken from who held them, in one go. Never fails. */
  void giveBack(Collection<Hand> hands) {
    giveBackAll(hands.stream().map(Hand::received).toList());
    hands.forEach(this::remove);
  }

  private void giveBackAll(List<ReceivedMessage> received) {
    try {
      List<NotDone> notDone = show(heartbeat.release(received));
      // Once more, since it is the last that is said of them; what is lost is not ours to change.
      notDone = show(notDone.stream().filter(n -> !n.isLost()).map(NotDone::received).toList());
      if (!notDone.isEmpty()) {
        faults.warn(
            "Messages could not be given back; they come back by themselves",
            notDone.get(0).reason());
      }
    } catch (RuntimeException e) {
      faults.warn("A part failed in a way it should not", e);
    }
  }

  private List<NotDone> show(List<ReceivedMessage> received) {
    return received.isEmpty()
        ? List.of()
        : source.changeVisibilityAll(
            received.stream().map(each -> new VisibilityChange(each, Duration.ZERO)).toList());
  }
}
