package com.huntaze.ratelimiter.delivery;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.MessageSource.NotDone;
import com.huntaze.ratelimiter.queue.MessageSource.VisibilityChange;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Keeps messages in hand hidden while they are worked on: each {@link #beat} renews, ten a call,
 * those whose visibility has passed by two thirds. Thread-safe.
 *
 * <p>It interrupts nobody. A message whose renewal is refused, or whose time passed before one
 * succeeded, is lost: it may be somebody else's, so it is not renewed again, and whoever works on
 * it asks {@link #isHeld} before the call. A renewal that fails otherwise is tried again by the
 * next beat. From 12 h after its receive on, a message cannot be kept.
 */
final class Heartbeat {
  private static final int MAX_BATCH = 10;

  /** The source counts from before the message was here, and in whole seconds. */
  private static final Duration LONGEST = MessageSource.MAX_VISIBILITY.minusSeconds(30);

  /** How long a message has been and will be hidden. */
  private static final class Pulse {
    final long since;
    long until;
    boolean lost;

    Pulse(long since, long until) {
      this.since = since;
      this.until = until;
    }
  }

  private final MessageSource source;
  private final Ticker ticker;
  private final Duration visibility;

  /** Its own: what a delivery clears is not what a beat said. */
  private final FaultLog faults = new FaultLog();

  /** In the order of their receives; a received message is equal to itself alone. */
  private final Map<ReceivedMessage, Pulse> held = new LinkedHashMap<>();

  /** What a call of the source is under way for. */
  private final Map<ReceivedMessage, Pulse> renewing = new HashMap<>();

  Heartbeat(MessageSource source, Ticker ticker) {
    this.source = source;
    this.ticker = ticker;
    this.visibility = source.visibility();
  }

  /** How often to beat: a few times in the third of the visibility that is left for a renewal. */
  Duration interval() {
    long nanos = visibility.dividedBy(12).toNanos();
    return Duration.ofNanos(
        Math.max(TimeUnit.MILLISECONDS.toNanos(1), Math.min(TimeUnit.SECONDS.toNanos(1), nanos)));
  }

  /** Begins with messages that were received just now. */
  synchronized void hold(Collection<ReceivedMessage> received) {
    long now = ticker.nanos();
    received.forEach(each -> held.put(each, new Pulse(now, now + visibility.toNanos())));
  }

  /** Whether a message is certainly hidden from others still. */
  synchronized boolean isHeld(ReceivedMessage received) {
    Pulse pulse = held.get(received);
    return pulse != null && isHidden(pulse, ticker.nanos());
  }

  /** Ends with a message that is deleted or put aside: a late renewal of it does nothing. */
  synchronized void drop(ReceivedMessage received) {
    held.remove(received);
  }

  /**
   * Ends with messages that are given back: when it returns, no renewal of them is on its way that
   * could hide them again. Waits for at most one call of the source.
   *
   * @return those that were held until now; the rest may be somebody else's
   */
  synchronized List<ReceivedMessage> release(Collection<ReceivedMessage> received) {
    Map<ReceivedMessage, Pulse> released = new LinkedHashMap<>();
    for (ReceivedMessage each : received) {
      Pulse pulse = held.remove(each);
      if (pulse != null) {
        released.put(each, pulse);
      }
    }
    boolean interrupted = false;
    while (received.stream().anyMatch(renewing::containsKey)) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true; // the source's calls are bounded, and a renewal must not come last
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    long now = ticker.nanos();
    released.values().removeIf(pulse -> !isHidden(pulse, now));
    return List.copyOf(released.keySet());
  }

  /** Renews what is due. Called by one thread again and again; never fails. */
  void beat() {
    List<ReceivedMessage> due = due();
    for (int i = 0; i < due.size(); i += MAX_BATCH) {
      renew(due.subList(i, Math.min(i + MAX_BATCH, due.size())));
    }
  }

  private synchronized List<ReceivedMessage> due() {
    long now = ticker.nanos();
    return held.entrySet().stream()
        .filter(each -> isDue(each.getValue(), now))
        .sorted(Comparator.comparingLong(each -> each.getValue().until - now))
        .map(Map.Entry::getKey)
        .toList();
  }

  /** Two thirds of the visibility have passed, and a renewal gains something: not so at the end. */
  private boolean isDue(Pulse pulse, long now) {
    long left = pulse.until - now;
    return isHidden(pulse, now)
        && left <= visibility.dividedBy(3).toNanos()
        && longest(pulse, now).toNanos() - left > visibility.dividedBy(2).toNanos();
  }

  private static boolean isHidden(Pulse pulse, long now) {
    return !pulse.lost && pulse.until - now > 0;
  }

  /** How long it can be hidden from now on: in whole seconds at the end, which SQS would exceed. */
  private Duration longest(Pulse pulse, long now) {
    Duration left = LONGEST.minusNanos(now - pulse.since).truncatedTo(ChronoUnit.SECONDS);
    return left.compareTo(visibility) < 0 ? left : visibility;
  }

  private void renew(List<ReceivedMessage> due) {
    List<VisibilityChange> changes = new ArrayList<>(due.size());
    long asked;
    synchronized (this) {
      asked = ticker.nanos();
      for (ReceivedMessage each : due) {
        Pulse pulse = held.get(each);
        if (pulse != null && isDue(pulse, asked)) { // may have been let go, or lapsed, meanwhile
          changes.add(new VisibilityChange(each, longest(pulse, asked)));
          renewing.put(each, pulse);
        }
      }
    }
    if (changes.isEmpty()) {
      return;
    }
    List<NotDone> notDone = null;
    try {
      notDone = source.changeVisibilityAll(changes);
    } catch (RuntimeException e) {
      faults.warn("A part failed in a way it should not", e);
    } finally {
      renewed(changes, asked, notDone);
    }
  }

  private synchronized void renewed(
      List<VisibilityChange> changes, long asked, @Nullable List<NotDone> notDone) {
    Map<ReceivedMessage, NotDone> failed = new HashMap<>();
    if (notDone != null) {
      notDone.forEach(each -> failed.put(each.received(), each));
    }
    for (VisibilityChange change : changes) {
      Pulse pulse = requireNonNull(renewing.remove(change.received()));
      NotDone fault = failed.get(change.received());
      if (fault != null) {
        failed(change.received(), pulse, fault);
      } else if (notDone != null) {
        pulse.until = asked + change.visibility().toNanos();
      }
    }
    if (notDone != null && notDone.isEmpty()) {
      faults.clear();
    }
    notifyAll();
  }

  private void failed(ReceivedMessage received, Pulse pulse, NotDone fault) {
    pulse.lost = fault.isLost();
    if (!held.containsKey(received)) {
      return; // ended while the renewal was under way, which is why it was refused
    }
    faults.warn(
        fault.isLost()
            ? "A message in hand was lost; if its call was not begun, it will not be"
            : "A message in hand could not be renewed; it is tried again",
        fault.reason());
  }
}
