package com.huntaze.ratelimiter.examples.worker;

import static java.nio.charset.StandardCharsets.UTF_8;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.encoder.EncoderBase;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.KeyValuePair;

/**
 * Encodes each event as one line of JSON, its key-value pairs as fields; {@code error.type} becomes
 * {@code type} within {@code error}, as CloudWatch Logs Insights reads it. Made by Logback, as
 * {@code worker-logback.xml} says.
 */
public final class JsonLines extends EncoderBase<ILoggingEvent> {
  private static final JsonFactory JSON = new JsonFactory();

  @Override
  public byte @Nullable [] headerBytes() {
    return null;
  }

  @Override
  public byte @Nullable [] footerBytes() {
    return null;
  }

  @Override
  public byte[] encode(ILoggingEvent event) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      json.writeStringField("timestamp", event.getInstant().toString());
      json.writeStringField("level", event.getLevel().toString());
      json.writeStringField("logger", event.getLoggerName());
      json.writeStringField("thread", event.getThreadName());
      json.writeStringField("message", event.getFormattedMessage());
      writePairs(json, event.getKeyValuePairs());
      if (event.getThrowableProxy() != null) {
        json.writeStringField("exception", ThrowableProxyUtil.asString(event.getThrowableProxy()));
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new IllegalStateException("a log event must be writable as JSON", e);
    }
    return (text + "\n").getBytes(UTF_8);
  }

  private static void writePairs(JsonGenerator json, @Nullable List<KeyValuePair> pairs)
      throws IOException {
    if (pairs == null) {
      return;
    }
    Map<String, List<KeyValuePair>> groups = new TreeMap<>();
    for (KeyValuePair pair : pairs) {
      int dot = pair.key.indexOf('.');
      if (dot < 0) {
        json.writeFieldName(pair.key);
        write(json, pair.value);
      } else {
        groups
            .computeIfAbsent(pair.key.substring(0, dot), group -> new ArrayList<>())
            .add(new KeyValuePair(pair.key.substring(dot + 1), pair.value));
      }
    }
    for (Map.Entry<String, List<KeyValuePair>> group : groups.entrySet()) {
      json.writeObjectFieldStart(group.getKey());
      for (KeyValuePair pair : group.getValue()) {
        json.writeFieldName(pair.key);
        write(json, pair.value);
      }
      json.writeEndObject();
    }
  }

  private static void write(JsonGenerator json, @Nullable Object value) throws IOException {
    if (value instanceof Integer || value instanceof Long || value instanceof Boolean) {
      json.writePOJO(value);
    } else {
      json.writeString(Objects.toString(value));
    }
  }
}
