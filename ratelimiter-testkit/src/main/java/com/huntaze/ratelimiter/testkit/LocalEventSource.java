package com.huntaze.ratelimiter.testkit;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/**
 * What AWS runs between an SQS queue and a Lambda function, with {@code ReportBatchItemFailures}:
 * it polls the queue, standard or FIFO, hands batches to the function as events, and deletes what
 * the function does not list as failed.
 *
 * <p>A listed message is left alone, and so is the whole batch when the function throws, takes too
 * long, or answers with what Lambda does not take: no JSON, another key than {@code
 * batchItemFailures}, an {@code itemIdentifier} that is missing, empty, or of no message of the
 * batch. Nothing at all, {@code null}, {@code {}} and an empty list are a success of the whole
 * batch. When such a message comes back is the queue's to say, or whoever changed its visibility;
 * so are the dead letters, and that a FIFO group in flight is in no second batch.
 *
 * <p>Unlike AWS's it does not invoke less when the function fails. A function that takes too long
 * is interrupted, and goes on if it does not heed that. Thread-safe; the function is called from as
 * many threads as the maximum concurrency. The threads are daemons and end with {@link #stop} or
 * {@link #kill}. A queue that cannot be asked is asked again.
 */
@SuppressWarnings("exports") // The SDK's types come from the class path, as every server's do.
public final class LocalEventSource implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LocalEventSource.class);
  private static final String ACCOUNT = "000000000000";
  private static final Duration LOOK_AGAIN = Duration.ofMillis(200);
  private static final Duration STOP = Duration.ofSeconds(60);

  private final SqsClient sqs;
  private final String queueUrl;
  private final String queueArn;
  private final String region;
  private final Invocation function;
  private final int batchSize;
  private final Duration timeout;
  private final Duration pollWait;
  private final CountDownLatch stopping = new CountDownLatch(1);
  private final List<Thread> pollers = new ArrayList<>();
  private final Map<String, AtomicInteger> receives = new ConcurrentHashMap<>();
  private final AtomicInteger invocations = new AtomicInteger();
  private final AtomicInteger failedInvocations = new AtomicInteger();
  private final AtomicInteger deleted = new AtomicInteger();
  private final CompletableFuture<byte[]> death = new CompletableFuture<>();
  private volatile boolean killed;

  /** A Lambda function. */
  @FunctionalInterface
  public interface Invocation {
    /**
     * Works on a batch. Called from several threads at once.
     *
     * @param event the JSON of an SQS event
     * @param remaining how long the function may take
     * @return the JSON of a partial batch response, or nothing
     * @throws Exception if the whole batch has failed
     */
    byte @Nullable [] invoke(byte[] event, Duration remaining) throws Exception;
  }

  private LocalEventSource(Builder builder) {
    this.sqs = builder.sqs;
    this.queueUrl = builder.queueUrl;
    this.region = builder.region;
    this.queueArn =
        "arn:aws:sqs:%s:%s:%s"
            .formatted(region, ACCOUNT, queueUrl.substring(queueUrl.lastIndexOf('/') + 1));
    this.function = builder.function;
    this.batchSize = builder.batchSize;
    this.timeout = builder.timeout;
    this.pollWait = builder.pollWait;
    for (int i = 1; i <= builder.maximumConcurrency; i++) {
      pollers.add(daemon(this::poll, "event-source-" + i));
    }
  }

  /**
   * Starts an event source.
   *
   * @param sqs the client it polls and deletes with; it stays open
   * @param queueUrl the queue's URL
   * @param function what is invoked
   * @return a builder
   */
  public static Builder builder(SqsClient sqs, String queueUrl, Invocation function) {
    return new Builder(sqs, queueUrl, function);
  }

  /** {@return how many events the function was handed so far} */
  public int invocations() {
    return invocations.get();
  }

  /** {@return how many of them failed as a whole, too slow ones among them} */
  public int failedInvocations() {
    return failedInvocations.get();
  }

  /** {@return how many messages were deleted so far} */
  public int deleted() {
    return deleted.get();
  }

  /** {@return how often each message was received so far, by the id that SQS gave it} */
  public Map<String, Integer> receives() {
    return receives.entrySet().stream()
        .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, each -> each.getValue().get()));
  }

  /**
   * Polls no more, and waits until what is being invoked has been answered and settled, 60 s at
   * most. A poll under way is waited for, and what it takes is handed to the function, too.
   * Idempotent.
   *
   * @throws IllegalStateException if it takes longer
   */
  public void stop() {
    stopping.countDown();
    try {
      for (Thread poller : pollers) {
        poller.join(STOP.toMillis());
        if (poller.isAlive()) {
          throw new IllegalStateException(poller.getName() + " still runs after " + STOP);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Ends as a power cut would, seen from the queue: nothing that is being invoked is settled,
   * whatever it still answers, and its messages come back when their visibility passes. The
   * function's threads are left to run: what they had begun may still reach others.
   */
  public void kill() {
    killed = true;
    stopping.countDown();
    death.complete(new byte[0]);
  }

  /** Stops. */
  @Override
  public void close() {
    stop();
  }

  private void poll() {
    while (stopping.getCount() > 0) {
      List<Message> batch;
      try {
        batch =
            sqs.receiveMessage(
                    request ->
                        request
                            .queueUrl(queueUrl)
                            .maxNumberOfMessages(batchSize)
                            .waitTimeSeconds((int) pollWait.toSeconds())
                            .messageSystemAttributeNames(MessageSystemAttributeName.ALL)
                            .messageAttributeNames("All"))
                .messages();
      } catch (RuntimeException e) {
        log.debug("The queue cannot be polled: {}", e.getClass().getName());
        pause();
        continue;
      }
      if (!batch.isEmpty() && !killed) {
        batch.forEach(
            message ->
                receives
                    .computeIfAbsent(message.messageId(), any -> new AtomicInteger())
                    .incrementAndGet());
        settle(batch, invoke(batch));
      }
    }
  }

  private void pause() {
    try {
      boolean unused = stopping.await(LOOK_AGAIN.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException("nobody interrupts a poller", e);
    }
  }

  /** The ids that failed; empty if all did. */
  private Optional<Set<String>> invoke(List<Message> batch) {
    int number = invocations.incrementAndGet();
    byte[] event = LambdaEvent.of(batch, queueArn, region);
    CompletableFuture<byte[]> answer = new CompletableFuture<>();
    Thread invocation =
        daemon(
            () -> {
              try {
                byte[] given = function.invoke(event, timeout);
                answer.complete(given == null ? new byte[0] : given);
              } catch (Throwable e) { // Lambda survives an Error of the function, too
                answer.completeExceptionally(e);
              }
            },
            "invocation-" + number);
    invocation.start();
    Optional<Set<String>> failed = Optional.empty();
    try {
      failed =
          LambdaEvent.failures(
              answer
                  .applyToEither(death, either -> either)
                  .get(timeout.toNanos(), TimeUnit.NANOSECONDS),
              batch.stream().map(Message::messageId).collect(Collectors.toSet()));
      if (failed.isEmpty()) {
        log.warn("Invocation {} answered what Lambda does not take", number);
      }
    } catch (ExecutionException e) {
      log.warn("Invocation {} failed: {}", number, String.valueOf(e.getCause()));
    } catch (TimeoutException e) {
      log.warn("Invocation {} took longer than {}", number, timeout);
      invocation.interrupt();
    } catch (InterruptedException e) {
      throw new IllegalStateException("nobody interrupts a poller", e);
    }
    if (failed.isEmpty()) {
      failedInvocations.incrementAndGet();
    }
    return failed;
  }

  private void settle(List<Message> batch, Optional<Set<String>> failed) {
    if (failed.isEmpty() || killed) {
      return;
    }
    List<Message> done =
        batch.stream().filter(message -> !failed.get().contains(message.messageId())).toList();
    if (done.isEmpty()) {
      return;
    }
    List<DeleteMessageBatchRequestEntry> entries =
        IntStream.range(0, done.size())
            .mapToObj(
                i ->
                    DeleteMessageBatchRequestEntry.builder()
                        .id(Integer.toString(i))
                        .receiptHandle(done.get(i).receiptHandle())
                        .build())
            .toList();
    try {
      deleted.addAndGet(
          sqs.deleteMessageBatch(request -> request.queueUrl(queueUrl).entries(entries))
              .successful()
              .size());
    } catch (RuntimeException e) {
      log.warn("A batch could not be deleted; it comes back: {}", e.getClass().getName());
    }
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  /** Says how a {@link LocalEventSource} behaves, then starts it. Not thread-safe. */
  public static final class Builder {
    private final SqsClient sqs;
    private final String queueUrl;
    private final Invocation function;
    private int batchSize = 10;
    private int maximumConcurrency = 2;
    private Duration timeout = Duration.ofSeconds(30);
    private Duration pollWait = Duration.ofSeconds(1);
    private String region = "us-east-1";

    private Builder(SqsClient sqs, String queueUrl, Invocation function) {
      this.sqs = requireNonNull(sqs, "sqs");
      this.queueUrl = requireNonNull(queueUrl, "queueUrl");
      this.function = requireNonNull(function, "function");
    }

    /**
     * Sets how many messages an event holds at most. Default 10.
     *
     * @param newBatchSize 1 to 10
     * @return this builder
     */
    public Builder batchSize(int newBatchSize) {
      if (newBatchSize < 1 || newBatchSize > 10) {
        throw new IllegalArgumentException("batchSize must be 1 to 10, was " + newBatchSize);
      }
      this.batchSize = newBatchSize;
      return this;
    }

    /**
     * Sets how many invocations are under way at once at most. Default 2, the least that AWS takes.
     *
     * @param newMaximumConcurrency 1 to 1,000
     * @return this builder
     */
    public Builder maximumConcurrency(int newMaximumConcurrency) {
      if (newMaximumConcurrency < 1 || newMaximumConcurrency > 1_000) {
        throw new IllegalArgumentException(
            "maximumConcurrency must be 1 to 1000, was " + newMaximumConcurrency);
      }
      this.maximumConcurrency = newMaximumConcurrency;
      return this;
    }

    /**
     * Sets how long the function may take. Default 30 s. The queue's visibility time-out should be
     * longer.
     *
     * @param newTimeout the time, more than zero
     * @return this builder
     */
    public Builder timeout(Duration newTimeout) {
      if (newTimeout.isZero() || newTimeout.isNegative()) {
        throw new IllegalArgumentException("timeout must be more than zero, was " + newTimeout);
      }
      this.timeout = newTimeout;
      return this;
    }

    /**
     * Sets how long a poll waits for a first message. Default 1 s, where AWS waits for 20: a stop
     * has to wait for it.
     *
     * @param newPollWait whole seconds, 0 to 20
     * @return this builder
     */
    public Builder pollWait(Duration newPollWait) {
      if (newPollWait.isNegative() || newPollWait.toSeconds() > 20) {
        throw new IllegalArgumentException("pollWait must be 0 to 20 s, was " + newPollWait);
      }
      this.pollWait = newPollWait;
      return this;
    }

    /**
     * Sets the region that events name. Default {@code us-east-1}.
     *
     * @param newRegion the region
     * @return this builder
     */
    public Builder region(String newRegion) {
      this.region = requireNonNull(newRegion, "newRegion");
      return this;
    }

    /** {@return a running event source} */
    public LocalEventSource start() {
      LocalEventSource source = new LocalEventSource(this);
      source.pollers.forEach(Thread::start);
      return source;
    }
  }
}
