package com.huntaze.ratelimiter.queue;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.function.BiFunction;
import java.util.function.Function;

/** A queue for each priority, picked from by weight. Thread-safe. */
final class PrioritySource implements MessageSource {
  /** A message belongs where it came from; a received message is equal to itself alone. */
  private final Map<ReceivedMessage, MessageSource> origins =
      Collections.synchronizedMap(new WeakHashMap<>());

  private final Map<Priority, MessageSource> sources;
  private final PriorityTurns turns = new PriorityTurns();
  private int firstToWait;

  PrioritySource(Map<Priority, MessageSource> sources) {
    if (sources.isEmpty()) {
      throw new IllegalArgumentException("sources must name a queue for a priority, was empty");
    }
    this.sources = new EnumMap<>(sources);
  }

  @Override
  public Duration visibility() {
    return sources.values().stream().map(MessageSource::visibility).min(Duration::compareTo).get();
  }

  @Override
  public boolean keepsOrder() {
    return sources.values().stream().allMatch(MessageSource::keepsOrder);
  }

  /**
   * Asks each queue once for its share of the turns, and for what others did not have. If there is
   * nothing at all it waits at each for its part of the time.
   */
  @Override
  public List<ReceivedMessage> receive(int max, Duration wait) {
    List<ReceivedMessage> received = new ArrayList<>();
    SourceException fault = null;
    Set<Priority> ready = EnumSet.copyOf(sources.keySet());
    while (received.size() < max && !ready.isEmpty()) {
      Map<Priority, Integer> shares = shares(max - received.size(), ready);
      for (Map.Entry<Priority, Integer> share : shares.entrySet()) {
        try {
          int got = receive(share.getKey(), share.getValue(), Duration.ZERO, received);
          if (got < share.getValue()) {
            empty(share.getKey(), ready);
          }
        } catch (SourceException e) {
          fault = e; // the other queues are not to suffer from it
          empty(share.getKey(), ready);
        }
      }
    }
    if (!received.isEmpty()) {
      return received;
    }
    if (fault != null) {
      throw fault;
    }
    return wait.isZero() ? received : await(max, wait);
  }

  private void empty(Priority priority, Set<Priority> ready) {
    ready.remove(priority);
    synchronized (turns) {
      turns.idle(priority);
    }
  }

  /** How many each may give, the most urgent first. */
  private Map<Priority, Integer> shares(int count, Set<Priority> ready) {
    Map<Priority, Integer> shares = new EnumMap<>(Priority.class);
    synchronized (turns) {
      for (int i = 0; i < count; i++) {
        shares.merge(turns.next(ready), 1, Integer::sum);
      }
    }
    Map<Priority, Integer> urgentFirst = new LinkedHashMap<>();
    shares.entrySet().stream()
        .sorted((a, b) -> Integer.compare(b.getKey().weight(), a.getKey().weight()))
        .forEach(share -> urgentFirst.put(share.getKey(), share.getValue()));
    return urgentFirst;
  }

  private List<ReceivedMessage> await(int max, Duration wait) {
    List<Priority> all = new ArrayList<>(sources.keySet());
    synchronized (turns) {
      Collections.rotate(all, firstToWait++ % all.size());
    }
    List<ReceivedMessage> received = new ArrayList<>();
    for (Priority priority : all) {
      if (received.isEmpty() && !Thread.currentThread().isInterrupted()) {
        receive(priority, max, wait.dividedBy(all.size()), received);
      }
    }
    return received;
  }

  private int receive(Priority priority, int max, Duration wait, List<ReceivedMessage> to) {
    MessageSource source = requireNonNull(sources.get(priority));
    List<ReceivedMessage> received = source.receive(max, wait);
    received.forEach(each -> origins.put(each, source));
    to.addAll(received);
    return received.size();
  }

  @Override
  public void delete(ReceivedMessage received) {
    origin(received).delete(received);
  }

  @Override
  public List<NotDone> deleteAll(List<ReceivedMessage> received) {
    return each(received, Function.identity(), MessageSource::deleteAll);
  }

  @Override
  public void changeVisibility(ReceivedMessage received, Duration visibility) {
    origin(received).changeVisibility(received, visibility);
  }

  @Override
  public List<NotDone> changeVisibilityAll(List<VisibilityChange> changes) {
    return each(changes, VisibilityChange::received, MessageSource::changeVisibilityAll);
  }

  /** Asks each queue for its own, and puts the answers back into the order asked. */
  private <T> List<NotDone> each(
      List<T> asked,
      Function<T, ReceivedMessage> of,
      BiFunction<MessageSource, List<T>, List<NotDone>> call) {
    Map<MessageSource, List<T>> bySource = new LinkedHashMap<>();
    Map<ReceivedMessage, NotDone> notDone = new LinkedHashMap<>();
    for (T each : asked) {
      ReceivedMessage received = of.apply(each);
      MessageSource origin = origins.get(received);
      if (origin == null) {
        notDone.put(received, new NotDone(received, notFromHere(received)));
      } else {
        bySource.computeIfAbsent(origin, key -> new ArrayList<>()).add(each);
      }
    }
    bySource.forEach(
        (source, some) ->
            call.apply(source, some).forEach(each -> notDone.put(each.received(), each)));
    return asked.stream().map(of).filter(notDone::containsKey).map(notDone::get).toList();
  }

  @Override
  public void deadLetter(ReceivedMessage received, String reason) {
    origin(received).deadLetter(received, reason);
  }

  private MessageSource origin(ReceivedMessage received) {
    MessageSource origin = origins.get(received);
    if (origin == null) {
      throw notFromHere(received);
    }
    return origin;
  }

  private static NotInHandException notFromHere(ReceivedMessage received) {
    return new NotInHandException(received + " was not received here", null);
  }

  @Override
  public String toString() {
    return "PrioritySource" + sources;
  }
}
