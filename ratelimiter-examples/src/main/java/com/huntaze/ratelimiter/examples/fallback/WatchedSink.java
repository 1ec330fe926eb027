package com.huntaze.ratelimiter.examples.fallback;

import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.QueueDepth;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A sink that remembers what it did not take. Used by one thread. */
final class WatchedSink implements MessageSink {
  private final MessageSink sink;
  private int refused;
  private @Nullable SinkException fault;

  WatchedSink(MessageSink sink) {
    this.sink = sink;
  }

  /** {@return how many messages were refused for what they are} */
  int refused() {
    return refused;
  }

  /** {@return the first failure that was no message's fault; null if there was none} */
  @Nullable SinkException fault() {
    return fault;
  }

  @Override
  public SinkResult.Taken send(OutboundMessage message) {
    try {
      return sink.send(message);
    } catch (SinkException e) {
      note(e);
      throw e;
    }
  }

  @Override
  public List<SinkResult> sendAll(List<OutboundMessage> messages) {
    List<SinkResult> results = sink.sendAll(messages);
    for (SinkResult result : results) {
      if (result instanceof SinkResult.NotTaken notTaken) {
        note(notTaken.reason());
      }
    }
    return results;
  }

  private void note(SinkException e) {
    if (e.kind() == SinkException.Kind.MESSAGE_REFUSED) {
      refused++;
    } else if (fault == null) {
      fault = e;
    }
  }

  @Override
  public QueueDepth depth() {
    return sink.depth();
  }

  @Override
  public List<String> check() {
    return sink.check();
  }

  @Override
  public boolean keepsOrder() {
    return sink.keepsOrder();
  }
}
