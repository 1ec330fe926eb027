package com.huntaze.ratelimiter.queue;

import java.util.Optional;

/** What became of one message of a batch. Closed for 1.x; immutable and thread-safe. */
public sealed interface SinkResult {
  /**
   * The sink has the message.
   *
   * @param sinkId the sink's own id for it, where it gives one
   */
  record Taken(Optional<String> sinkId) implements SinkResult {}

  /**
   * The sink did not acknowledge the message.
   *
   * @param reason what is known of it
   */
  record NotTaken(SinkException reason) implements SinkResult {}
}
