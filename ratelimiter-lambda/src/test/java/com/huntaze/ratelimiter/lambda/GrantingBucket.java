package com.huntaze.ratelimiter.lambda;

import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** Grants everything, unless a test says otherwise. */
class GrantingBucket implements TokenBucket {
  @Override
  public List<Permit> tryAcquireAll(List<PermitRequest> requests) {
    return requests.stream()
        .<Permit>map(each -> new Permit.Granted(each.id(), Instant.EPOCH, Duration.ZERO, 0))
        .toList();
  }

  @Override
  public boolean release(String id) {
    return false;
  }

  @Override
  public void blockFor(Scope scope, Duration duration) {}

  @Override
  public BucketState state(Scope scope) {
    throw new IllegalArgumentException("it has no limit");
  }
}
