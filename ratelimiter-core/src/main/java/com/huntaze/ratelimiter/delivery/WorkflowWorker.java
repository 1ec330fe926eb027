package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.queue.MessageSource;
import java.time.Duration;

/**
 * Works through the FIFO workflow queue: a {@link Dispatcher} that must be told where sent messages
 * are remembered and where results go.
 *
 * <p>Takes a permit at the edge for each call, keeps each creator's messages in order, records
 * every outcome. Thread-safe; owns its threads and ends them at {@link #close}.
 */
public final class WorkflowWorker implements AutoCloseable {
  private final Dispatcher dispatcher;

  /**
   * A worker with the defaults of a {@link Dispatcher}.
   *
   * @param source the FIFO queue
   * @param edge the edge's bucket, shared by every worker
   * @param gateway what calls the API
   * @param sentLog what was sent, shared by every worker
   * @param results where outcomes go
   */
  public WorkflowWorker(
      MessageSource source,
      TokenBucket edge,
      OnlyFansGateway gateway,
      SentLog sentLog,
      ResultStore results) {
    this.dispatcher =
        Dispatcher.builder(source, edge, gateway).sentLog(sentLog).results(results).build();
  }

  /** Begins to work. Idempotent. */
  public void start() {
    dispatcher.start();
  }

  /** {@return the messages in hand} */
  public int inHand() {
    return dispatcher.inHand();
  }

  /**
   * Stops as {@link Dispatcher#close(Duration)} does.
   *
   * @param deadline how long calls may take to finish
   * @return how many messages were left in hand
   */
  public int close(Duration deadline) {
    return dispatcher.close(deadline);
  }

  /** Stops within the default of a {@link Dispatcher}. */
  @Override
  public void close() {
    dispatcher.close();
  }
}
