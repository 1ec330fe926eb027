package com.huntaze.ratelimiter.testkit;

import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** A queue that keeps what it was asked, and refuses what a test says. */
final class WatchedQueue implements MessageSource {
  final InMemoryQueue queue;
  final AtomicInteger received = new AtomicInteger();
  final List<ReceivedMessage> renewed = new CopyOnWriteArrayList<>();
  final List<List<String>> givenBack = new CopyOnWriteArrayList<>();
  Function<List<ReceivedMessage>, List<ReceivedMessage>> onReceive = received -> received;
  Function<List<VisibilityChange>, List<NotDone>> onChange;

  WatchedQueue(InMemoryQueue queue) {
    this.queue = queue;
    this.onChange = queue::changeVisibilityAll;
  }

  @Override
  public boolean keepsOrder() {
    return queue.keepsOrder();
  }

  @Override
  public Duration visibility() {
    return queue.visibility();
  }

  @Override
  public List<ReceivedMessage> receive(int max, Duration wait) {
    List<ReceivedMessage> some = queue.receive(max, wait);
    received.addAndGet(some.size());
    return onReceive.apply(some);
  }

  @Override
  public void delete(ReceivedMessage message) {
    queue.delete(message);
  }

  @Override
  public void changeVisibility(ReceivedMessage message, Duration visibility) {
    givenBack.add(List.of(id(message)));
    queue.changeVisibility(message, visibility);
  }

  @Override
  public List<NotDone> changeVisibilityAll(List<VisibilityChange> changes) {
    try {
      return onChange.apply(changes);
    } finally {
      if (changes.stream().allMatch(change -> change.visibility().isZero())) {
        givenBack.add(changes.stream().map(change -> id(change.received())).toList());
      } else {
        changes.forEach(change -> renewed.add(change.received()));
      }
    }
  }

  @Override
  public void deadLetter(ReceivedMessage message, String reason) {
    queue.deadLetter(message, reason);
  }

  static String id(ReceivedMessage message) {
    return message.message().orElseThrow().messageId();
  }
}
