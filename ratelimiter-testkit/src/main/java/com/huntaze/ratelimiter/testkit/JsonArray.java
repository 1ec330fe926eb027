package com.huntaze.ratelimiter.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An array of objects that is a field of a JSON object, taken out of it without reading the rest.
 *
 * @param before the text before the elements
 * @param elements the elements as they stand; none if there is no such field
 * @param after the text after the elements
 */
record JsonArray(String before, List<String> elements, String after) {
  static JsonArray in(String json, String field) {
    Matcher start = Pattern.compile("\"" + field + "\"\\s*:\\s*\\[").matcher(json);
    int depth = 0;
    for (int i = 0; i < json.length(); i++) {
      char c = json.charAt(i);
      if (depth == 1 && c == '"' && start.region(i, json.length()).lookingAt()) {
        return from(json, start.end());
      }
      if (c == '"') {
        i = endOfString(json, i);
      } else if (c == '{' || c == '[') {
        depth++;
      } else if (c == '}' || c == ']') {
        depth--;
      }
    }
    return new JsonArray(json, List.of(), "");
  }

  private static JsonArray from(String json, int begin) {
    List<String> elements = new ArrayList<>();
    int depth = 0;
    int start = begin;
    int i = begin;
    for (; depth > 0 || json.charAt(i) != ']'; i++) {
      char c = json.charAt(i);
      if (c == '"') {
        i = endOfString(json, i);
      } else if (c == '{' || c == '[') {
        if (depth++ == 0) {
          start = i;
        }
      } else if ((c == '}' || c == ']') && --depth == 0) {
        elements.add(json.substring(start, i + 1));
      }
    }
    return new JsonArray(json.substring(0, begin), elements, json.substring(i));
  }

  private static int endOfString(String json, int quote) {
    int i = quote + 1;
    while (json.charAt(i) != '"') {
      i += json.charAt(i) == '\\' ? 2 : 1;
    }
    return i;
  }

  /** The JSON with other elements in the array. */
  String with(List<String> others) {
    return before + String.join(",", others) + after;
  }
}
