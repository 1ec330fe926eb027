package com.huntaze.ratelimiter.examples;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.huntaze.ratelimiter.testkit.FaultySqs;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.services.sqs.SqsClient;

/**
 * Shortens the back-offs that are minutes in the product to seconds, as the windows of these tests
 * are: whoever hides a message for longer than any window here gets it back thirty times sooner.
 * Waits shorter than that, bookings and heartbeats among them, are left as they are. Thread-safe.
 */
final class TimeLapse implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int LONG_SECONDS = 25;
  private static final int FACTOR = 30;

  /** By then the call that was heard has been answered. */
  private static final int SETTLED_MS = 300;

  private final SqsClient client;
  private final ScheduledExecutorService later =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "time-lapse");
            thread.setDaemon(true);
            return thread;
          });

  TimeLapse(SqsClient client) {
    this.client = client;
  }

  /** Hears the calls of somebody who works on a queue. */
  void hear(FaultySqs.Call call) {
    if (!call.action().startsWith("ChangeMessageVisibility")) {
      return;
    }
    try {
      JsonNode body = JSON.readTree(call.body());
      String queue = body.path("QueueUrl").textValue();
      if (body.has("Entries")) {
        body.get("Entries").forEach(entry -> shorten(queue, entry));
      } else {
        shorten(queue, body);
      }
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a call of SQS was no JSON", e);
    }
  }

  private void shorten(String queue, JsonNode entry) {
    int seconds = entry.path("VisibilityTimeout").asInt();
    String handle = entry.path("ReceiptHandle").textValue();
    if (seconds >= LONG_SECONDS && !later.isShutdown()) {
      var unused =
          later.schedule(
              () -> change(queue, handle, 1 + seconds / FACTOR), SETTLED_MS, TimeUnit.MILLISECONDS);
    }
  }

  private void change(String queue, String handle, int seconds) {
    try {
      client.changeMessageVisibility(
          request -> request.queueUrl(queue).receiptHandle(handle).visibilityTimeout(seconds));
    } catch (RuntimeException e) {
      // no longer in flight: there is nothing to shorten
    }
  }

  @Override
  public void close() {
    later.shutdownNow();
  }
}
