package com.huntaze.ratelimiter.sqs;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Any number of messages on their way in calls that SQS takes, and what became of each. Where order
 * is kept, of a group no call has two messages, and none is sent before the one ahead of it is
 * known to be in the queue or never will be: so none overtakes another. Confined to one thread.
 */
final class SqsBatch {
  /** A message's place in the batch, and the message. */
  record Item(int index, SqsEntry entry) {}

  private final @Nullable SinkResult[] results;
  private final int maxBytes;
  private final boolean keepsOrder;

  /** What is still to be sent: each group's messages in order, and every other message alone. */
  private final Map<String, Deque<Item>> lanes = new LinkedHashMap<>();

  /**
   * Sets it up.
   *
   * @param keepsOrder whether messages of a group must not overtake one another
   */
  SqsBatch(int size, int maxBytes, boolean keepsOrder) {
    this.results = new SinkResult[size];
    this.maxBytes = maxBytes;
    this.keepsOrder = keepsOrder;
  }

  void add(int index, SqsEntry entry) {
    lanes
        .computeIfAbsent(laneOf(index, entry), lane -> new ArrayDeque<>())
        .addLast(new Item(index, entry));
  }

  private String laneOf(int index, SqsEntry entry) {
    return entry.group() == null || !keepsOrder ? "#" + index : "g" + entry.group();
  }

  /** Takes out what goes into the next call; empty if nothing is left. */
  List<Item> nextCall() {
    List<Item> call = new ArrayList<>();
    long bytes = 0;
    Iterator<Deque<Item>> iterator = lanes.values().iterator();
    while (iterator.hasNext() && call.size() < SqsRules.MAX_ENTRIES) {
      Deque<Item> lane = iterator.next();
      bytes += lane.getFirst().entry().bytes();
      if (bytes > maxBytes && !call.isEmpty()) {
        break;
      }
      call.add(lane.removeFirst());
      if (lane.isEmpty()) {
        iterator.remove();
      }
    }
    return call;
  }

  void taken(Item item, @Nullable String sinkId) {
    results[item.index()] = new SinkResult.Taken(Optional.ofNullable(sinkId));
  }

  void notTaken(int index, SinkException reason) {
    results[index] = new SinkResult.NotTaken(reason);
  }

  /** Not taken, nor are those behind it, unless it is certain that it never will be there. */
  void notTaken(Item item, SinkException reason) {
    notTaken(item.index(), reason);
    if (reason.kind() != Kind.MESSAGE_REFUSED) {
      Deque<Item> behind = lanes.remove(laneOf(item.index(), item.entry()));
      if (behind != null) {
        notTried(behind, "an earlier message of its creator was not taken", reason);
      }
    }
  }

  /** Gives up what was not tried yet. */
  void stop(SinkException reason) {
    lanes.values().forEach(lane -> notTried(lane, "the calls before it failed", reason));
    lanes.clear();
  }

  private void notTried(Collection<Item> items, String why, SinkException reason) {
    Kind kind = reason.kind() == Kind.AMBIGUOUS ? Kind.NOT_SENT : reason.kind();
    for (Item item : items) {
      notTaken(
          item.index(),
          new SinkException(kind, "not tried, " + why + ": " + reason.getMessage(), null));
    }
  }

  /** What became of each message, once there is no next call. */
  List<SinkResult> results() {
    List<SinkResult> all = new ArrayList<>(results.length);
    for (SinkResult result : results) {
      all.add(requireNonNull(result));
    }
    return all;
  }
}
