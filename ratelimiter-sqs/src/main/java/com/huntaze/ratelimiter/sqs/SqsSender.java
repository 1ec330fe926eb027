package com.huntaze.ratelimiter.sqs;

import com.huntaze.ratelimiter.queue.MessageSink.Granted;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResponse;

/** Puts messages into one queue, and reads what SQS answers. Thread-safe. */
final class SqsSender {
  /** After this many failed calls in a row the rest of a batch is not tried. */
  private static final int FAILED_CALLS = 3;

  private final SqsClient sqs;
  private final SqsQueue queue;
  private final int maxMessageBytes;
  private final Map<String, MessageAttributeValue> attributes;
  private final boolean keepsOrder;

  /**
   * Sets it up.
   *
   * @param attributes what every message carries beside its own attributes
   * @param keepsOrder whether messages of a group must not overtake one another
   */
  SqsSender(
      SqsClient sqs,
      SqsQueue queue,
      int maxMessageBytes,
      Map<String, MessageAttributeValue> attributes,
      boolean keepsOrder) {
    this.sqs = sqs;
    this.queue = queue;
    this.maxMessageBytes = maxMessageBytes;
    this.attributes = attributes;
    this.keepsOrder = keepsOrder;
  }

  SqsQueue queue() {
    return queue;
  }

  boolean keepsOrder() {
    return keepsOrder;
  }

  /** Puts one message by one call. */
  SinkResult.Taken send(OutboundMessage message) {
    SqsEntry entry = entry(message, null);
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

  /** Puts any number of messages, ten a call at most and within the byte limit. */
  List<SinkResult> sendAll(List<OutboundMessage> messages) {
    return putAll(messages, message -> entry(message, null));
  }

  /** As {@link #sendAll}; in a FIFO queue each message tells what the limiter said. */
  List<SinkResult> forwardAll(List<Granted> granted) {
    return putAll(granted, each -> entry(each.message(), each));
  }

  private <T> List<SinkResult> putAll(List<T> items, Function<T, SqsEntry> entry) {
    SqsBatch batch = new SqsBatch(items.size(), maxMessageBytes, keepsOrder);
    for (int i = 0; i < items.size(); i++) {
      try {
        batch.add(i, entry.apply(items.get(i)));
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

  private SqsEntry entry(OutboundMessage message, @Nullable Granted granted) {
    return queue.isFifo()
        ? SqsEntry.fifo(message, granted, attributes, maxMessageBytes)
        : SqsEntry.standard(message, attributes, maxMessageBytes);
  }

  private String url() {
    try {
      return queue.url();
    } catch (RuntimeException e) {
      throw SqsErrors.notReached(queue, e);
    }
  }
}
