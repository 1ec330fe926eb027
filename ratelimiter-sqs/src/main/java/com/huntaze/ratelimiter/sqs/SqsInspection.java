package com.huntaze.ratelimiter.sqs;

import com.huntaze.ratelimiter.queue.QueueDepth;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.GetQueueAttributesRequest;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** What SQS says of a queue: how much it holds, and how it is set up. Thread-safe. */
final class SqsInspection {
  private static final Logger log = LoggerFactory.getLogger(SqsMessageSink.class);
  private static final long FOURTEEN_DAYS = 14 * 24 * 60 * 60;

  private final SqsClient sqs;
  private final SqsQueue queue;
  private volatile @Nullable SqsQueue deadLetters;

  SqsInspection(SqsClient sqs, SqsQueue queue) {
    this.sqs = sqs;
    this.queue = queue;
  }

  /** What an operator should mend, for messages of up to a number of bytes. */
  List<String> findings(int maxMessageBytes) {
    Map<QueueAttributeName, String> settings;
    try {
      settings =
          attributes(
              queue,
              QueueAttributeName.MAXIMUM_MESSAGE_SIZE,
              QueueAttributeName.MESSAGE_RETENTION_PERIOD,
              QueueAttributeName.REDRIVE_POLICY);
    } catch (RuntimeException e) {
      throw SqsErrors.notReached(queue, e);
    }
    List<String> findings = new ArrayList<>();
    String of = "queue " + queue.name() + " ";
    long most = count(settings, QueueAttributeName.MAXIMUM_MESSAGE_SIZE);
    if (most > 0 && most < maxMessageBytes) {
      findings.add(
          of + "takes " + most + " bytes a message, the sink is set for " + maxMessageBytes);
    }
    long retention = count(settings, QueueAttributeName.MESSAGE_RETENTION_PERIOD);
    if (retention > 0 && retention < FOURTEEN_DAYS) {
      findings.add(of + "forgets messages after " + retention + " s, 14 days are " + FOURTEEN_DAYS);
    }
    if (SqsQueue.deadLetterQueue(sqs, settings).isEmpty()) {
      findings.add(of + "has no dead-letter queue");
    }
    return findings;
  }

  /** Counts the queue and, if its redrive policy names one that may be read, its dead letters. */
  QueueDepth depth() {
    Map<QueueAttributeName, String> counts;
    try {
      counts =
          attributes(
              queue,
              QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES,
              QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE,
              QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_DELAYED,
              QueueAttributeName.REDRIVE_POLICY);
    } catch (RuntimeException e) {
      throw SqsErrors.notReached(queue, e);
    }
    return new QueueDepth(
        count(counts, QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES),
        count(counts, QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE),
        count(counts, QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_DELAYED),
        deadLettered(counts),
        Optional.empty());
  }

  private OptionalLong deadLettered(Map<QueueAttributeName, String> attributes) {
    SqsQueue named = SqsQueue.deadLetterQueue(sqs, attributes).orElse(null);
    if (named == null) {
      return OptionalLong.empty();
    }
    SqsQueue known = deadLetters;
    if (known == null || !named.isSameAs(known)) {
      known = named;
      deadLetters = named;
    }
    try {
      return OptionalLong.of(
          count(
              attributes(known, QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES),
              QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES));
    } catch (RuntimeException e) {
      log.debug("Queue {} cannot be counted: {}", known.name(), SqsErrors.describe(e));
      return OptionalLong.empty();
    }
  }

  private Map<QueueAttributeName, String> attributes(SqsQueue of, QueueAttributeName... names) {
    return sqs.getQueueAttributes(
            GetQueueAttributesRequest.builder().queueUrl(of.url()).attributeNames(names).build())
        .attributes();
  }

  private static long count(Map<QueueAttributeName, String> counts, QueueAttributeName name) {
    return Long.parseLong(counts.getOrDefault(name, "0"));
  }
}
