package com.huntaze.ratelimiter.testkit;

import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;

/** Says that there are permits, and gives none until it is opened. */
final class Turnstile implements TokenBucket {
  final Set<String> refused = ConcurrentHashMap.newKeySet();
  final List<String> blocked = new CopyOnWriteArrayList<>();
  volatile boolean open;
  volatile boolean limitsAll = true;
  volatile Supplier<Duration> delay = () -> Duration.ZERO;
  volatile Runnable onAsked = () -> {};
  volatile Supplier<BucketState> onState = () -> state(100, Duration.ZERO);

  static BucketState state(long tokens, Duration next) {
    return new BucketState("turnstile", tokens, 100, 1, Instant.EPOCH, 0, next, 0);
  }

  @Override
  public List<Permit> tryAcquireAll(List<PermitRequest> requests) {
    onAsked.run();
    return requests.stream().map(request -> answer(request.id())).toList();
  }

  private Permit answer(String id) {
    if (open) {
      return new Permit.Granted(id, Instant.EPOCH, delay.get(), 1);
    }
    refused.add(id);
    return new Permit.Refused(id, Duration.ofMillis(10));
  }

  @Override
  public boolean release(String id) {
    return false;
  }

  @Override
  public void blockFor(Scope scope, Duration duration) {
    if (!limitsAll && scope.equals(Scope.global())) {
      throw new IllegalArgumentException("no limit for all");
    }
    blocked.add(scope.key() + " " + duration);
  }

  @Override
  public BucketState state(Scope scope) {
    return onState.get();
  }
}
