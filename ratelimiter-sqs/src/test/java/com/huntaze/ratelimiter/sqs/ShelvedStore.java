package com.huntaze.ratelimiter.sqs;

import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A store that hands nothing to a replayer until it is opened, so that calls can be counted. */
final class ShelvedStore implements FallbackStore {
  private final InMemoryFallbackStore store = new InMemoryFallbackStore();
  private final Set<String> ids = ConcurrentHashMap.newKeySet();
  private volatile boolean open;

  /** The ids of all messages that were ever stored. */
  Set<String> ids() {
    return Set.copyOf(ids);
  }

  void open() {
    open = true;
  }

  @Override
  public void store(OutboundMessage message, String error) {
    store.store(message, error);
    ids.add(message.messageId());
  }

  @Override
  public void hold(OutboundMessage message, String reason) {
    store.hold(message, reason);
  }

  @Override
  public List<StoredMessage> claim(int max, Duration lease) {
    return open ? store.claim(max, lease) : List.of();
  }

  @Override
  public int replayed(List<StoredMessage> claimed) {
    return store.replayed(claimed);
  }

  @Override
  public boolean failed(StoredMessage claimed, String error, Duration retryIn) {
    return store.failed(claimed, error, retryIn);
  }

  @Override
  public boolean dead(StoredMessage claimed, String error) {
    return store.dead(claimed, error);
  }

  @Override
  public Set<String> waiting(Set<String> creators) {
    return store.waiting(creators);
  }

  @Override
  public int release(List<StoredMessage> claimed, Duration retryIn) {
    return store.release(claimed, retryIn);
  }

  @Override
  public int purge(Duration age, int max) {
    return store.purge(age, max);
  }

  @Override
  public FallbackBacklog backlog() {
    return store.backlog();
  }
}
