package com.huntaze.ratelimiter.sqs;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.QueueDepth;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.GetQueueAttributesRequest;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResponse;

/**
 * Puts messages into an SQS queue.
 *
 * <p>Used by the client, the replayer and the gate. A standard queue gets the entry queue's payload
 * with four String attributes; a FIFO queue, known by its {@code .fifo}, gets the workflow queue's
 * payload, with the creator as group and the message id as deduplication id. Every rule of SQS on
 * size and characters is checked before the network is used.
 *
 * <p>Thread-safe. It makes one HTTP call for each call of its own, bounded by the time-outs of the
 * {@link SqsClient} it was given, whose own retries should be off; it never closes that client.
 * What is not taken is a {@link SinkException}, whose text names the queue, the code, the status
 * and the request id and never quotes a message.
 */
public final class SqsMessageSink implements MessageSink {
  private static final Logger log = LoggerFactory.getLogger(SqsMessageSink.class);

  /** After this many failed calls in a row the rest of a batch is not tried. */
  private static final int FAILED_CALLS = 3;

  private final SqsClient sqs;
  private final SqsQueue queue;
  private final int maxMessageBytes;
  private volatile @Nullable SqsQueue deadLetters;

  private SqsMessageSink(SqsClient sqs, SqsQueue queue, int maxMessageBytes) {
    this.sqs = sqs;
    this.queue = queue;
    this.maxMessageBytes = maxMessageBytes;
  }

  /**
   * Starts a sink.
   *
   * @param sqs the client it calls SQS with; its retries should be off, since the caller retries
   * @return a builder, which must be told the queue
   */
  public static Builder builder(SqsClient sqs) {
    return new Builder(sqs);
  }

  /**
   * Puts one message by one call of SQS; the first use of a queue given by name takes one more.
   *
   * @param message what to put
   * @return that it was taken, with the message id that SQS gave it
   * @throws SinkException if SQS did not acknowledge it
   */
  @Override
  public SinkResult.Taken send(OutboundMessage message) {
    SqsEntry entry = entry(message);
    return put(entry, url());
  }

  private SinkResult.Taken put(SqsEntry entry, String url) {
    String sinkId;
    try {
      sinkId = sqs.sendMessage(entry.request(url)).messageId();
    } catch (RuntimeException e) {
      throw SqsErrors.notPut(queue, e);
    }
    if (sinkId == null) {
      throw new SinkException(
          Kind.AMBIGUOUS, "queue " + queue.name() + ": the answer has no message id", null);
    }
    return new SinkResult.Taken(Optional.of(sinkId));
  }

  /**
   * Puts any number of messages, ten a call at most and within the byte limit. On a FIFO queue no
   * message is sent before the one ahead of it in its group is in the queue. After three failed
   * calls in a row the rest is not tried.
   *
   * @param messages what to put
   * @return item <i>i</i> says what became of message <i>i</i>
   */
  @Override
  public List<SinkResult> sendAll(List<OutboundMessage> messages) {
    SqsBatch batch = new SqsBatch(messages.size(), maxMessageBytes);
    for (int i = 0; i < messages.size(); i++) {
      try {
        batch.add(i, entry(messages.get(i)));
      } catch (SinkException e) {
        batch.notTaken(i, e);
      }
    }
    int failedCalls = 0;
    for (List<SqsBatch.Item> call = batch.nextCall(); !call.isEmpty(); call = batch.nextCall()) {
      SinkException fault = put(call, batch);
      failedCalls = fault == null ? 0 : failedCalls + 1;
      if (fault != null && failedCalls >= FAILED_CALLS) {
        batch.stop(fault);
      }
    }
    return batch.results();
  }

  /** One call; answers the fault if it failed as a whole. */
  private @Nullable SinkException put(List<SqsBatch.Item> call, SqsBatch batch) {
    SendMessageBatchResponse response;
    String url;
    try {
      url = url();
    } catch (SinkException e) {
      call.forEach(item -> batch.notTaken(item, e));
      return e;
    }
    try {
      response =
          sqs.sendMessageBatch(
              SendMessageBatchRequest.builder()
                  .queueUrl(url)
                  .entries(
                      call.stream()
                          .map(item -> item.entry().batchEntry(Integer.toString(item.index())))
                          .toList())
                  .build());
    } catch (RuntimeException e) {
      SinkException fault = SqsErrors.notPut(queue, e);
      if (fault.kind() == Kind.MESSAGE_REFUSED) {
        putAlone(call, batch, url); // says nothing about any one of them
        return null;
      }
      call.forEach(item -> batch.notTaken(item, fault));
      return fault;
    }
    read(response, call, batch);
    return null;
  }

  private void putAlone(List<SqsBatch.Item> call, SqsBatch batch, String url) {
    for (SqsBatch.Item item : call) {
      try {
        batch.taken(item, put(item.entry(), url).sinkId().orElse(null));
      } catch (SinkException e) {
        batch.notTaken(item, e);
      }
    }
  }

  private void read(SendMessageBatchResponse response, List<SqsBatch.Item> call, SqsBatch batch) {
    Map<String, SqsBatch.Item> unheardOf = new HashMap<>();
    call.forEach(item -> unheardOf.put(Integer.toString(item.index()), item));
    response
        .successful()
        .forEach(
            success -> {
              SqsBatch.Item item = unheardOf.remove(success.id());
              if (item != null) {
                batch.taken(item, success.messageId());
              }
            });
    for (BatchResultErrorEntry failure : response.failed()) {
      SqsBatch.Item item = unheardOf.remove(failure.id());
      if (item != null) {
        batch.notTaken(
            item,
            new SinkException(
                SqsErrors.kindOfEntry(failure.code(), failure.senderFault()),
                "queue "
                    + queue.name()
                    + ": entry failed: "
                    + SqsErrors.token(failure.code())
                    + (Boolean.TRUE.equals(failure.senderFault())
                        ? ", the sender's fault"
                        : ", the service's fault"),
                null));
      }
    }
    unheardOf
        .values()
        .forEach(
            item ->
                batch.notTaken(
                    item,
                    new SinkException(
                        Kind.AMBIGUOUS,
                        "queue " + queue.name() + ": the answer does not mention the entry",
                        null)));
  }

  private SqsEntry entry(OutboundMessage message) {
    return queue.isFifo()
        ? SqsEntry.fifo(message, maxMessageBytes)
        : SqsEntry.standard(message, maxMessageBytes);
  }

  private String url() {
    try {
      return queue.url();
    } catch (RuntimeException e) {
      throw SqsErrors.notReached(queue, e);
    }
  }

  /**
   * Counts the queue and, if its redrive policy names one that may be read, its dead-letter queue.
   * SQS counts approximately, a minute behind at times; it does not tell the oldest message's age.
   * Takes two round trips, more at first.
   */
  @Override
  public QueueDepth depth() {
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

  @Override
  public String toString() {
    return "SqsMessageSink[" + queue.name() + "]";
  }

  /** Sets up an {@link SqsMessageSink}. Not thread-safe. */
  public static final class Builder {
    private final SqsClient sqs;
    private @Nullable SqsQueue queue;
    private int maxMessageBytes = 262_144;

    private Builder(SqsClient sqs) {
      this.sqs = requireNonNull(sqs, "sqs");
    }

    /**
     * Sets the queue. Required. A name is looked up in the client's account and region when the
     * queue is first used.
     *
     * @param nameOrUrl the queue's name or URL; one that ends in {@code .fifo} is a FIFO queue
     * @return this builder
     * @throws IllegalArgumentException if it is neither
     */
    public Builder queue(String nameOrUrl) {
      this.queue = SqsQueue.of(sqs, nameOrUrl);
      return this;
    }

    /**
     * Sets the most bytes a message may have, and the most a batch may have, body and attributes in
     * UTF-8. Default 262,144, which every queue takes; a queue set up for more may be told so.
     *
     * @param maxMessageBytes 1,024 to 1,048,576
     * @return this builder
     * @throws IllegalArgumentException if it is out of that range
     */
    public Builder maxMessageBytes(int maxMessageBytes) {
      if (maxMessageBytes < 1_024 || maxMessageBytes > SqsRules.MAX_BYTES) {
        throw new IllegalArgumentException(
            "maxMessageBytes must be 1024 to " + SqsRules.MAX_BYTES + ", was " + maxMessageBytes);
      }
      this.maxMessageBytes = maxMessageBytes;
      return this;
    }

    /**
     * Makes the sink. Warns once if the client retries by itself.
     *
     * @return the sink; nothing has been sent to SQS yet
     * @throws IllegalStateException if no queue was set
     */
    public SqsMessageSink build() {
      SqsQueue to = queue;
      if (to == null) {
        throw new IllegalStateException("queue must be set: the name or URL of an SQS queue");
      }
      warnOfRetries(to);
      return new SqsMessageSink(sqs, to, maxMessageBytes);
    }

    private void warnOfRetries(SqsQueue to) {
      try {
        sqs.serviceClientConfiguration()
            .overrideConfiguration()
            .retryStrategy()
            .filter(strategy -> strategy.maxAttempts() > 1)
            .ifPresent(
                strategy ->
                    log.warn(
                        "The SqsClient for queue {} makes up to {} attempts a call by itself, which"
                            + " multiply with the caller's own: build it with"
                            + " DefaultRetryStrategy.doNotRetry()",
                        to.name(),
                        strategy.maxAttempts()));
      } catch (RuntimeException e) {
        log.debug("The client for queue {} does not tell whether it retries", to.name(), e);
      }
    }
  }
}
