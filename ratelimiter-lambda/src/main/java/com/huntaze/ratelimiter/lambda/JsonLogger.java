package com.huntaze.ratelimiter.lambda;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.KeyValuePair;
import org.slf4j.event.Level;
import org.slf4j.event.LoggingEvent;
import org.slf4j.helpers.AbstractLogger;
import org.slf4j.helpers.MessageFormatter;
import org.slf4j.spi.LoggingEventAware;
import org.slf4j.spi.MDCAdapter;

/**
 * A line of JSON for each entry from INFO up, WARN up for what is not ours. An exception of others
 * is shown by its classes, since its text may quote what was sent. Thread-safe.
 */
final class JsonLogger extends AbstractLogger implements LoggingEventAware {
  private static final long serialVersionUID = 1L;
  private static final String OURS = "com.huntaze.";
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  private final transient MDCAdapter mdc;
  private final transient OutputStream out;
  private final Level least;

  JsonLogger(String name, MDCAdapter mdc) {
    this(name, mdc, StandardOut.STREAM);
  }

  JsonLogger(String name, MDCAdapter mdc, OutputStream out) {
    this.name = name;
    this.mdc = mdc;
    this.out = out;
    this.least = name.startsWith(OURS) ? Level.INFO : Level.WARN;
  }

  private boolean isEnabled(Level level) {
    return level.toInt() >= least.toInt();
  }

  @Override
  public void log(LoggingEvent event) {
    if (isEnabled(event.getLevel())) {
      write(
          event.getLevel(),
          event.getMessage(),
          event.getArgumentArray(),
          event.getThrowable(),
          event.getKeyValuePairs());
    }
  }

  @Override
  protected void handleNormalizedLoggingCall(
      Level level,
      @Nullable Marker marker,
      @Nullable String message,
      @Nullable Object @Nullable [] arguments,
      @Nullable Throwable thrown) {
    write(level, message, arguments, thrown, null);
  }

  private void write(
      Level level,
      @Nullable String message,
      @Nullable Object @Nullable [] arguments,
      @Nullable Throwable thrown,
      @Nullable List<KeyValuePair> pairs) {
    ByteArrayOutputStream line = new ByteArrayOutputStream(512);
    try (JsonGenerator json = JSON.createGenerator(line)) {
      json.writeStartObject();
      json.writeStringField("level", level.name());
      json.writeStringField("timestamp", Instant.now().toString());
      json.writeStringField("logger", name);
      json.writeStringField("message", MessageFormatter.basicArrayFormat(message, arguments));
      Map<String, String> context = mdc.getCopyOfContextMap();
      if (context != null) {
        for (Map.Entry<String, String> each : context.entrySet()) {
          json.writeStringField(each.getKey(), each.getValue());
        }
      }
      if (pairs != null) {
        for (KeyValuePair pair : pairs) {
          json.writeStringField(pair.key, String.valueOf(pair.value));
        }
      }
      if (thrown != null) {
        writeThrown(json, thrown);
      }
      json.writeEndObject();
      json.writeRaw('\n');
    } catch (IOException e) {
      return; // nothing that is logged is worth a failure
    }
    writeOut(line.toByteArray());
  }

  private static void writeThrown(JsonGenerator json, Throwable thrown) throws IOException {
    json.writeArrayFieldStart("error");
    Throwable each = thrown;
    for (int i = 0; each != null && i < 10; i++, each = each.getCause()) {
      String type = each.getClass().getName();
      json.writeString(type.startsWith(OURS) ? each.toString() : type);
    }
    json.writeEndArray();
    json.writeArrayFieldStart("stack");
    StackTraceElement[] stack = thrown.getStackTrace();
    for (int i = 0; i < stack.length && i < 12; i++) {
      json.writeString(stack[i].toString());
    }
    json.writeEndArray();
  }

  private void writeOut(byte[] line) {
    try {
      out.write(line);
      out.flush();
    } catch (IOException e) {
      // there is nowhere to say so
    }
  }

  @Override
  protected @Nullable String getFullyQualifiedCallerName() {
    return null;
  }

  @Override
  public boolean isTraceEnabled() {
    return false;
  }

  @Override
  public boolean isTraceEnabled(Marker marker) {
    return false;
  }

  @Override
  public boolean isDebugEnabled() {
    return false;
  }

  @Override
  public boolean isDebugEnabled(Marker marker) {
    return false;
  }

  @Override
  public boolean isInfoEnabled() {
    return isEnabled(Level.INFO);
  }

  @Override
  public boolean isInfoEnabled(Marker marker) {
    return isInfoEnabled();
  }

  @Override
  public boolean isWarnEnabled() {
    return true;
  }

  @Override
  public boolean isWarnEnabled(Marker marker) {
    return true;
  }

  @Override
  public boolean isErrorEnabled() {
    return true;
  }

  @Override
  public boolean isErrorEnabled(Marker marker) {
    return true;
  }
}
