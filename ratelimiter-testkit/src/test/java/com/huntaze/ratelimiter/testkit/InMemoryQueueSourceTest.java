package com.huntaze.ratelimiter.testkit;

import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.util.List;

class InMemoryQueueSourceTest extends MessageSourceContract {
  private final InMemoryQueue queue = new InMemoryQueue(100);

  @Override
  protected MessageSource source() {
    return queue;
  }

  @Override
  protected void put(OutboundMessage message) {
    queue.send(message);
  }

  @Override
  protected List<OutboundMessage> deadLetters() {
    return queue.drain().handedOut(); // nothing else is left
  }
}
