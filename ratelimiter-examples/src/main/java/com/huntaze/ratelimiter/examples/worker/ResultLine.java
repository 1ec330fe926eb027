package com.huntaze.ratelimiter.examples.worker;

import com.huntaze.ratelimiter.delivery.DeliveryResult;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.ResultStore;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Logs a line for each result, with the fields the operators' saved queries read, and hands it on.
 * No field has content. Thread-safe.
 */
final class ResultLine implements ResultStore {
  private static final Logger log = LoggerFactory.getLogger("com.huntaze.ratelimiter.results");

  private final ResultStore next;

  ResultLine(ResultStore next) {
    this.next = next;
  }

  @Override
  public void put(DeliveryResult result) {
    LoggingEventBuilder line =
        log.atInfo()
            .addKeyValue("message_id", result.messageId())
            .addKeyValue("creator_id", result.creatorId())
            .addKeyValue("action", result.action())
            .addKeyValue("status", result.status().name().toLowerCase(Locale.ROOT))
            .addKeyValue("duration_ms", result.duration().toMillis())
            .addKeyValue("queue_wait_time_ms", result.queueWait().toMillis())
            .addKeyValue("total_time_ms", result.total().toMillis());
    int status = result.response().map(GatewayResponse::statusCode).orElse(0);
    if (status != 0) {
      line = line.addKeyValue("status_code", status);
    }
    if (result.error().isPresent()) {
      DeliveryResult.Failure failure = result.error().get();
      line =
          line.addKeyValue("error.type", failure.type().name().toLowerCase(Locale.ROOT))
              .addKeyValue("error.message", failure.message());
    }
    line.log("result");
    next.put(result);
  }
}
