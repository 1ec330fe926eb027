package com.huntaze.ratelimiter.examples.fallback;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Standard output: lines of text, or one JSON document. What belongs to the other is dropped. */
final class Output {
  /** In ASCII, whatever the terminal's or the pipe's charset is. */
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  private final PrintWriter out;
  private final boolean isJson;

  Output(PrintWriter out, boolean isJson) {
    this.out = out;
    this.isJson = isJson;
  }

  void line(String text) {
    if (!isJson) {
      out.println(Texts.safe(text));
    }
  }

  /** Rows of as many cells each; the columns are aligned. */
  void table(List<List<String>> rows) {
    if (isJson || rows.isEmpty()) {
      return;
    }
    List<List<String>> safe =
        rows.stream().map(row -> row.stream().map(Texts::safe).toList()).toList();
    List<Integer> widths = new ArrayList<>();
    for (int column = 0; column < safe.get(0).size(); column++) {
      int at = column;
      widths.add(safe.stream().mapToInt(row -> row.get(at).length()).max().orElse(0));
    }
    for (List<String> row : safe) {
      StringBuilder line = new StringBuilder();
      for (int column = 0; column < row.size(); column++) {
        String cell = row.get(column);
        line.append(cell).append(" ".repeat(widths.get(column) - cell.length() + 2));
      }
      out.println(line.toString().stripTrailing());
    }
  }

  void document(Map<String, @Nullable Object> document) {
    if (isJson) {
      out.println(json(document));
    }
  }

  void flush() {
    out.flush();
  }

  static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      // Only maps, lists, texts and numbers come here; the cause might quote one.
      throw new IllegalStateException("not JSON: " + value.getClass().getName());
    }
  }
}
