package com.huntaze.ratelimiter.cloudwatch;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.queue.Priority;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Lines of CloudWatch's embedded metric format: one for the metrics without priority and one for
 * each priority, since a line has one value of each dimension. A metric is in a line once, with up
 * to 100 values; what has more goes on in a further line. All metrics there are fit one line: it
 * may have 100 of them, and 256 KiB. Immutable.
 */
final class EmfLines {
  static final int MOST_VALUES = 100;
  private static final JsonFactory JSON = new JsonFactory();

  private final String environment;

  EmfLines(String environment) {
    this.environment = environment;
  }

  List<byte[]> of(Instant timestamp, Cells cells) {
    List<byte[]> lines = new ArrayList<>();
    addLines(lines, timestamp, cells, null);
    for (Priority priority : Priority.values()) {
      addLines(lines, timestamp, cells, priority);
    }
    return lines;
  }

  private void addLines(
      List<byte[]> lines, Instant timestamp, Cells cells, @Nullable Priority priority) {
    List<List<Series>> metrics = new ArrayList<>();
    cells
        .of(priority)
        .forEach((name, cell) -> metrics.add(Series.of(name, priority, cell, MOST_VALUES)));
    int parts = metrics.stream().mapToInt(List::size).max().orElse(0);
    for (int part = 0; part < parts; part++) {
      List<Series> some = new ArrayList<>();
      for (List<Series> metric : metrics) {
        if (part < metric.size()) {
          some.add(metric.get(part));
        }
      }
      lines.add(line(timestamp, some));
    }
  }

  /** A line with its end. */
  private byte[] line(Instant timestamp, List<Series> series) {
    ByteArrayOutputStream line = new ByteArrayOutputStream(1_024);
    try (JsonGenerator json = JSON.createGenerator(line)) {
      Priority priority = series.get(0).priority();
      json.writeStartObject();
      json.writeObjectFieldStart("_aws");
      json.writeNumberField("Timestamp", timestamp.toEpochMilli());
      json.writeArrayFieldStart("CloudWatchMetrics");
      writeDirective(json, series, priority);
      json.writeEndArray();
      json.writeEndObject();
      json.writeStringField(Dimensions.ENVIRONMENT, environment);
      if (priority != null) {
        json.writeStringField(Dimensions.PRIORITY, priority.wireName());
      }
      for (Series each : series) {
        json.writeFieldName(each.name().wireName());
        writeValues(json, each);
      }
      json.writeEndObject();
      json.writeRaw('\n');
    } catch (IOException e) {
      throw new IllegalStateException("memory can be written", e);
    }
    return line.toByteArray();
  }

  private static void writeDirective(
      JsonGenerator json, List<Series> series, @Nullable Priority priority) throws IOException {
    json.writeStartObject();
    json.writeStringField("Namespace", MetricName.NAMESPACE);
    json.writeArrayFieldStart("Dimensions");
    json.writeArray(new String[] {Dimensions.ENVIRONMENT}, 0, 1);
    if (priority != null) {
      json.writeArray(new String[] {Dimensions.ENVIRONMENT, Dimensions.PRIORITY}, 0, 2);
    }
    json.writeEndArray();
    json.writeArrayFieldStart("Metrics");
    for (Series each : series) {
      json.writeStartObject();
      json.writeStringField("Name", each.name().wireName());
      json.writeStringField("Unit", unit(each.name()));
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  /** {@code Count}, {@code Milliseconds} and so on. */
  private static String unit(MetricName name) {
    String unit = name.unit().name();
    return unit.charAt(0) + unit.substring(1).toLowerCase(Locale.ROOT);
  }

  /** A number, or a histogram in the form of AWS's own collectors. */
  private static void writeValues(JsonGenerator json, Series series) throws IOException {
    if (series.events() == 1) {
      json.writeNumber(series.value(0));
      return;
    }
    double sum = 0;
    for (int i = 0; i < series.size(); i++) {
      sum += series.value(i) * series.count(i);
    }
    json.writeStartObject();
    json.writeFieldName("Values");
    json.writeArray(series.values().toArray(), 0, series.size());
    json.writeFieldName("Counts");
    json.writeArray(series.counts().toArray(), 0, series.size());
    json.writeNumberField("Max", series.value(series.size() - 1));
    json.writeNumberField("Min", series.value(0));
    json.writeNumberField("Count", series.events());
    json.writeNumberField("Sum", sum);
    json.writeEndObject();
  }
}
