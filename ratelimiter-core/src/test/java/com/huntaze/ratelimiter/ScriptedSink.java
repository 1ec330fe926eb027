package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A sink that answers as a test says, and remembers what it took and how often it was called. */
final class ScriptedSink implements MessageSink {
  private final Deque<SinkException> failures = new ArrayDeque<>();
  private final List<OutboundMessage> taken = new ArrayList<>();
  private Predicate<OutboundMessage> broken = message -> false;
  private SinkException.@Nullable Kind always;
  private int calls;
  private int sends;

  static SinkException failure(SinkException.Kind kind) {
    return new SinkException(kind, "scripted", null);
  }

  synchronized ScriptedSink failNext(SinkException.Kind... kinds) {
    for (SinkException.Kind kind : kinds) {
      failures.add(failure(kind));
    }
    return this;
  }

  synchronized ScriptedSink failAlways(SinkException.@Nullable Kind kind) {
    always = kind;
    return this;
  }

  /** Fails these messages of a batch once each, as SQS does with single entries. */
  synchronized ScriptedSink failOnce(Predicate<OutboundMessage> which) {
    broken = which;
    return this;
  }

  @Override
  public synchronized SinkResult.Taken send(OutboundMessage message) {
    calls++;
    sends++;
    if (always != null) {
      throw failure(always);
    }
    if (!failures.isEmpty()) {
      throw failures.poll();
    }
    taken.add(message);
    return new SinkResult.Taken(Optional.of("sink-" + taken.size()));
  }

  @Override
  public synchronized List<SinkResult> sendAll(List<OutboundMessage> messages) {
    calls++;
    Predicate<OutboundMessage> failing = broken;
    broken = message -> false;
    List<SinkResult> results = new ArrayList<>();
    for (OutboundMessage message : messages) {
      if (always != null || failing.test(message)) {
        results.add(
            new SinkResult.NotTaken(
                failure(always == null ? SinkException.Kind.NOT_SENT : always)));
      } else {
        taken.add(message);
        results.add(new SinkResult.Taken(Optional.empty()));
      }
    }
    return results;
  }

  synchronized List<String> ids() {
    return taken.stream().map(OutboundMessage::messageId).toList();
  }

  synchronized List<OutboundMessage> taken() {
    return List.copyOf(taken);
  }

  synchronized int calls() {
    return calls;
  }

  /** The calls for one message: the client's own, as the replayer always sends batches. */
  synchronized int sends() {
    return sends;
  }
}
