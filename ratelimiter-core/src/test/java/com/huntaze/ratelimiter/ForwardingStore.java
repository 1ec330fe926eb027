package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/** A store of which a test changes one thing. */
public class ForwardingStore implements FallbackStore {
  private final FallbackStore real;

  public ForwardingStore(FallbackStore real) {
    this.real = real;
  }

  @Override
  public void store(OutboundMessage message, String error) {
    real.store(message, error);
  }

  @Override
  public void hold(OutboundMessage message, String reason) {
    real.hold(message, reason);
  }

  @Override
  public List<StoredMessage> claim(int max, Duration lease) {
    return real.claim(max, lease);
  }

  @Override
  public int replayed(List<StoredMessage> claimed) {
    return real.replayed(claimed);
  }

  @Override
  public boolean failed(StoredMessage claimed, String error, Duration retryIn) {
    return real.failed(claimed, error, retryIn);
  }

  @Override
  public boolean dead(StoredMessage claimed, String error) {
    return real.dead(claimed, error);
  }

  @Override
  public Set<String> waiting(Set<String> creators) {
    return real.waiting(creators);
  }

  @Override
  public int release(List<StoredMessage> claimed, Duration retryIn) {
    return real.release(claimed, retryIn);
  }

  @Override
  public int purge(Duration age, int max) {
    return real.purge(age, max);
  }

  @Override
  public FallbackBacklog backlog() {
    return real.backlog();
  }
}
