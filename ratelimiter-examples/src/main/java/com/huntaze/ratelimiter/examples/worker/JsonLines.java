package com.huntaze.ratelimiter.examples.worker;

import static java.nio.charset.StandardCharsets.UTF_8;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.StackTraceElementProxy;
import ch.qos.logback.core.encoder.EncoderBase;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.KeyValuePair;

/**
 * Encodes each event as one line of JSON, for CloudWatch Logs Insights and its like: the event,
 * then what the thread's MDC holds, such as a trace's id, then the event's key-value pairs, each as
 * a field; {@code error.type} becomes {@code type} within {@code error}.
 *
 * <p>Made by Logback, as {@code worker-logback.xml} says; it needs nothing of this project, so that
 * a host may copy both. Thread-safe. No field comes twice: a pair goes before the MDC, and neither
 * takes the place of a field of the event. An exception is shown by class and where it was thrown;
 * its words only if it is of this project, since those of others may quote what was sent.
 */
public final class JsonLines extends EncoderBase<ILoggingEvent> {
  private static final JsonFactory JSON = new JsonFactory();
  private static final String OURS = "com.huntaze.";
  private static final int MOST_FRAMES = 12;
  private static final int MOST_CAUSES = 10;
  private static final Set<String> OF_THE_EVENT =
      Set.of("timestamp", "level", "logger", "thread", "message", "exception");

  /** Made by Logback. */
  public JsonLines() {}

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
      write(json, fields(event));
      if (event.getThrowableProxy() != null) {
        json.writeStringField("exception", describe(event.getThrowableProxy()));
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new IllegalStateException("a log event must be writable as JSON", e);
    }
    return (text + "\n").getBytes(UTF_8);
  }

  private static Map<String, @Nullable Object> fields(ILoggingEvent event) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>(event.getMDCPropertyMap());
    List<KeyValuePair> pairs = event.getKeyValuePairs();
    if (pairs != null) {
      pairs.forEach(pair -> fields.put(String.valueOf(pair.key), pair.value));
    }
    fields.keySet().removeAll(OF_THE_EVENT);
    return fields;
  }

  /** Plain fields first; those with a dot become an object of their group. */
  private static void write(JsonGenerator json, Map<String, @Nullable Object> fields)
      throws IOException {
    Map<String, Map<String, @Nullable Object>> groups = new TreeMap<>();
    for (Map.Entry<String, @Nullable Object> field : fields.entrySet()) {
      String name = field.getKey();
      int dot = name.indexOf('.');
      String group = dot < 0 ? name : name.substring(0, dot);
      if (dot < 0 || fields.containsKey(group) || OF_THE_EVENT.contains(group)) {
        json.writeFieldName(name);
        write(json, field.getValue());
      } else {
        groups
            .computeIfAbsent(group, any -> new LinkedHashMap<>())
            .put(name.substring(dot + 1), field.getValue());
      }
    }
    for (Map.Entry<String, Map<String, @Nullable Object>> group : groups.entrySet()) {
      json.writeObjectFieldStart(group.getKey());
      for (Map.Entry<String, @Nullable Object> field : group.getValue().entrySet()) {
        json.writeFieldName(field.getKey());
        write(json, field.getValue());
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

  private static String describe(IThrowableProxy thrown) {
    StringBuilder text = new StringBuilder(name(thrown));
    StackTraceElementProxy[] frames = thrown.getStackTraceElementProxyArray();
    for (int i = 0; i < frames.length && i < MOST_FRAMES; i++) {
      text.append("\n\t").append(frames[i].getSTEAsString());
    }
    IThrowableProxy cause = thrown.getCause();
    for (int i = 0; cause != null && i < MOST_CAUSES; i++, cause = cause.getCause()) {
      text.append("\nCaused by: ").append(name(cause));
    }
    return text.toString();
  }

  private static String name(IThrowableProxy thrown) {
    String type = thrown.getClassName();
    return type.startsWith(OURS) ? type + ": " + thrown.getMessage() : type;
  }
}
