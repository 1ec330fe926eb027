package com.huntaze.ratelimiter.sqs;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.QueueDepth;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;

/**
 * Puts messages into an SQS queue, or into one for each priority.
 *
 * <p>Used by the client, the replayer and the gate. A standard queue gets the entry queue's payload
 * with four String attributes; a FIFO queue, known by its {@code .fifo}, gets the workflow queue's
 * payload, with the creator as group, the message id as deduplication id and the attribute {@code
 * rate_limiter_version}. A trace that is in the form of W3C or X-Ray travels along as {@code
 * AWSTraceHeader}, and as the attribute {@code traceparent}. Every rule of SQS on size, names,
 * counts and characters is checked before the network is used.
 *
 * <p>Thread-safe. It makes one HTTP call for each call of its own, bounded by the time-outs of the
 * {@link SqsClient} it was given, whose own retries should be off; it never closes that client.
 * What is not taken is a {@link com.huntaze.ratelimiter.queue.SinkException}, whose text names the
 * queue, the code, the status and the request id and never quotes a message.
 */
public final class SqsMessageSink implements MessageSink {
  private static final Logger log = LoggerFactory.getLogger(SqsMessageSink.class);

  /** The SDK's own, which quotes the bodies it checks at DEBUG. */
  private static final Logger quoting =
      LoggerFactory.getLogger(
          "software.amazon.awssdk.services.sqs.internal.MessageMD5ChecksumInterceptor");

  private static final String QUOTED =
      "the AWS SDK logs message bodies at DEBUG: set the logger "
          + quoting.getName()
          + " to INFO or above";

  /** Each queue once; the first is that of priorities without their own. */
  private final List<SqsSender> senders;

  private final List<SqsInspection> inspections;
  private final Map<Priority, SqsSender> byPriority;
  private final int maxMessageBytes;

  private SqsMessageSink(SqsClient sqs, Map<Priority, SqsSender> byPriority, int maxMessageBytes) {
    this.byPriority = byPriority;
    this.senders = byPriority.values().stream().distinct().toList();
    this.inspections =
        senders.stream().map(sender -> new SqsInspection(sqs, sender.queue())).toList();
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
   * Starts a sink for the entry queue of a deployment's settings, {@code SQS_RATE_LIMITER_QUEUE}.
   *
   * @param sqs the client, such as {@link SqsClients#forSending} makes from the same settings
   * @param config the settings
   * @return a builder, which must be told the queue if the settings do not name one
   */
  public static Builder builder(SqsClient sqs, RateLimiterConfig config) {
    Builder builder = new Builder(sqs);
    config.queue().ifPresent(builder::queue);
    return builder;
  }

  /**
   * Puts one message by one call of SQS; the first use of a queue given by name takes one more.
   *
   * @param message what to put
   * @return that it was taken, with the message id that SQS gave it
   * @throws com.huntaze.ratelimiter.queue.SinkException if SQS did not acknowledge it
   */
  @Override
  public SinkResult.Taken send(OutboundMessage message) {
    return sender(message).send(message);
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
    return putAll(messages, Function.identity(), SqsSender::sendAll);
  }

  /**
   * Puts any number of messages as {@link #sendAll} does. In a FIFO queue each tells what the
   * limiter said, by the attributes {@code rate_limit_timestamp} and {@code tokens_remaining}.
   *
   * @param granted what to put
   * @return item <i>i</i> says what became of message <i>i</i>
   */
  @Override
  public List<SinkResult> forwardAll(List<Granted> granted) {
    return putAll(granted, Granted::message, SqsSender::forwardAll);
  }

  private <T> List<SinkResult> putAll(
      List<T> items,
      Function<T, OutboundMessage> message,
      BiFunction<SqsSender, List<T>, List<SinkResult>> put) {
    if (senders.size() == 1) {
      return put.apply(senders.get(0), items);
    }
    Map<SqsSender, List<Integer>> places = new LinkedHashMap<>();
    for (int i = 0; i < items.size(); i++) {
      SqsSender sender = sender(message.apply(items.get(i)));
      places.computeIfAbsent(sender, key -> new ArrayList<>()).add(i);
    }
    @Nullable SinkResult[] results = new SinkResult[items.size()];
    places.forEach(
        (sender, indexes) -> {
          List<SinkResult> answers = put.apply(sender, indexes.stream().map(items::get).toList());
          for (int k = 0; k < answers.size(); k++) {
            results[indexes.get(k)] = answers.get(k);
          }
        });
    return Arrays.stream(results).map(result -> requireNonNull(result)).toList();
  }

  private SqsSender sender(OutboundMessage message) {
    return requireNonNull(byPriority.get(message.priority()));
  }

  /**
   * Counts its queues and, where a redrive policy names one that may be read, their dead-letter
   * queues. SQS counts approximately, a minute behind at times; it does not tell the oldest
   * message's age. Takes two round trips a queue, more at first.
   */
  @Override
  public QueueDepth depth() {
    QueueDepth sum = inspections.get(0).depth();
    for (SqsInspection each : inspections.subList(1, inspections.size())) {
      QueueDepth depth = each.depth();
      sum =
          new QueueDepth(
              sum.visible() + depth.visible(),
              sum.inFlight() + depth.inFlight(),
              sum.delayed() + depth.delayed(),
              sum.deadLettered().isPresent() || depth.deadLettered().isPresent()
                  ? OptionalLong.of(sum.deadLettered().orElse(0) + depth.deadLettered().orElse(0))
                  : OptionalLong.empty(),
              Optional.empty());
    }
    return sum;
  }

  /**
   * Asks SQS about its queues: whether they take the sink's messages, keep them 14 days, and have a
   * dead-letter queue. Looks whether the SDK logs what is sent, too. Takes a round trip a queue.
   */
  @Override
  public List<String> check() {
    List<String> findings = new ArrayList<>();
    for (SqsInspection each : inspections) {
      findings.addAll(each.findings(maxMessageBytes));
    }
    if (quoting.isDebugEnabled()) {
      findings.add(QUOTED);
    }
    return findings;
  }

  /** {@inheritDoc} A FIFO queue does unless told not to, a standard queue does not. */
  @Override
  public boolean keepsOrder() {
    return senders.get(0).keepsOrder();
  }

  @Override
  public String toString() {
    return "SqsMessageSink" + senders.stream().map(sender -> sender.queue().name()).toList();
  }

  /** Sets up an {@link SqsMessageSink}. Not thread-safe. */
  public static final class Builder {
    private final SqsClient sqs;
    private @Nullable SqsQueue queue;
    private final Map<Priority, SqsQueue> ofPriority = new EnumMap<>(Priority.class);
    private final Map<String, MessageAttributeValue> attributes = new LinkedHashMap<>();
    private int maxMessageBytes = 262_144;
    private boolean isUnordered;

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
     * Sets a queue of its own for a priority, as in {@code …-high}; it is of the same type as the
     * sink's. Default: the sink's queue. Who takes messages out must look at all of them.
     *
     * @param priority whose messages go there
     * @param nameOrUrl the queue's name or URL
     * @return this builder
     * @throws IllegalArgumentException if it is neither
     */
    public Builder queue(Priority priority, String nameOrUrl) {
      ofPriority.put(requireNonNull(priority, "priority"), SqsQueue.of(sqs, nameOrUrl));
      return this;
    }

    /**
     * Adds a String attribute that every message carries, such as for a filter. SQS takes ten: up
     * to four are the sink's, three are kept free for what tracing adds.
     *
     * @param name 1 to 256 letters, digits, {@code _}, {@code -} and single dots within it; not one
     *     of the sink's, nor one that begins with AWS. or Amazon.
     * @param value not empty
     * @return this builder
     * @throws IllegalArgumentException if SQS would refuse it, or if it is one too many
     */
    public Builder attribute(String name, String value) {
      SqsRules.checkAttribute(name, value);
      if (!attributes.containsKey(name) && attributes.size() >= SqsRules.FREE_ATTRIBUTES) {
        throw new IllegalArgumentException(
            "attribute "
                + name
                + " is one too many: SQS takes 10, of which a sink may be given "
                + SqsRules.FREE_ATTRIBUTES);
      }
      attributes.put(name, SqsEntry.string(value));
      return this;
    }

    /**
     * Lets messages of one creator share a call to a FIFO queue, and pass one that was not taken:
     * for senders whose messages have no order to keep, such as a gate behind a standard queue.
     * Default: the order in which they are put is kept, which takes a call for each of them.
     *
     * @return this builder
     */
    public Builder unordered() {
      isUnordered = true;
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
     * Makes the sink. Warns once if the client retries by itself, or logs what is sent.
     *
     * @return the sink; nothing has been sent to SQS yet
     * @throws IllegalStateException if no queue was set, or if one of a priority is not of its type
     */
    public SqsMessageSink build() {
      SqsQueue to = queue;
      if (to == null) {
        throw new IllegalStateException(
            "queue must be set: the name or URL of an SQS queue, as in SQS_RATE_LIMITER_QUEUE");
      }
      Map<Priority, SqsSender> byPriority = new EnumMap<>(Priority.class);
      SqsSender others = sender(to);
      for (Priority priority : Priority.values()) {
        SqsQueue own = ofPriority.get(priority);
        if (own != null && own.isFifo() != to.isFifo()) {
          throw new IllegalStateException(
              "queue " + own.name() + " and queue " + to.name() + " must both be FIFO or neither");
        }
        byPriority.put(priority, own == null ? others : sender(own));
      }
      warnOfRetries(to);
      if (quoting.isDebugEnabled()) {
        log.warn("For queue {}: {}", to.name(), QUOTED);
      }
      return new SqsMessageSink(sqs, byPriority, maxMessageBytes);
    }

    private SqsSender sender(SqsQueue to) {
      return new SqsSender(
          sqs, to, maxMessageBytes, Map.copyOf(attributes), to.isFifo() && !isUnordered);
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
