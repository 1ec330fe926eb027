package com.huntaze.ratelimiter.sqs;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.NotInHandException;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.queue.PayloadException;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SourceException;
import com.huntaze.ratelimiter.queue.TraceContext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequest;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchResponse;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchResultEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityRequest;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchResultEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageRequest;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageRequest;

/**
 * Takes messages from an SQS queue, standard or FIFO, whichever of the two payloads they have.
 *
 * <p>Used by dispatchers, workers and the gate. Thread-safe. Each method for one message makes one
 * HTTP call, each for many one for ten, bounded by the time-outs of the {@link SqsClient} it was
 * given, which must be longer than the wait of a receive; it never closes that client. SQS delivers
 * at least once: a message whose delete got lost, or whose visibility lapsed, is handed out again.
 * Failures are {@link SourceException}s, whose text names the queue, the code, the status and the
 * request id and never quotes a message.
 *
 * <p>The bodies of messages in hand are kept in memory, for {@link #deadLetter}, until they are
 * deleted, given back or lapse.
 */
public final class SqsMessageSource implements MessageSource {
  private static final Logger log = LoggerFactory.getLogger(SqsMessageSource.class);

  /** The attribute in which a message says its trace, in W3C's form. */
  private static final String TRACEPARENT = "traceparent";

  private static final int MAX_RECEIVE = 10;
  private static final int MAX_WAIT_SECONDS = 20;
  private static final String NOT_DELETED = "a message could not be deleted";
  private static final String NOT_CHANGED = "a message's visibility could not be changed";

  private final SqsClient sqs;
  private final SqsQueue queue;
  private final Duration visibility;
  private final Ticker ticker;
  private final SqsDeadLetters deadLetters;
  private final SqsInHand inHand;

  private SqsMessageSource(Builder builder, SqsQueue queue) {
    this.sqs = builder.sqs;
    this.queue = queue;
    this.visibility = builder.visibility;
    this.ticker = builder.ticker;
    this.deadLetters = new SqsDeadLetters(builder.sqs, queue, builder.deadLetterQueue);
    this.inHand = new SqsInHand(builder.ticker);
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

  @Override
  public Duration visibility() {
    return visibility;
  }

  @Override
  public boolean keepsOrder() {
    return queue.isFifo();
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
    inHand.forgetLapsed();
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
                          MessageSystemAttributeName.MESSAGE_GROUP_ID,
                          MessageSystemAttributeName.AWS_TRACE_HEADER)
                      .messageAttributeNames(TRACEPARENT)
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
    List<ReceivedMessage> received = new ArrayList<>(messages.size());
    for (Message message : messages) {
      received.add(take(message, false));
    }
    return received;
  }

  private ReceivedMessage take(Message message, boolean isAdopted) {
    inHand.hold(message, visibility, isAdopted);
    ReceivedMessage received = read(message);
    String group = message.attributes().get(MessageSystemAttributeName.MESSAGE_GROUP_ID);
    return group == null || !queue.isFifo() ? received : received.inGroup(group);
  }

  /**
   * Takes into hand a message of this queue that something else received, such as the event source
   * of a Lambda, as {@link #receive} would have. Makes no call. Its body is kept until {@link
   * #letGo}.
   *
   * @param message the message with its receipt handle, body and system attributes
   * @return the message; unreadable if its body is neither payload
   */
  public ReceivedMessage adopt(Message message) {
    return take(message, true);
  }

  /**
   * Forgets a message in hand without a call: whoever received it says what becomes of it. It can
   * no longer be put aside.
   *
   * @param received what was adopted
   */
  public void letGo(ReceivedMessage received) {
    inHand.ended(received.handle());
  }

  private static ReceivedMessage read(Message message) {
    int receives = receives(message);
    try {
      OutboundMessage read = PayloadCodec.decodeEither(message.body());
      return ReceivedMessage.of(message.receiptHandle(), inItsTrace(read, message), receives);
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

  /** What a payload does not say, those who put it into the queue may have said beside it. */
  private static OutboundMessage inItsTrace(OutboundMessage read, Message message) {
    if (read.traceId().isPresent()) {
      return read;
    }
    MessageAttributeValue traceparent = message.messageAttributes().get(TRACEPARENT);
    String trace = traceparent == null ? null : traceparent.stringValue();
    if (TraceContext.of(trace).traceparent().isEmpty()) {
      trace = message.attributes().get(MessageSystemAttributeName.AWS_TRACE_HEADER);
    }
    return trace != null && !TraceContext.of(trace).equals(TraceContext.NONE)
        ? read.withTraceId(trace)
        : read;
  }

  /** A count that is none is taken for the first: it must not cost the neighbours. */
  private static int receives(Message message) {
    String count = message.attributes().get(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT);
    return count != null && count.matches("[1-9][0-9]{0,8}") ? Integer.parseInt(count) : 1;
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
      throw SqsSourceBatch.failure(queue, NOT_DELETED, e);
    }
    inHand.ended(received.handle());
  }

  /**
   * Ends any number of messages, ten a call. A failed call is a failure of each of its messages;
   * after three of them in a row the rest is not tried.
   *
   * @param received what is done with
   * @return those that SQS did not acknowledge, in the order given
   */
  @Override
  public List<NotDone> deleteAll(List<ReceivedMessage> received) {
    return new SqsSourceBatch<ReceivedMessage>(queue, NOT_DELETED, each -> each)
        .run(received, this::deleteBatch, each -> inHand.ended(each.handle()));
  }

  private SqsSourceBatch.Answer deleteBatch(List<ReceivedMessage> some) {
    DeleteMessageBatchResponse response =
        sqs.deleteMessageBatch(
            DeleteMessageBatchRequest.builder()
                .queueUrl(queue.url())
                .entries(
                    IntStream.range(0, some.size())
                        .mapToObj(
                            i ->
                                DeleteMessageBatchRequestEntry.builder()
                                    .id(Integer.toString(i))
                                    .receiptHandle(some.get(i).handle())
                                    .build())
                        .toList())
                .build());
    return new SqsSourceBatch.Answer(
        response.successful().stream().map(DeleteMessageBatchResultEntry::id).toList(),
        response.failed());
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
    VisibilityChange change = new VisibilityChange(received, visibility);
    long now = ticker.nanos();
    try {
      sqs.changeMessageVisibility(
          ChangeMessageVisibilityRequest.builder()
              .queueUrl(queue.url())
              .receiptHandle(received.handle())
              .visibilityTimeout((int) wholeSeconds(visibility))
              .build());
    } catch (RuntimeException e) {
      throw SqsSourceBatch.failure(queue, NOT_CHANGED, e);
    }
    changed(change, now);
  }

  /**
   * Sets when each of any number of messages is handed out again, ten a call, in whole seconds as
   * {@link #changeVisibility}. A failed call is a failure of each of its messages; after three of
   * them in a row the rest is not tried.
   *
   * @param changes what is in hand, each with its own visibility
   * @return those that SQS did not acknowledge, in the order given
   */
  @Override
  public List<NotDone> changeVisibilityAll(List<VisibilityChange> changes) {
    long now = ticker.nanos();
    return new SqsSourceBatch<>(queue, NOT_CHANGED, VisibilityChange::received)
        .run(changes, this::changeBatch, change -> changed(change, now));
  }

  private SqsSourceBatch.Answer changeBatch(List<VisibilityChange> some) {
    ChangeMessageVisibilityBatchResponse response =
        sqs.changeMessageVisibilityBatch(
            ChangeMessageVisibilityBatchRequest.builder()
                .queueUrl(queue.url())
                .entries(
                    IntStream.range(0, some.size())
                        .mapToObj(i -> entry(Integer.toString(i), some.get(i)))
                        .toList())
                .build());
    return new SqsSourceBatch.Answer(
        response.successful().stream().map(ChangeMessageVisibilityBatchResultEntry::id).toList(),
        response.failed());
  }

  private static ChangeMessageVisibilityBatchRequestEntry entry(
      String id, VisibilityChange change) {
    return ChangeMessageVisibilityBatchRequestEntry.builder()
        .id(id)
        .receiptHandle(change.received().handle())
        .visibilityTimeout((int) wholeSeconds(change.visibility()))
        .build();
  }

  private void changed(VisibilityChange change, long from) {
    Duration whole = Duration.ofSeconds(wholeSeconds(change.visibility()));
    inHand.changed(change.received().handle(), from, whole);
  }

  /**
   * Sends a message's body as it is to the dead-letter queue, with the reason as the attribute
   * {@code reason}, and deletes it, unless it was adopted: then whoever received it deletes it, or
   * the caller by {@link #delete}. Takes two round trips, more at first. If the delete fails, that
   * is logged, and the message comes back once its visibility lapses, to be put aside again.
   *
   * @param received what is put aside, in hand
   * @param reason a short code, without content
   * @throws SourceException if it is no longer in hand, or there is no dead-letter queue, or that
   *     did not acknowledge
   */
  @Override
  public void deadLetter(ReceivedMessage received, String reason) {
    if (reason.isBlank()) {
      throw new IllegalArgumentException("reason must not be blank");
    }
    SqsInHand.Held held =
        inHand
            .get(received.handle())
            .orElseThrow(
                () ->
                    new NotInHandException(
                        "queue "
                            + queue.name()
                            + ": the message is no longer in hand and was not put aside",
                        null));
    deadLetters.put(held, reason);
    inHand.ended(received.handle());
    if (held.isAdopted()) {
      return;
    }
    try {
      delete(received);
    } catch (SourceException e) {
      log.warn("{} is in the dead letters and may come again: {}", received, e.getMessage());
    }
  }

  /** How many bodies are kept. */
  int inHand() {
    return inHand.size();
  }

  private static long wholeSeconds(Duration time) {
    return time.getNano() == 0 ? time.getSeconds() : time.getSeconds() + 1;
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
      Duration least = Duration.ofSeconds(1);
      if (visibility.compareTo(least) < 0 || visibility.compareTo(MAX_VISIBILITY) > 0) {
        throw new IllegalArgumentException(
            "visibility must be " + least + " to " + MAX_VISIBILITY + ", was " + visibility);
      }
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
