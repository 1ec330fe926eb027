package com.huntaze.ratelimiter.examples.worker;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.huntaze.ratelimiter.delivery.DeliveryResult;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.ResultStore;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.ZoneOffset;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Keeps results as lines of JSON, a file for each day in UTC. They hold what the API answered, so
 * the directory is to be kept as private as that. Thread-safe within one process.
 */
final class FileResults implements ResultStore {
  private static final JsonFactory JSON = new JsonFactory();

  private final Path directory;

  FileResults(Path directory) {
    this.directory = directory;
  }

  @Override
  public void put(DeliveryResult result) {
    String day = result.timestamp().atZone(ZoneOffset.UTC).toLocalDate().toString();
    try {
      String line = line(result) + "\n";
      synchronized (this) {
        Files.createDirectories(directory);
        Files.writeString(
            directory.resolve("results-" + day + ".jsonl"),
            line,
            StandardOpenOption.CREATE,
            StandardOpenOption.APPEND);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String line(DeliveryResult result) throws IOException {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      json.writeStringField("message_id", result.messageId());
      json.writeStringField("creator_id", result.creatorId());
      json.writeStringField("action", result.action());
      json.writeStringField("status", result.status().name().toLowerCase(Locale.ROOT));
      json.writeStringField("timestamp", result.timestamp().toString());
      json.writeNumberField("duration_ms", result.duration().toMillis());
      write(json, result.response().orElse(null));
      if (result.error().isPresent()) {
        DeliveryResult.Failure failure = result.error().get();
        json.writeObjectFieldStart("error");
        json.writeStringField("type", failure.type().name().toLowerCase(Locale.ROOT));
        json.writeStringField("message", failure.message());
        json.writeEndObject();
      }
      json.writeObjectFieldStart("metrics");
      json.writeNumberField("queue_wait_time_ms", result.queueWait().toMillis());
      json.writeNumberField("scraping_time_ms", result.duration().toMillis());
      json.writeNumberField("total_time_ms", result.total().toMillis());
      json.writeEndObject();
      json.writeEndObject();
    }
    return text.toString();
  }

  private static void write(JsonGenerator json, @Nullable GatewayResponse response)
      throws IOException {
    if (response == null) {
      return;
    }
    json.writeObjectFieldStart("response");
    json.writeNumberField("status_code", response.statusCode());
    if (response.data().isPresent()) {
      json.writeStringField("data", response.data().get());
    }
    json.writeEndObject();
  }
}
