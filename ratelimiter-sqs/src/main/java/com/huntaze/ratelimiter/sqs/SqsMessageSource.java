package com.huntaze.ratelimiter.sqs;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.queue.PayloadException;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SourceException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityRequest;
import software.amazon.awssdk.services.sqs.model.DeleteMessageRequest;
import software.amazon.awssdk.services.sqs.model.GetQueueAttributesRequest;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageRequest;

/**
 * Takes messages from an SQS queue, standard or FIFO, whichever of the two payloads they have.
 *
 * <p>Used by dispatchers, workers and the gate. Thread-safe. Each method makes one HTTP call,
 * bounded by the time-outs of the {@link SqsClient} it was given, which must be longer than the
 * wait of a receive; it never closes that client. SQS delivers at least once: a message whose
 * delete got lost, or whose visibility lapsed, is handed out again. Failures are {@link
 * SourceException}s, whose text names the queue, the code, the status and the request id and never
 * quotes a message.
 *
 * <p>The bodies of messages in hand are kept in memory, for {@link #deadLetter}, until they are
 * deleted, given back or lapse.
 */
public final class SqsMessageSource implements MessageSource {
  private static final int MAX_RECEIVE = 10;
  private static final int MAX_WAIT_SECONDS = 20;
  private static final Duration MAX_VISIBILITY = Duration.ofHours(12);

  /** What a dead-letter queue needs of a message in hand, and until when it is in hand. */
  private record Held(String body, String id, String group, long until) {
    Held until(long later) {
      return new Held(body, id, group, later);
    }

    @Override
    public String toString() {
      return "Held[" + id + "]";
    }
  }

  private final SqsClient sqs;
  private final SqsQueue queue;
  private final Duration visibility;
  private final Ticker ticker;
  private final @Nullable SqsQueue givenDeadLetterQueue;
  private volatile @Nullable SqsQueue foundDeadLetterQueue;
  private final Map<String, Held> inHand = new ConcurrentHashMap<>();

  private SqsMessageSource(Builder builder, SqsQueue queue) {
    this.sqs = builder.sqs;
    this.queue = queue;
    this.visibility = builder.visibility;
    this.ticker = builder.ticker;
    this.givenDeadLetterQueue = builder.deadLetterQueue;
  }

  /**
   * Starts a source.
   *
   * @param sqs the client it calls SQS with
   * @return a builder, which must be told the queue
   */
  public static Builder builder(SqsClient sqs) {
    return new Builder(sqs);
  }

  /**
   * Takes messages that can be worked on now. A message whose body is neither payload is handed out
   * as unreadable, for the caller to put aside.
   *
   * @param max the most to take, 1 to 10; SQS may give fewer than there are
   * @param wait how long to wait for the first one: whole seconds, rounded up, 20 at most; zero
   *     asks once, and then SQS may overlook a message
   * @return what was taken, in order; empty if nothing came in time or the thread was interrupted
   *     (the flag stays set; what was on its way then comes back when its visibility lapses)
   */
  @Override
  public List<ReceivedMessage> receive(int max, Duration wait) {
    if (max < 1 || max > MAX_RECEIVE) {
      throw new IllegalArgumentException("max must be 1 to 10, was " + max);
    }
    int waitSeconds = (int) Math.max(0, Math.min(MAX_WAIT_SECONDS, wholeSeconds(wait)));
    forgetLapsed();
    try {
      return take(
          sqs.receiveMessage(
                  ReceiveMessageRequest.builder()
                      .queueUrl(queue.url())
                      .maxNumberOfMessages(max)
                      .waitTimeSeconds(waitSeconds)
                      .visibilityTimeout((int) wholeSeconds(visibility))
                      .messageSystemAttributeNames(
                          MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT,
                          MessageSystemAttributeName.MESSAGE_GROUP_ID)
                      .build())
              .messages());
    } catch (RuntimeException e) {
      if (Thread.currentThread().isInterrupted()) {
        return List.of();
      }
      throw SqsErrors.source(queue, "nothing could be received", e);
    }
  }

  private List<ReceivedMessage> take(List<Message> messages) {
    long until = ticker.nanos() + visibility.toNanos();
    List<ReceivedMessage> received = new ArrayList<>(messages.size());
    for (Message message : messages) {
      String group =
          message.attributes().getOrDefault(MessageSystemAttributeName.MESSAGE_GROUP_ID, "default");
      inHand.put(
          message.receiptHandle(), new Held(message.body(), message.messageId(), group, until));
      received.add(read(message));
    }
    return received;
  }

  private static ReceivedMessage read(Message message) {
    int receives =
        Integer.parseInt(
            message
                .attributes()
                .getOrDefault(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT, "1"));
    try {
      return ReceivedMessage.of(
          message.receiptHandle(), PayloadCodec.decodeEither(message.body()), receives);
    } catch (PayloadException e) {
      return ReceivedMessage.unreadable(message.receiptHandle(), e, receives);
    } catch (RuntimeException e) {
      // Whatever one body does to the reader, its neighbours are handed out.
      return ReceivedMessage.unreadable(
          message.receiptHandle(),
          new PayloadException(PayloadException.Reason.NOT_JSON, "body"),
          receives);
    }
  }

  @Override
  public void delete(ReceivedMessage received) {
    try {
      sqs.deleteMessage(
          DeleteMessageRequest.builder()
              .queueUrl(queue.url())
              .receiptHandle(received.handle())
              .build());
    } catch (RuntimeException e) {
      throw SqsErrors.source(queue, "a message could not be deleted", e);
    }
    inHand.remove(received.handle());
  }

  /**
   * Sets when a message that is in hand is handed out again. SQS counts whole seconds: a fraction
   * is rounded up. It also ends every message's time in hand 12 h after its receive, whatever is
   * asked.
   *
   * @param received what is in hand
   * @param visibility from now on, zero to 12 h
   * @throws IllegalArgumentException if it is out of that range
   */
  @Override
  public void changeVisibility(ReceivedMessage received, Duration visibility) {
    checkVisibility(visibility, Duration.ZERO);
    long seconds = wholeSeconds(visibility);
    long now = ticker.nanos();
    try {
      sqs.changeMessageVisibility(
          ChangeMessageVisibilityRequest.builder()
              .queueUrl(queue.url())
              .receiptHandle(received.handle())
              .visibilityTimeout((int) seconds)
              .build());
    } catch (RuntimeException e) {
      throw SqsErrors.source(queue, "a message's visibility could not be changed", e);
    }
    long until = now + Duration.ofSeconds(seconds).toNanos();
    inHand.computeIfPresent(
        received.handle(), (handle, held) -> seconds == 0 ? null : held.until(until));
  }

  /**
   * Sends a message's body as it is to the dead-letter queue, with the reason as the attribute
   * {@code reason}, and deletes it. Takes two round trips, more at first. If the delete fails, the
   * message is in both queues.
   *
   * @param received what is put aside, in hand
   * @param reason a short code, without content
   * @throws SourceException if it is no longer in hand, or there is no dead-letter queue, or either
   *     queue did not acknowledge
   */
  @Override
  public void deadLetter(ReceivedMessage received, String reason) {
    if (reason.isBlank()) {
      throw new IllegalArgumentException("reason must not be blank");
    }
    Held held = inHand.get(received.handle());
    if (held == null || hasLapsed(held)) {
      throw new SourceException(
          "queue " + queue.name() + ": the message is no longer in hand and was not put aside",
          null);
    }
    SqsQueue deadLetters = deadLetterQueue();
    try {
      putAside(held, deadLetters, Map.of("reason", SqsEntry.string(reason)));
    } catch (RuntimeException e) {
      foundDeadLetterQueue = null; // it may have been replaced
      throw SqsErrors.source(deadLetters, "a message could not be put aside", e);
    }
    delete(received);
  }

  private void putAside(
      Held held, SqsQueue deadLetters, Map<String, MessageAttributeValue> attributes) {
    SendMessageRequest.Builder request =
        SendMessageRequest.builder()
            .queueUrl(deadLetters.url())
            .messageBody(held.body())
            .messageAttributes(attributes);
    if (deadLetters.isFifo()) {
      // The id SQS gave it: the same if this is tried again, another if the message is revived.
      request.messageGroupId(SqsRules.legalId(held.group())).messageDeduplicationId(held.id());
    }
    try {
      sqs.sendMessage(request.build());
    } catch (RuntimeException e) {
      if (attributes.isEmpty() || SqsErrors.kind(e) != Kind.MESSAGE_REFUSED) {
        throw e;
      }
      putAside(held, deadLetters, Map.of()); // a body of the full size leaves no room for a reason
    }
  }

  private SqsQueue deadLetterQueue() {
    SqsQueue known = givenDeadLetterQueue != null ? givenDeadLetterQueue : foundDeadLetterQueue;
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
    SqsQueue found =
        SqsQueue.deadLetterQueue(sqs, attributes)
            .orElseThrow(
                () ->
                    new SourceException(
                        "queue "
                            + queue.name()
                            + " has no dead-letter queue: give it a redrive policy, or the source a"
                            + " deadLetterQueue",
                        null));
    foundDeadLetterQueue = found;
    return found;
  }

  /** Lapsed messages are somebody else's by now. */
  private void forgetLapsed() {
    inHand.values().removeIf(this::hasLapsed);
  }

  private boolean hasLapsed(Held held) {
    return held.until() - ticker.nanos() <= 0;
  }

  /** How many bodies are kept. */
  int inHand() {
    return inHand.size();
  }

  private static long wholeSeconds(Duration time) {
    return time.getNano() == 0 ? time.getSeconds() : time.getSeconds() + 1;
  }

  private static void checkVisibility(Duration visibility, Duration least) {
    if (visibility.compareTo(least) < 0 || visibility.compareTo(MAX_VISIBILITY) > 0) {
      throw new IllegalArgumentException(
          "visibility must be " + least + " to " + MAX_VISIBILITY + ", was " + visibility);
    }
  }

  @Override
  public String toString() {
    return "SqsMessageSource[" + queue.name() + "]";
  }

  /** Sets up an {@link SqsMessageSource}. Not thread-safe. */
  public static final class Builder {
    private final SqsClient sqs;
    private @Nullable SqsQueue queue;
    private @Nullable SqsQueue deadLetterQueue;
    private Duration visibility = Duration.ofSeconds(60);
    private Ticker ticker = Ticker.system();

    private Builder(SqsClient sqs) {
      this.sqs = requireNonNull(sqs, "sqs");
    }

    /**
     * Sets the queue. Required. A name is looked up in the client's account and region when the
     * queue is first used.
     *
     * @param nameOrUrl the queue's name or URL
     * @return this builder
     * @throws IllegalArgumentException if it is neither
     */
    public Builder queue(String nameOrUrl) {
      this.queue = SqsQueue.of(sqs, nameOrUrl);
      return this;
    }

    /**
     * Sets how long a received message is hidden from others unless that is changed. Default 60 s;
     * the queue's own setting is not used.
     *
     * @param visibility 1 s to 12 h; a fraction of a second is rounded up
     * @return this builder
     * @throws IllegalArgumentException if it is out of that range
     */
    public Builder visibility(Duration visibility) {
      checkVisibility(visibility, Duration.ofSeconds(1));
      this.visibility = Duration.ofSeconds(wholeSeconds(visibility));
      return this;
    }

    /**
     * Sets where messages are put aside. Default: the queue that the redrive policy of the source's
     * queue names, looked up when it is first needed.
     *
     * @param nameOrUrl the name or URL of another queue
     * @return this builder
     * @throws IllegalArgumentException if it is neither
     */
    public Builder deadLetterQueue(String nameOrUrl) {
      this.deadLetterQueue = SqsQueue.of(sqs, nameOrUrl);
      return this;
    }

    /**
     * Sets the clock by which messages in hand lapse. Default: the JVM's.
     *
     * @param ticker the clock
     * @return this builder
     */
    public Builder ticker(Ticker ticker) {
      this.ticker = requireNonNull(ticker, "ticker");
      return this;
    }

    /**
     * {@return the source; nothing has been asked of SQS yet}
     *
     * @throws IllegalStateException if no queue was set
     */
    public SqsMessageSource build() {
      SqsQueue from = queue;
      if (from == null) {
        throw new IllegalStateException("queue must be set: the name or URL of an SQS queue");
      }
      return new SqsMessageSource(this, from);
    }
  }
}
