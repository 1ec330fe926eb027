package com.huntaze.ratelimiter.testkit;

import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Hands out messages as they came, whosever they are, and hides none behind another. */
final class ListSource implements MessageSource {
  final List<Integer> asked = new CopyOnWriteArrayList<>();
  final List<String> deleted = new CopyOnWriteArrayList<>();
  final Map<String, String> deadLetters = new ConcurrentHashMap<>();
  private final LinkedBlockingQueue<ReceivedMessage> waiting = new LinkedBlockingQueue<>();
  private int handles;

  synchronized void put(OutboundMessage message) {
    waiting.add(ReceivedMessage.of("h" + ++handles, message, 1));
  }

  @Override
  public Duration visibility() {
    return Duration.ofSeconds(60);
  }

  @Override
  public List<ReceivedMessage> receive(int max, Duration wait) {
    asked.add(max);
    Deque<ReceivedMessage> received = new ArrayDeque<>();
    try {
      ReceivedMessage first = waiting.poll(wait.toNanos(), TimeUnit.NANOSECONDS);
      if (first != null) {
        received.add(first);
        waiting.drainTo(received, max - 1);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return new ArrayList<>(received);
  }

  @Override
  public void delete(ReceivedMessage received) {
    deleted.add(received.message().orElseThrow().messageId());
  }

  @Override
  public void changeVisibility(ReceivedMessage received, Duration visibility) {
    if (visibility.isZero()) {
      waiting.add(received);
    }
  }

  @Override
  public void deadLetter(ReceivedMessage received, String reason) {
    deadLetters.put(received.message().orElseThrow().messageId(), reason);
  }
}
