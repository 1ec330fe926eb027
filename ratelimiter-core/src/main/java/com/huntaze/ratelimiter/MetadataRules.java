package com.huntaze.ratelimiter;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
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

  private static final JsonMapper JSON = JsonMapper.builder().build();

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

  /**
   * A copy that nobody else holds, of JSON's own types; call it for metadata without violations.
   */
  static Map<String, Object> copy(Map<String, ? extends @Nullable Object> metadata) {
    if (metadata.isEmpty()) {
      return Map.of();
    }
    Map<String, Object> copy = new LinkedHashMap<>();
    metadata.forEach(
        (key, value) -> {
          if (value != null) {
            copy.put(key, copyValue(value));
          }
        });
    return copy;
  }

  private static Object copyValue(Object value) {
    if (value instanceof Map<?, ?> map) {
      Map<String, @Nullable Object> copy = new LinkedHashMap<>();
      map.forEach((key, each) -> copy.put((String) key, each == null ? null : copyValue(each)));
      return Collections.unmodifiableMap(copy);
    }
    if (value instanceof Collection<?> list) {
      List<@Nullable Object> copy = new ArrayList<>();
      list.forEach(each -> copy.add(each == null ? null : copyValue(each)));
      return Collections.unmodifiableList(copy);
    }
    return value;
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
    try {
      return JSON.writeValueAsString(metadata).getBytes(UTF_8).length;
    } catch (JsonProcessingException e) {
      return Long.MAX_VALUE;
    }
  }

  private static Violation violation(String rule, String message) {
    return new Violation("metadata", rule, message, Optional.empty());
  }
}
