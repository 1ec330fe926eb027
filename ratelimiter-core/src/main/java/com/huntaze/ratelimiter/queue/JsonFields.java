package com.huntaze.ratelimiter.queue;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.io.SegmentedStringWriter;
import com.fasterxml.jackson.core.util.BufferRecycler;
import com.huntaze.ratelimiter.queue.PayloadException.Reason;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a JSON object, taken out one by one with their types checked; what is left at the
 * end is what the reader does not know. Faults name the field and nothing of its value.
 */
final class JsonFields {
  private final Map<String, Object> fields;

  private JsonFields(Map<String, Object> fields) {
    this.fields = fields;
  }

  static JsonFields parse(String body) {
    Object value;
    try {
      value = JsonValues.parse(body);
    } catch (IOException | NumberFormatException e) {
      throw new PayloadException(Reason.NOT_JSON, "body"); // the cause quotes what it read
    }
    if (!(value instanceof Map<?, ?> map)) {
      throw new PayloadException(Reason.NOT_AN_OBJECT, "body");
    }
    return new JsonFields(stringKeys(map));
  }

  /** Writes JSON piece by piece. */
  interface Writing {
    void to(JsonGenerator json) throws IOException;
  }

  static String write(Writing writing) {
    BufferRecycler buffers = JsonValues.FACTORY._getBufferRecycler();
    try (SegmentedStringWriter text = new SegmentedStringWriter(buffers)) {
      try (JsonGenerator json = JsonValues.FACTORY.createGenerator(text)) {
        writing.to(json);
      }
      return text.getAndClear();
    } catch (IOException e) {
      throw new IllegalStateException("a validated message must be writable as JSON");
    } finally {
      buffers.releaseToPool();
    }
  }

  static void writeIfPresent(JsonGenerator json, String name, Optional<String> value)
      throws IOException {
    if (value.isPresent()) {
      json.writeStringField(name, value.get());
    }
  }

  static void write(JsonGenerator json, String name, @Nullable Object value) throws IOException {
    json.writeFieldName(name);
    JsonValues.write(json, value);
  }

  boolean has(String name) {
    return fields.containsKey(name);
  }

  String required(String name) {
    return optional(name).orElseThrow(() -> new PayloadException(Reason.MISSING_FIELD, name));
  }

  /** The text of a field; absent, null and blank are the same. */
  Optional<String> optional(String name) {
    Object value = take(name);
    if (value == null) {
      return Optional.empty();
    }
    if (!(value instanceof String text)) {
      throw new PayloadException(Reason.WRONG_TYPE, name);
    }
    return text.isBlank() ? Optional.empty() : Optional.of(text);
  }

  /** The text of a field; null if there is none and none is required. */
  @Nullable String text(String name, boolean isRequired) {
    return isRequired ? required(name) : optional(name).orElse(null);
  }

  Instant instant(String name) {
    String text = required(name);
    try {
      return OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw new PayloadException(Reason.WRONG_TYPE, name);
    }
  }

  Optional<Priority> priority(String name) {
    return optional(name)
        .map(
            text ->
                Priority.fromWireName(text)
                    .orElseThrow(() -> new PayloadException(Reason.WRONG_TYPE, name)));
  }

  /** A whole number, 0 or more; absent and null are 0. */
  int count(String name) {
    Object value = take(name);
    if (value == null) {
      return 0;
    }
    if (!(value instanceof Integer count) || count < 0) {
      throw new PayloadException(Reason.WRONG_TYPE, name);
    }
    return count;
  }

  /** The texts of a list; absent and null are empty, which may be too few. */
  List<String> texts(String name, boolean isRequired) {
    Object value = take(name);
    if (value == null) {
      value = List.of();
    }
    if (!(value instanceof List<?> list) || !list.stream().allMatch(String.class::isInstance)) {
      throw new PayloadException(Reason.WRONG_TYPE, name);
    }
    if (list.isEmpty() && isRequired) {
      throw new PayloadException(Reason.MISSING_FIELD, name);
    }
    return list.stream().map(String.class::cast).toList();
  }

  JsonFields object(String name) {
    Object value = take(name);
    if (value == null) {
      return new JsonFields(new LinkedHashMap<>());
    }
    if (!(value instanceof Map<?, ?> map)) {
      throw new PayloadException(Reason.WRONG_TYPE, name);
    }
    return new JsonFields(stringKeys(map));
  }

  Map<String, Object> rest() {
    return fields;
  }

  private @Nullable Object take(String name) {
    return fields.remove(name);
  }

  private static Map<String, Object> stringKeys(Map<?, ?> map) {
    Map<String, Object> copy = new LinkedHashMap<>();
    map.forEach((key, value) -> copy.put((String) key, value));
    return copy;
  }
}
