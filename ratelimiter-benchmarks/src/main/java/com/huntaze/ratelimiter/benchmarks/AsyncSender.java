package com.huntaze.ratelimiter.benchmarks;

import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.SendResult;
import com.huntaze.ratelimiter.SendStatus;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import io.awspring.cloud.sqs.operations.BatchingSqsClientAdapter;
import io.awspring.cloud.sqs.operations.SqsAsyncOperations;
import io.awspring.cloud.sqs.operations.SqsTemplate;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.batchmanager.SqsAsyncBatchManager;

/** Something that sends without waiting. Thread-safe. */
final class AsyncSender implements AutoCloseable {
  private final Supplier<CompletableFuture<Outcome>> send;
  private final Runnable close;

  private AsyncSender(Supplier<CompletableFuture<Outcome>> send, Runnable close) {
    this.send = send;
    this.close = close;
  }

  /** What became of a message. */
  enum Outcome {
    /** The queue has it. */
    TAKEN,
    /** The sender has no room; the caller is to come again. */
    NO_ROOM,
    /** Neither. */
    FAILED
  }

  /** Ours; closes the client beneath it too. */
  static AsyncSender ours(SqsClient sqs, SampleMessages messages) {
    RateLimitedOnlyFansClient client = client(sqs, messages.queueUrl());
    return new AsyncSender(
        () -> client.sendAsync(messages.ours()).handle((result, fault) -> outcome(result)),
        () -> {
          client.close();
          sqs.close();
        });
  }

  static RateLimitedOnlyFansClient client(SqsClient sqs, String queueUrl) {
    return RateLimitedOnlyFansClient.builder()
        .sink(SqsMessageSink.builder(sqs).queue(queueUrl).build())
        .build();
  }

  /** The SDK's batch manager on its defaults; closes the client beneath it too. */
  static AsyncSender batchManager(SqsAsyncClient sqs, SampleMessages messages) {
    SqsAsyncBatchManager manager = sqs.batchManager();
    return new AsyncSender(
        () ->
            manager
                .sendMessage(messages.request(messages.body()))
                .handle((answer, fault) -> fault == null ? Outcome.TAKEN : Outcome.FAILED),
        () -> {
          manager.close();
          sqs.close();
        });
  }

  /** Spring Cloud AWS with its automatic batching; closes the client beneath it too. */
  static AsyncSender spring(SqsAsyncClient sqs, SampleMessages messages) {
    SqsAsyncBatchManager manager = sqs.batchManager();
    SqsAsyncOperations template =
        SqsTemplate.newAsyncTemplate(new BatchingSqsClientAdapter(manager));
    return new AsyncSender(
        () ->
            template
                .<String>sendAsync(
                    to ->
                        to.queue(messages.queueUrl())
                            .payload(messages.body())
                            .headers(Map.copyOf(messages.attributes())))
                .handle((answer, fault) -> fault == null ? Outcome.TAKEN : Outcome.FAILED),
        () -> {
          manager.close();
          sqs.close();
        });
  }

  private static Outcome outcome(SendResult result) {
    if (result == null) {
      return Outcome.FAILED;
    }
    return result.accepted()
        ? Outcome.TAKEN
        : result.status() == SendStatus.RATE_LIMITED ? Outcome.NO_ROOM : Outcome.FAILED;
  }

  CompletableFuture<Outcome> send() {
    return send.get();
  }

  @Override
  public void close() {
    close.run();
  }
}
