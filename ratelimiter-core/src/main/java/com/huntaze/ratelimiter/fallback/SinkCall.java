package com.huntaze.ratelimiter.fallback;

import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A call of a sink that may be made of anything: there is an answer for each message. */
final class SinkCall {
  private SinkCall() {}

  /** Item i says what became of message i; nothing is thrown. */
  static List<SinkResult> of(MessageSink sink, List<OutboundMessage> batch) {
    SinkException reason;
    try {
      List<SinkResult> answers = sink.sendAll(batch);
      if (isComplete(answers, batch.size())) {
        return answers;
      }
      reason = new SinkException(Kind.AMBIGUOUS, "the sink gave no answer for each message", null);
    } catch (SinkException e) {
      reason = e;
    } catch (RuntimeException | Error e) {
      reason = new SinkException(Kind.AMBIGUOUS, "the sink failed: " + e.getClass().getName(), e);
    }
    return Collections.nCopies(batch.size(), new SinkResult.NotTaken(reason));
  }

  @SuppressWarnings("ConstantValue")
  private static boolean isComplete(@Nullable List<SinkResult> answers, int size) {
    return answers != null
        && answers.size() == size
        && answers.stream().allMatch(answer -> answer != null);
  }
}
