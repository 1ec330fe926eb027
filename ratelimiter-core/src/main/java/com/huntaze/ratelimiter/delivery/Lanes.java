package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.PriorityTurns;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What waits at hand for a sender, creator by creator. Priorities share the turns by weight; within
 * one, the creator with the fewest calls goes first, and then the one that has waited longest, so
 * that nobody waits behind another's burst. Where order is kept, a creator has one message at work.
 * Thread-safe.
 */
final class Lanes {
  /** A message at work, until {@link #done}. */
  static final class Work {
    private final String creator;
    final Hand hand;

    private Work(String creator, Hand hand) {
      this.creator = creator;
      this.hand = hand;
    }
  }

  private static final class Lane {
    final Deque<Hand> waiting = new ArrayDeque<>();
    int atWork;

    boolean isIdle() {
      return waiting.isEmpty() && atWork == 0;
    }
  }

  private final int senders;
  private final boolean ordered;

  /** How many of a creator are at work: one that waits for its own limit leaves others a sender. */
  private final int most;

  private final PriorityTurns turns = new PriorityTurns();

  /** In the order of their turns. */
  private final Map<String, Lane> lanes = new LinkedHashMap<>();

  private final Semaphore changes = new Semaphore(0);
  private int atWork;
  private int unanswered;
  private boolean closed;

  /**
   * No lanes yet.
   *
   * @param senders how many messages are worked on side by side
   * @param ordered whether a creator's messages go one after the other
   */
  Lanes(int senders, boolean ordered) {
    this.senders = senders;
    this.ordered = ordered;
    this.most = ordered ? 1 : Math.max(1, (senders + 1) / 2);
  }

  /** Of how many creators these are; one that cannot be read is nobody's but its own. */
  static long creators(List<ReceivedMessage> received) {
    return received.stream().map(Lanes::creator).distinct().count();
  }

  private static String creator(ReceivedMessage received) {
    return received.message().map(OutboundMessage::creator).orElse(received.handle());
  }

  /** Adds messages in the order in which they were received. */
  synchronized void add(List<Hand> hands) {
    for (Hand hand : hands) {
      lanes.computeIfAbsent(creator(hand.received()), key -> new Lane()).waiting.addLast(hand);
    }
    changed();
  }

  /** How many messages are about to ask for a permit: the bucket's state knows nothing of them. */
  synchronized int unasked() {
    return unanswered + Math.min(startable(), senders - atWork);
  }

  /**
   * Whether more may be of use at hand: a sender is free, or all are busy with so few creators that
   * others may be waiting behind a burst of theirs.
   */
  synchronized boolean hasRoom() {
    return atWork + startable() < senders || lanes.size() < senders;
  }

  private int startable() {
    int startable = 0;
    for (Lane lane : lanes.values()) {
      if (isReady(lane)) {
        startable += Math.min(lane.waiting.size(), most - lane.atWork);
      }
    }
    return startable;
  }

  private boolean isReady(Lane lane) {
    return !lane.waiting.isEmpty() && lane.atWork < most;
  }

  /**
   * Waits for a message whose turn it is.
   *
   * @return what to work on; null once closed
   */
  synchronized @Nullable Work next() throws InterruptedException {
    while (!closed) {
      String creator = pick();
      if (creator != null) {
        return start(creator);
      }
      wait();
    }
    return null;
  }

  private @Nullable String pick() {
    Set<Priority> priorities = EnumSet.noneOf(Priority.class);
    for (Lane lane : lanes.values()) {
      if (isReady(lane)) {
        priorities.add(priority(lane));
      }
    }
    if (priorities.isEmpty()) {
      return null;
    }
    Priority turn = turns.next(priorities);
    String picked = null;
    int fewest = Integer.MAX_VALUE;
    for (Map.Entry<String, Lane> each : lanes.entrySet()) {
      Lane lane = each.getValue();
      if (isReady(lane) && priority(lane) == turn && lane.atWork < fewest) {
        picked = each.getKey();
        fewest = lane.atWork;
      }
    }
    return picked;
  }

  private static Priority priority(Lane lane) {
    return lane.waiting
        .getFirst()
        .received()
        .message()
        .map(OutboundMessage::priority)
        .orElse(Priority.MEDIUM);
  }

  private Work start(String creator) {
    Lane lane = lanes.remove(creator);
    if (lane == null) {
      throw new IllegalStateException("a picked lane must be there");
    }
    lanes.put(creator, lane); // to the end of the creators' turns
    lane.atWork++;
    atWork++;
    unanswered++;
    Hand hand = lane.waiting.removeFirst();
    hand.onAnswer(this::answered);
    return new Work(creator, hand);
  }

  private synchronized void answered() {
    unanswered--;
    changed();
  }

  /**
   * Ends the work on a message.
   *
   * @param goOn whether those behind it may go; if not, and where order is kept, they leave too
   * @return those that leave, for the caller to give back
   */
  synchronized List<Hand> done(Work work, boolean goOn) {
    work.hand.answered();
    atWork--;
    Lane lane = lanes.get(work.creator);
    if (lane == null) {
      return List.of();
    }
    lane.atWork--;
    List<Hand> behind = new ArrayList<>();
    if (ordered && !goOn) {
      behind.addAll(lane.waiting);
      lane.waiting.clear();
    }
    if (lane.isIdle()) {
      lanes.remove(work.creator);
    }
    changed();
    return behind;
  }

  /** Waits until something begins, asks, ends or comes, for a while at most. */
  void awaitChange(Duration longest) throws InterruptedException {
    if (changes.tryAcquire(longest.toNanos(), TimeUnit.NANOSECONDS)) {
      changes.drainPermits(); // one look is enough for all of them
    }
  }

  private void changed() {
    changes.release();
    notifyAll();
  }

  /** Hands out no more. What waits is left to whoever stops. */
  synchronized void close() {
    closed = true;
    changed();
  }
}
