package com.huntaze.ratelimiter.delivery;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.queue.MessageSource;
import java.time.Duration;

/**
 * Works through the FIFO workflow queue: a {@link Dispatcher} that was told where sent messages are
 * remembered and where results go, over a source that keeps order.
 *
 * <p>Takes a permit at the edge for each call, keeps each creator's messages in order, records
 * every outcome. Thread-safe; owns its threads and ends them at {@link #close}.
 */
public final class WorkflowWorker implements AutoCloseable {
  private static final int RECEIVES = 3;

  private final Dispatcher dispatcher;

  /**
   * A worker with the defaults of a {@link Dispatcher}.
   *
   * @param source the FIFO queue
   * @param edge the edge's bucket, shared by every worker
   * @param gateway what calls the API
   * @param sentLog what was sent, shared by every worker
   * @param results where outcomes go
   * @throws IllegalArgumentException if the source does not keep order
   */
  public WorkflowWorker(
      MessageSource source,
      TokenBucket edge,
      OnlyFansGateway gateway,
      SentLog sentLog,
      ResultStore results) {
    this(Dispatcher.builder(source, edge, gateway).sentLog(sentLog).results(results));
  }

  /**
   * A worker with other settings.
   *
   * @param settings a dispatcher's settings, with {@code sentLog} and {@code results} among them
   * @throws IllegalArgumentException if one of the two is missing, or the source does not keep
   *     order
   */
  public WorkflowWorker(Dispatcher.Builder settings) {
    requireNonNull(settings, "settings");
    if (settings.sentLog == null || settings.results == null) {
      throw new IllegalArgumentException(
          "settings must name a sentLog that all workers share, and where results go");
    }
    if (!settings.source.keepsOrder()) {
      throw new IllegalArgumentException(
          "source must keep order, as a FIFO queue does, was " + settings.source);
    }
    if (settings.mostReceives == Integer.MAX_VALUE) {
      settings.mostReceives(RECEIVES);
    }
    this.dispatcher = settings.build();
  }

  /** Begins to work. Idempotent. */
  public void start() {
    dispatcher.start();
  }

  /** {@return the messages in hand} */
  public int inHand() {
    return dispatcher.inHand();
  }

  /** {@return whether it does its work, for a health check} */
  public DispatcherHealth health() {
    return dispatcher.health();
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
