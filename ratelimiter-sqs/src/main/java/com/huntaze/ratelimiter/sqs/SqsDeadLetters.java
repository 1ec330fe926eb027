package com.huntaze.ratelimiter.sqs;

import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SourceException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.GetQueueAttributesRequest;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.SendMessageRequest;

/** The queue a source puts messages aside in, given or looked up when first needed. Thread-safe. */
final class SqsDeadLetters {
  private final SqsClient sqs;
  private final SqsQueue queue;
  private final @Nullable SqsQueue given;
  private volatile @Nullable SqsQueue found;

  SqsDeadLetters(SqsClient sqs, SqsQueue queue, @Nullable SqsQueue given) {
    this.sqs = sqs;
    this.queue = queue;
    this.given = given;
  }

  /** Puts a body in as it is. */
  void put(SqsInHand.Held held, String reason) {
    SqsQueue to = find();
    try {
      put(held, to, Map.of("reason", SqsEntry.string(reason)));
    } catch (RuntimeException e) {
      found = null; // it may have been replaced
      throw SqsErrors.source(to, "a message could not be put aside", e);
    }
  }

  private void put(
      SqsInHand.Held held, SqsQueue to, Map<String, MessageAttributeValue> attributes) {
    SendMessageRequest.Builder request =
        SendMessageRequest.builder()
            .queueUrl(to.url())
            .messageBody(held.body())
            .messageAttributes(attributes);
    if (to.isFifo()) {
      // The id SQS gave it: the same if this is tried again, another if the message is revived.
      request.messageGroupId(SqsRules.legalId(held.group())).messageDeduplicationId(held.id());
    }
    try {
      sqs.sendMessage(request.build());
    } catch (RuntimeException e) {
      if (attributes.isEmpty() || SqsErrors.kind(e) != Kind.MESSAGE_REFUSED) {
        throw e;
      }
      put(held, to, Map.of()); // a body of the full size leaves no room for a reason
    }
  }

  private SqsQueue find() {
    SqsQueue known = given != null ? given : found;
    if (known != null) {
      return known;
    }
    Map<QueueAttributeName, String> attributes;
    try {
      attributes =
          sqs.getQueueAttributes(
                  GetQueueAttributesRequest.builder()
                      .queueUrl(queue.url())
                      .attributeNames(QueueAttributeName.REDRIVE_POLICY)
                      .build())
              .attributes();
    } catch (RuntimeException e) {
      throw SqsErrors.source(queue, "its dead-letter queue could not be looked up", e);
    }
    SqsQueue target =
        SqsQueue.deadLetterQueue(sqs, attributes)
            .orElseThrow(
                () ->
                    new SourceException(
                        "queue "
                            + queue.name()
                            + " has no dead-letter queue: give it a redrive policy, or the source a"
                            + " deadLetterQueue",
                        null));
    found = target;
    return target;
  }
}
