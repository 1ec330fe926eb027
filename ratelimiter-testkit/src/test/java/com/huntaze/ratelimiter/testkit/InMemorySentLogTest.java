package com.huntaze.ratelimiter.testkit;

import com.huntaze.ratelimiter.delivery.InMemorySentLog;
import com.huntaze.ratelimiter.delivery.SentLog;

class InMemorySentLogTest extends SentLogContract {
  @Override
  protected SentLog newLog() {
    return new InMemorySentLog();
  }
}
