package com.huntaze.ratelimiter;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gathers asynchronous sends into batches, on a few threads of its own behind a bounded buffer.
 *
 * <p>A send that finds no batch on its way goes at once, alone if it is alone; those that come
 * while batches are on their way leave when ten wait, when the oldest has waited for the linger, or
 * when no batch is left on its way. A future completes when its message has an outcome, and every
 * message that was taken in gets one, at the latest when the batcher closes.
 *
 * <p>Thread-safe. Threads start when there is work and end after 10 s without.
 */
final class Batcher implements Executor {
  private static final Logger log = LoggerFactory.getLogger(RateLimitedOnlyFansClient.class);
  static final int MAX_BATCH = 10;

  /** Batches on their way at once; more than keep a far side busy that takes some milliseconds. */
  private static final int THREADS = 32;

  private static final long IDLE_NANOS = Duration.ofSeconds(10).toNanos();

  /** How long calls that were interrupted at close may take to say what became of them. */
  private static final long LAST_WORDS_NANOS = Duration.ofSeconds(1).toNanos();

  /** One accepted message that waits for its outcome. */
  private static final class Pending {
    final OutboundMessage message;
    final long since;
    final int weight;
    final CompletableFuture<SendResult> future = new CompletableFuture<>();

    /** Ours, whatever the caller does with the future: cancel it, complete it, time it out. */
    private @Nullable SendResult outcome;

    synchronized @Nullable SendResult settled() {
      return outcome;
    }

    /** The first outcome stays. */
    synchronized SendResult settle(SendResult result) {
      if (outcome == null) {
        outcome = result;
      }
      return outcome;
    }

    Pending(OutboundMessage message, long since) {
      this.message = message;
      this.since = since;
      this.weight = weight(message);
    }
  }

  private final Limits limits;
  private final Ticker ticker;
  private final BiFunction<List<OutboundMessage>, Long, List<SendResult>> send;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();
  private final Condition room = lock.newCondition();
  private final Condition ended = lock.newCondition();
  private final Deque<Pending> waiting = new ArrayDeque<>();
  private final Deque<Runnable> tasks = new ArrayDeque<>();
  private final Set<List<Pending>> onTheirWay = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Set<Thread> threads = new HashSet<>();
  private int idle;
  private long bytes;
  private long started;
  private boolean closed;

  /**
   * What a batcher may hold, and how long it waits.
   *
   * @param messages the most messages that may wait
   * @param bytes the most bytes that may wait
   * @param linger how long a message waits for others while batches are on their way
   * @param patience how long a send waits for room
   * @param ordered whether one batch at a time is on its way, so that none overtakes another
   */
  record Limits(int messages, long bytes, Duration linger, Duration patience, boolean ordered) {}

  /**
   * Sets up a batcher without starting a thread.
   *
   * @param send what is done with up to ten messages, the oldest of which came at a ticker's time;
   *     item <i>i</i> of its answer belongs to message <i>i</i>
   */
  Batcher(
      Limits limits,
      Ticker ticker,
      BiFunction<List<OutboundMessage>, Long, List<SendResult>> send) {
    this.limits = limits;
    this.ticker = ticker;
    this.send = send;
  }

  /**
   * Takes a message in; waits for room while the buffer is full.
   *
   * @return its outcome in time, or null if there was no room for too long
   * @throws IllegalStateException if the batcher is closed
   */
  @Nullable CompletableFuture<SendResult> submit(OutboundMessage message) {
    Pending pending = new Pending(message, ticker.nanos());
    lock.lock();
    try {
      if (!awaitRoom(pending.weight)) {
        return null;
      }
      waiting.addLast(pending);
      bytes += pending.weight;
      wakeOne(waiting.size() == 1 || waiting.size() % MAX_BATCH == 0);
      return pending.future;
    } finally {
      lock.unlock();
    }
  }

  /** Runs a short task of the client's own, ahead of sends. */
  @Override
  public void execute(Runnable task) {
    lock.lock();
    try {
      if (closed) {
        throw new RejectedExecutionException("the client is closed");
      }
      tasks.addLast(task);
      wakeOne(true);
    } finally {
      lock.unlock();
    }
  }

  /** In characters, which is what messages take in memory, and a little for the rest. */
  private static int weight(OutboundMessage message) {
    int weight = 512 + message.content().map(String::length).orElse(0);
    weight += message.profileUrl().map(String::length).orElse(0);
    for (String url : message.mediaUrls()) {
      weight += url.length();
    }
    return message.metadata().isEmpty() ? weight : weight + weight(message.metadata());
  }

  private static int weight(@Nullable Object value) {
    int weight = 32;
    if (value instanceof String text) {
      weight += text.length();
    } else if (value instanceof Map<?, ?> map) {
      for (Map.Entry<?, ?> each : map.entrySet()) {
        weight += weight(each.getKey()) + weight(each.getValue());
      }
    } else if (value instanceof Collection<?> list) {
      for (Object each : list) {
        weight += weight(each);
      }
    }
    return weight;
  }

  private boolean awaitRoom(int weight) {
    // Its own threads make room: one that waits for some, in a caller's callback, would wait for
    // itself.
    long patience = threads.contains(Thread.currentThread()) ? 0 : limits.patience.toNanos();
    boolean interrupted = false;
    try {
      while (!closed && !hasRoom(weight)) {
        if (patience <= 0) {
          return false;
        }
        patience = room.awaitNanos(patience);
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
      return false;
    }
    if (closed) {
      throw new IllegalStateException("the client is closed");
    }
    return true;
  }

  private boolean hasRoom(int weight) {
    return waiting.isEmpty()
        || (waiting.size() < limits.messages && bytes + weight <= limits.bytes);
  }

  /** Sees to it that a thread looks at the work, if it is worth one. */
  private void wakeOne(boolean worthIt) {
    if (!worthIt) {
      return;
    }
    if (idle > 0) {
      work.signal();
    } else if (threads.size() < THREADS) {
      Thread thread = new Thread(this::work, "ratelimiter-send-" + ++started);
      thread.setDaemon(true);
      threads.add(thread);
      thread.start();
    }
  }

  private void work() {
    lock.lock();
    try {
      while (true) {
        if (!closed) {
          Thread.interrupted(); // a caller's callback may have left it set
        }
        Runnable task = tasks.pollFirst();
        if (task != null) {
          wakeOne(!waiting.isEmpty() || !tasks.isEmpty()); // it may take its time
          unlocked(task);
        } else if (isDue()) {
          sendNext();
        } else if (!awaitWork()) {
          return;
        }
      }
    } finally {
      threads.remove(Thread.currentThread());
      ended.signalAll();
      wakeOne(!waiting.isEmpty() || !tasks.isEmpty()); // if an error ended this thread
      lock.unlock();
    }
  }

  private boolean isDue() {
    if (waiting.isEmpty() || (limits.ordered && !onTheirWay.isEmpty())) {
      return false;
    }
    return onTheirWay.isEmpty() || closed || waiting.size() >= MAX_BATCH || lingerLeft() <= 0;
  }

  private long lingerLeft() {
    return waiting.isEmpty()
        ? IDLE_NANOS
        : limits.linger.toNanos() - (ticker.nanos() - waiting.getFirst().since);
  }

  /** Waits until there may be work; false if this thread is to end. */
  @SuppressWarnings("WaitNotInLoop") // the loop is the caller's
  private boolean awaitWork() {
    if (closed && waiting.isEmpty()) {
      return false;
    }
    boolean nothingToDo = waiting.isEmpty();
    long pause = limits.ordered && !onTheirWay.isEmpty() ? IDLE_NANOS : Math.max(1, lingerLeft());
    idle++;
    try {
      long left = work.awaitNanos(pause);
      return left > 0 || !nothingToDo || !waiting.isEmpty() || !tasks.isEmpty();
    } catch (InterruptedException e) {
      return !closed; // nobody but close interrupts
    } finally {
      idle--;
    }
  }

  private void sendNext() {
    List<Pending> batch = new ArrayList<>(Math.min(MAX_BATCH, waiting.size()));
    while (batch.size() < MAX_BATCH && !waiting.isEmpty()) {
      Pending next = waiting.removeFirst();
      bytes -= next.weight;
      batch.add(next);
    }
    onTheirWay.add(batch);
    room.signalAll();
    wakeOne(!limits.ordered && !waiting.isEmpty()); // who comes next has to be waited for
    List<SendResult> outcomes = new ArrayList<>(batch.size());
    try {
      unlocked(() -> send(batch, outcomes));
    } finally {
      onTheirWay.remove(batch); // before the callers' callbacks, which may take their time
      wakeOne(!waiting.isEmpty());
    }
    unlocked(
        () -> {
          for (int i = 0; i < batch.size(); i++) {
            batch.get(i).future.complete(outcomes.get(i));
          }
        });
  }

  private void send(List<Pending> batch, List<SendResult> outcomes) {
    List<SendResult> results;
    try {
      results = send.apply(batch.stream().map(each -> each.message).toList(), batch.get(0).since);
    } catch (RuntimeException | Error e) {
      log.error("A part failed in a way it should not: {}", e.getClass().getName());
      results = batch.stream().map(each -> failed(each.message, e)).toList();
    }
    for (int i = 0; i < batch.size(); i++) {
      outcomes.add(batch.get(i).settle(results.get(i)));
    }
  }

  private static SendResult failed(OutboundMessage message, Throwable e) {
    return new SendResult.Failed(
        message.messageId(), "a part failed, and the queue may have it: " + e.getClass().getName());
  }

  private void unlocked(Runnable task) {
    lock.unlock();
    try {
      task.run();
    } finally {
      lock.lock();
    }
  }

  /**
   * Takes nothing in any more and sends what waits; what has no outcome by the deadline gets one
   * from the spill. Idempotent.
   *
   * @param deadline how long sending may take
   * @param spill gives all messages left an outcome; a call of one may still be on its way
   * @return the outcomes of what had none by the deadline
   */
  List<SendResult> close(
      Duration deadline, Function<List<OutboundMessage>, List<SendResult>> spill) {
    List<Pending> left = stop(deadline);
    List<Pending> open = left.stream().filter(each -> each.settled() == null).toList();
    List<SendResult> spilled = spill.apply(open.stream().map(each -> each.message).toList());
    for (int i = 0; i < open.size(); i++) {
      open.get(i).settle(spilled.get(i));
    }
    List<SendResult> outcomes = new ArrayList<>(left.size());
    for (Pending each : left) {
      SendResult outcome = requireNonNull(each.settled());
      outcomes.add(outcome);
      each.future.complete(outcome);
    }
    return outcomes;
  }

  private List<Pending> stop(Duration deadline) {
    boolean interrupted = false;
    lock.lock();
    try {
      closed = true;
      room.signalAll();
      work.signalAll();
      wakeOne(!waiting.isEmpty());
      interrupted = !awaitEnd(deadline.toNanos());
      List<Pending> left = new ArrayList<>();
      onTheirWay.forEach(left::addAll);
      left.addAll(waiting);
      waiting.clear();
      tasks.clear();
      threads.stream().filter(t -> t != Thread.currentThread()).forEach(Thread::interrupt);
      interrupted |= !awaitEnd(LAST_WORDS_NANOS);
      return left;
    } finally {
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Whether a caller's callback closes the client: its thread is not waited for. */
  private boolean isOnlyThread() {
    return threads.size() == 1 && threads.contains(Thread.currentThread());
  }

  /** False if the wait was interrupted. */
  private boolean awaitEnd(long nanos) {
    long left = nanos;
    try {
      while (!threads.isEmpty() && !isOnlyThread() && left > 0) {
        left = ended.awaitNanos(left);
      }
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }
}
