package com.huntaze.ratelimiter.lambda;

import com.huntaze.ratelimiter.delivery.RateLimitGate.Outcome;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;

/**
 * A queue that events come from, and what is done with its messages. Thread-safe.
 *
 * @param source the queue
 * @param work what is done
 */
record EntryQueue(SqsMessageSource source, Work work) {
  /** Works on the messages of one event. Thread-safe; never fails as a whole. */
  interface Work {
    /**
     * Works on them until the time is up.
     *
     * @return item <i>i</i> says what became of message <i>i</i>
     */
    List<Outcome> process(List<ReceivedMessage> batch, Supplier<Duration> remaining);
  }
}
