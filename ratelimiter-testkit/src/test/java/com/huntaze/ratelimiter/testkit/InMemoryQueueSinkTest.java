package com.huntaze.ratelimiter.testkit;

import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.util.List;

class InMemoryQueueSinkTest extends MessageSinkContract {
  private final InMemoryQueue queue = new InMemoryQueue(500);

  @Override
  protected MessageSink sink() {
    return queue;
  }

  @Override
  protected List<OutboundMessage> received(int expected) {
    return drain(queue, expected);
  }
}
