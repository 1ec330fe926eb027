package com.huntaze.ratelimiter;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What metadata may be: JSON values only, bounded in keys, depth and bytes, and none of our own
 * names. Violations name a key's place and never a value. Thread-safe.
 */
final class MetadataRules {
  /** Written by us into the metadata of the standard and the workflow payload. */
  private static final Set<String> OURS =
      Set.of("source", "workflowId", "traceId", "priority", "workflow_id", "correlation_id");

  private static final Set<Class<?>> NUMBERS =
      Set.of(
          Byte.class, Short.class, Integer.class, Long.class, BigInteger.class, BigDecimal.class);

  private static final JsonFactory JSON = new JsonFactory();

  private final MessageLimits limits;

  MetadataRules(MessageLimits limits) {
    this.limits = limits;
  }

  void check(Map<String, ? extends @Nullable Object> metadata, List<Violation> violations) {
    if (metadata.isEmpty()) {
      return;
    }
    if (metadata.size() > limits.metadataKeys()) {
      violations.add(violation("Size", "must have at most " + limits.metadataKeys() + " keys"));
      return;
    }
    for (String key : metadata.keySet()) {
      if (key == null || key.isBlank()) {
        violations.add(violation("NotBlank", "must have no blank keys"));
      } else if (OURS.contains(key)) {
        violations.add(violation("Reserved", "must not have the key " + key + ", which is ours"));
      }
    }
    if (!isJson(metadata, limits.metadataDepth())) {
      violations.add(
          violation(
              "Json",
              "must be JSON values (string, finite number, boolean, list, map), at most "
                  + limits.metadataDepth()
                  + " deep"));
      return;
    }
    if (bytes(metadata) > limits.metadataBytes()) {
      violations.add(
          violation("Size", "must be at most " + limits.metadataBytes() + " bytes as JSON"));
    }
  }

  /** Metadata without its empty keys; call it for metadata without violations. */
  static Map<String, Object> copy(Map<String, ? extends @Nullable Object> metadata) {
    if (metadata.isEmpty()) {
      return Map.of();
    }
    Map<String, Object> copy = new LinkedHashMap<>();
    metadata.forEach(
        (key, value) -> {
          if (value != null) {
            copy.put(key, value);
          }
        });
    return copy;
  }

  private static boolean isJson(@Nullable Object value, int depth) {
    if (value instanceof Map<?, ?> map) {
      return depth > 0
          && map.keySet().stream().allMatch(key -> isText(key))
          && map.values().stream().allMatch(each -> isJson(each, depth - 1));
    }
    if (value instanceof Collection<?> list) {
      return depth > 0 && list.stream().allMatch(each -> isJson(each, depth - 1));
    }
    if (value instanceof Double number) {
      return Double.isFinite(number);
    }
    if (value instanceof Float number) {
      return Float.isFinite(number);
    }
    return value == null
        || value instanceof Boolean
        || isText(value)
        || NUMBERS.contains(value.getClass());
  }

  /** Text every queue and table takes: no NUL, unpaired surrogate or noncharacter. */
  private static boolean isText(@Nullable Object value) {
    return value instanceof String text
        && text.codePoints()
            .noneMatch(c -> c == 0 || (c >= 0xD800 && c <= 0xDFFF) || c == 0xFFFE || c == 0xFFFF);
  }

  private static long bytes(Map<String, ? extends @Nullable Object> metadata) {
    Counter counter = new Counter();
    try (JsonGenerator json = JSON.createGenerator(counter, JsonEncoding.UTF8)) {
      write(json, metadata);
    } catch (IOException e) {
      return Long.MAX_VALUE;
    }
    return counter.bytes;
  }

  private static void write(JsonGenerator json, @Nullable Object value) throws IOException {
    if (value instanceof Map<?, ?> map) {
      json.writeStartObject();
      for (Map.Entry<?, ?> each : map.entrySet()) {
        json.writeFieldName((String) each.getKey());
        write(json, each.getValue());
      }
      json.writeEndObject();
    } else if (value instanceof Collection<?> list) {
      json.writeStartArray();
      for (Object each : list) {
        write(json, each);
      }
      json.writeEndArray();
    } else {
      json.writePOJO(value);
    }
  }

  /** Counts and keeps nothing. */
  private static final class Counter extends OutputStream {
    long bytes;

    @Override
    public void write(int b) {
      bytes++;
    }

    @Override
    public void write(byte[] b, int offset, int length) {
      bytes += length;
    }
  }

  private static Violation violation(String rule, String message) {
    return new Violation("metadata", rule, message, Optional.empty());
  }
}
