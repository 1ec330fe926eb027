package com.huntaze.ratelimiter.examples.fallback;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How values that nobody should read by accident are told: by length, and in full only on demand.
 *
 * @param inFull whether the operator asked for them
 */
record Masked(boolean inFull) {
  /** For a JSON document. */
  Map<String, Object> field(Object value) {
    Map<String, Object> field = new LinkedHashMap<>();
    field.put("length", length(value));
    if (inFull) {
      field.put("value", value);
    }
    return field;
  }

  /** For a JSON document; names stay as they are. */
  Map<String, Object> fields(Map<String, ? extends @Nullable Object> values) {
    Map<String, Object> fields = new LinkedHashMap<>();
    values.forEach((name, value) -> fields.put(name, field(value == null ? "" : value)));
    return fields;
  }

  /** For a line of text. */
  String text(@Nullable Object value) {
    if (inFull) {
      return value instanceof String text ? text : Output.json(value == null ? "" : value);
    }
    int length = length(value == null ? "" : value);
    return length == 1 ? "(1 character)" : "(" + length + " characters)";
  }

  private static int length(Object value) {
    String text = value instanceof String string ? string : Output.json(value);
    return text.codePointCount(0, text.length());
  }
}
