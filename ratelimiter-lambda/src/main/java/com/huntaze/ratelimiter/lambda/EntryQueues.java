package com.huntaze.ratelimiter.lambda;

import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.SqsClient;

/**
 * The queues that events come from: the one of the settings, and others by the name in a record's
 * ARN, such as those of the priorities. Thread-safe.
 */
final class EntryQueues {
  /** Longer than any function runs. */
  private static final Duration IN_HAND = Duration.ofMinutes(15);

  private static final int MOST = 16;

  private final SqsClient sqs;
  private final String configured;
  private final BiFunction<SqsMessageSource, Boolean, EntryQueue.Work> work;
  private final Map<String, EntryQueue> byName = new ConcurrentHashMap<>();

  /**
   * Sets them up.
   *
   * @param configured the name or URL of the queue of the settings
   * @param work makes what is done with a queue's messages, told whether it is a FIFO queue
   */
  EntryQueues(
      SqsClient sqs,
      String configured,
      BiFunction<SqsMessageSource, Boolean, EntryQueue.Work> work) {
    this.sqs = sqs;
    this.configured = configured;
    this.work = work;
  }

  /** The queue of an ARN; that of the settings where there is no ARN, or none of SQS. */
  EntryQueue of(@Nullable String arn) {
    String ours = configured.substring(configured.lastIndexOf('/') + 1);
    String name = arn == null ? ours : arn.substring(arn.lastIndexOf(':') + 1);
    if (name.equals(ours) || !name.matches("[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\\.fifo")) {
      return byName.computeIfAbsent(ours, any -> entryQueue(configured));
    }
    if (byName.size() >= MOST && !byName.containsKey(name)) {
      return entryQueue(name);
    }
    return byName.computeIfAbsent(name, this::entryQueue);
  }

  private EntryQueue entryQueue(String nameOrUrl) {
    SqsMessageSource source =
        SqsMessageSource.builder(sqs).queue(nameOrUrl).visibility(IN_HAND).build();
    return new EntryQueue(source, work.apply(source, nameOrUrl.endsWith(".fifo")));
  }
}
