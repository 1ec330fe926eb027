package com.huntaze.ratelimiter.queue;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The bounded queue of one process: sink and source of the embedded topology.
 *
 * <p>Thread-safe. Priorities share the turns by weight while several wait; within a priority,
 * creators take turns, so that nobody waits behind another's burst; one creator's messages of one
 * priority leave in the order they came, one in hand at a time. A full queue refuses with {@link
 * Kind#BACK_PRESSURE} at once. What it holds is gone with the process, unless the client has a
 * fallback store to spill it to when it closes.
 */
public final class InMemoryQueue implements MessageSink, MessageSource {
  /** How long a message stays in hand without a word before it is handed out again. */
  private static final Duration VISIBILITY = Duration.ofSeconds(60);

  /** One creator's messages of one priority; the head is what is in hand or next. */
  private static final class Lane {
    final Deque<OutboundMessage> messages = new ArrayDeque<>();
    @Nullable String handle;
    long visibleAt;
    int receives;

    boolean hiddenAt(long now) {
      return receives > 0 && now - visibleAt < 0;
    }
  }

  private final int capacity;
  private final Ticker ticker;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** By priority, then by creator in the order of their turns. */
  private final Map<Priority, Map<String, Lane>> lanes = new EnumMap<>(Priority.class);

  private final PriorityTurns turns = new PriorityTurns();
  private final Map<String, Lane> inHand = new HashMap<>();
  private final List<OutboundMessage> deadLetters = new ArrayList<>();
  private int size;
  private boolean drained;
  private long receives;

  /**
   * A queue on the JVM's monotonic clock.
   *
   * @param capacity the most messages it holds, in hand ones included; 1 or more
   */
  public InMemoryQueue(int capacity) {
    this(capacity, Ticker.system());
  }

  /**
   * A queue on a given clock.
   *
   * @param capacity the most messages it holds, in hand ones included; 1 or more
   * @param ticker what visibility is measured by
   */
  public InMemoryQueue(int capacity, Ticker ticker) {
    if (capacity < 1) {
      throw new IllegalArgumentException("capacity must be 1 or more, was " + capacity);
    }
    this.capacity = capacity;
    this.ticker = requireNonNull(ticker, "ticker");
    for (Priority priority : Priority.values()) {
      lanes.put(priority, new LinkedHashMap<>());
    }
  }

  @Override
  public SinkResult.Taken send(OutboundMessage message) {
    lock.lock();
    try {
      if (drained) {
        throw new SinkException(Kind.BACK_PRESSURE, "the in-memory queue is closed", null);
      }
      if (size >= capacity) {
        throw new SinkException(
            Kind.BACK_PRESSURE, "the in-memory queue is full: " + capacity + " messages", null);
      }
      waiting(message.priority())
          .computeIfAbsent(message.creator(), key -> new Lane())
          .messages
          .addLast(message);
      size++;
      changed.signalAll();
      return new SinkResult.Taken(Optional.empty());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Duration visibility() {
    return VISIBILITY;
  }

  @Override
  public List<ReceivedMessage> receive(int max, Duration wait) {
    if (max < 1 || max > 10) {
      throw new IllegalArgumentException("max must be 1 to 10, was " + max);
    }
    long remaining = wait.toNanos();
    List<ReceivedMessage> taken = new ArrayList<>();
    lock.lock();
    try {
      while (true) {
        while (taken.size() < max) {
          Lane lane = nextLane();
          if (lane == null) {
            break;
          }
          taken.add(take(lane));
        }
        if (!taken.isEmpty() || remaining <= 0) {
          return taken;
        }
        long pause = Math.min(remaining, untilNextVisible());
        remaining -= pause - changed.awaitNanos(pause);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return taken;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void delete(ReceivedMessage received) {
    lock.lock();
    try {
      remove(received);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void changeVisibility(ReceivedMessage received, Duration visibility) {
    lock.lock();
    try {
      Lane lane = inHand.get(received.handle());
      long now = ticker.nanos();
      if (lane == null || !lane.hiddenAt(now)) {
        throw notInHand(received);
      }
      lane.visibleAt = now + visibility.toNanos();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void deadLetter(ReceivedMessage received, String reason) {
    lock.lock();
    try {
      OutboundMessage message = remove(received);
      if (message == null) {
        throw notInHand(received);
      }
      deadLetters.add(message);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public QueueDepth depth() {
    lock.lock();
    try {
      long now = ticker.nanos();
      long hidden = inHand.values().stream().filter(lane -> lane.hiddenAt(now)).count();
      return new QueueDepth(
          size - hidden, hidden, 0, OptionalLong.of(deadLetters.size()), Optional.empty());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean keepsOrder() {
    return true;
  }

  /**
   * Takes everything out, for spilling to a store at close; from then on nothing is taken in.
   *
   * @return what the queue held
   */
  public Drained drain() {
    lock.lock();
    try {
      List<OutboundMessage> waiting = new ArrayList<>();
      List<OutboundMessage> handedOut = new ArrayList<>(deadLetters);
      for (Map<String, Lane> ofPriority : lanes.values()) {
        for (Lane lane : ofPriority.values()) {
          if (lane.receives > 0) {
            handedOut.add(lane.messages.removeFirst());
          }
          waiting.addAll(lane.messages);
        }
        ofPriority.clear();
      }
      drained = true;
      inHand.clear();
      deadLetters.clear();
      size = 0;
      return new Drained(waiting, handedOut);
    } finally {
      lock.unlock();
    }
  }

  /**
   * What a queue held when it was drained.
   *
   * @param waiting messages that were never handed out; one creator's of one priority in order
   * @param handedOut messages that were handed out before, or put aside: the sent-log knows which
   *     of them may have been delivered
   */
  public record Drained(List<OutboundMessage> waiting, List<OutboundMessage> handedOut) {}

  private ReceivedMessage take(Lane lane) {
    if (lane.handle != null) {
      inHand.remove(lane.handle); // an earlier holder was too slow: its handle is void
    }
    lane.receives++;
    lane.handle = Long.toString(++receives);
    lane.visibleAt = ticker.nanos() + VISIBILITY.toNanos();
    inHand.put(lane.handle, lane);
    return ReceivedMessage.of(lane.handle, lane.messages.getFirst(), lane.receives);
  }

  private static NotInHandException notInHand(ReceivedMessage received) {
    return new NotInHandException(received + " is no longer in hand", null);
  }

  private @Nullable OutboundMessage remove(ReceivedMessage received) {
    Lane lane = inHand.remove(received.handle());
    if (lane == null) {
      return null;
    }
    lane.handle = null;
    lane.receives = 0;
    size--;
    OutboundMessage message = lane.messages.removeFirst();
    if (lane.messages.isEmpty()) {
      waiting(message.priority()).remove(message.creator());
    }
    changed.signalAll();
    return message;
  }

  /** Picks a priority by weighted turns, then the creator of it that has waited longest. */
  private @Nullable Lane nextLane() {
    Map<Priority, String> ready = new EnumMap<>(Priority.class);
    long now = ticker.nanos();
    for (Priority priority : Priority.values()) {
      for (Map.Entry<String, Lane> entry : waiting(priority).entrySet()) {
        if (!entry.getValue().hiddenAt(now)) {
          ready.put(priority, entry.getKey());
          break;
        }
      }
    }
    if (ready.isEmpty()) {
      return null;
    }
    Priority picked = turns.next(ready.keySet());
    Map<String, Lane> ofPriority = waiting(picked);
    String creator = requireNonNull(ready.get(picked));
    Lane lane = requireNonNull(ofPriority.remove(creator));
    ofPriority.put(creator, lane); // to the end of the creators' turns
    return lane;
  }

  private long untilNextVisible() {
    long now = ticker.nanos();
    return inHand.values().stream()
        .mapToLong(lane -> Math.max(lane.visibleAt - now, TimeUnit.MILLISECONDS.toNanos(1)))
        .min()
        .orElse(Long.MAX_VALUE);
  }

  private Map<String, Lane> waiting(Priority priority) {
    return requireNonNull(lanes.get(priority));
  }
}
