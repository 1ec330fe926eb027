package com.huntaze.ratelimiter.queue;

import org.slf4j.spi.LoggingEventBuilder;

/**
 * The fields by which a message is found in the logs of every part it goes through. Never what it
 * says. Thread-safe.
 */
public final class LogFields {
  private LogFields() {}

  /**
   * Adds who and what: {@code messageId}, {@code userId}, {@code creatorId}, {@code recipientId},
   * {@code priority} and {@code traceId}, those that the message has.
   *
   * @param line the line
   * @param about the message it is about
   * @return the line
   */
  public static LoggingEventBuilder of(LoggingEventBuilder line, OutboundMessage about) {
    LoggingEventBuilder more =
        line.addKeyValue("messageId", about.messageId())
            .addKeyValue("userId", about.userId())
            .addKeyValue("creatorId", about.creator());
    if (about.recipientId().isPresent()) {
      more = more.addKeyValue("recipientId", about.recipientId().get());
    }
    more = more.addKeyValue("priority", about.priority());
    return about.traceId().isPresent() ? more.addKeyValue("traceId", about.traceId().get()) : more;
  }
}
