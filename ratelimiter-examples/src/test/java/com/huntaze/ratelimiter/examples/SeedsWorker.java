package com.huntaze.ratelimiter.examples;

import com.huntaze.ratelimiter.delivery.GatewayResponse.Outcome;
import com.huntaze.ratelimiter.delivery.HttpOnlyFansGateway;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * The worker of the design that this project started from: it trusts that the limit was taken in
 * front of its queue, and sends what it receives.
 */
final class SeedsWorker implements AutoCloseable {
  private static final int THREADS = 10;

  private final ExecutorService threads =
      Executors.newFixedThreadPool(
          THREADS,
          task -> {
            Thread thread = new Thread(task, "seeds-worker");
            thread.setDaemon(true);
            return thread;
          });
  private final SqsMessageSource source;
  private final OnlyFansGateway gateway;
  private volatile boolean closed;

  SeedsWorker(Pipeline pipeline) {
    this.source = SqsMessageSource.builder(pipeline.client).queue(pipeline.workflow.url()).build();
    this.gateway = HttpOnlyFansGateway.builder(pipeline.api.baseUri()).build();
  }

  void start() {
    for (int i = 0; i < THREADS; i++) {
      threads.execute(this::work);
    }
  }

  private void work() {
    while (!closed) {
      List<ReceivedMessage> some = source.receive(10, Duration.ofSeconds(1));
      for (ReceivedMessage each : some) {
        var response = gateway.call(each.message().orElseThrow(), Pipeline.CALL_TIMEOUT);
        if (response.outcome() == Outcome.DELIVERED) {
          source.delete(each);
        }
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    threads.shutdown();
    try {
      if (!threads.awaitTermination(10, TimeUnit.SECONDS)) {
        throw new IllegalStateException("the seeds' worker still runs");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
