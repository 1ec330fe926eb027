package com.huntaze.ratelimiter.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.huntaze.ratelimiter.queue.SourceException;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class FaultLogTest {
  @Test
  void the_words_of_a_foreign_exception_are_not_logged_and_ours_are() {
    Logger logger = (Logger) LoggerFactory.getLogger(Dispatcher.class);
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    lines.start();
    logger.addAppender(lines);
    logger.setLevel(Level.WARN);
    try {
      FaultLog faults = new FaultLog();
      faults.warn("A result could not be stored", new IllegalStateException("quoting content"));
      faults.warn("The source cannot be asked", new SourceException("queue entry: down", null));
      assertThat(lines.list)
          .extracting(ILoggingEvent::getFormattedMessage)
          .containsExactly(
              "A result could not be stored: java.lang.IllegalStateException",
              "The source cannot be asked: com.huntaze.ratelimiter.queue.SourceException:"
                  + " queue entry: down");
    } finally {
      logger.detachAppender(lines);
      logger.setLevel(null);
    }
  }
}
