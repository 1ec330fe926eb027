package com.huntaze.ratelimiter.cloudwatch;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;
import software.amazon.awssdk.services.cloudwatch.model.StandardUnit;

/** The documented rules of {@code PutMetricData}. */
final class PutMetricDataRules {
  private static final int MOST_BYTES = 1_000_000;
  private static final int MOST_DATA = 1_000;
  private static final int MOST_VALUES = 150;
  private static final int MOST_DIMENSIONS = 30;
  private static final double MOST = 0x1p360;

  private final InstantSource clock;

  PutMetricDataRules(InstantSource clock) {
    this.clock = clock;
  }

  List<String> broken(JsonNode request, int bytes) {
    List<String> broken = new ArrayList<>();
    require(broken, bytes <= MOST_BYTES, "bytes: " + bytes);
    String namespace = request.path("Namespace").asText();
    require(broken, namespace.matches("[^:].{0,254}") && !namespace.startsWith("AWS/"), namespace);
    JsonNode data = request.path("MetricData");
    require(broken, !data.isEmpty() && data.size() <= MOST_DATA, "data: " + data.size());
    data.forEach(datum -> check(broken, datum));
    return broken;
  }

  private void check(List<String> broken, JsonNode datum) {
    String name = datum.path("MetricName").asText();
    require(broken, name.matches("[!-~]{1,255}"), "name: " + name);
    JsonNode dimensions = datum.path("Dimensions");
    require(broken, dimensions.size() <= MOST_DIMENSIONS, "dimensions: " + dimensions.size());
    for (JsonNode each : dimensions) {
      require(broken, each.path("Name").asText().matches("[^:].{0,254}"), "dimension: " + each);
      require(broken, each.path("Value").asText().matches("[ -~]{1,1024}"), "dimension: " + each);
    }
    require(
        broken,
        Set.of(1, 60).contains(datum.path("StorageResolution").asInt(60)),
        name + ": storage resolution");
    StandardUnit unit = StandardUnit.fromValue(datum.path("Unit").asText());
    require(broken, unit != StandardUnit.UNKNOWN_TO_SDK_VERSION, name + ": unit " + unit);
    Duration ahead = Duration.between(clock.instant(), timestamp(datum));
    require(
        broken,
        ahead.compareTo(Duration.ofHours(2)) <= 0 && ahead.compareTo(Duration.ofDays(-14)) >= 0,
        name + ": time is off by " + ahead);
    checkValues(broken, name, datum);
  }

  private static void checkValues(List<String> broken, String name, JsonNode datum) {
    JsonNode values = datum.path("Values");
    JsonNode counts = datum.path("Counts");
    require(broken, !values.isEmpty() && values.size() <= MOST_VALUES, name + ": values");
    require(broken, counts.size() == values.size(), name + ": counts of another number");
    require(broken, datum.path("Value").isMissingNode(), name + ": value and values");
    for (JsonNode each : values) {
      double value = Math.abs(each.asDouble());
      require(broken, value == 0 || (value <= MOST && value >= 1 / MOST), name + ": " + each);
    }
    counts.forEach(each -> require(broken, each.asDouble() > 0, name + ": count " + each));
  }

  private static void require(List<String> broken, boolean holds, String what) {
    if (!holds) {
      broken.add(what);
    }
  }

  static List<Datum> data(JsonNode request) {
    return StreamSupport.stream(request.path("MetricData").spliterator(), false)
        .map(PutMetricDataRules::datum)
        .toList();
  }

  private static Datum datum(JsonNode datum) {
    Map<String, String> dimensions = new LinkedHashMap<>();
    for (JsonNode each : datum.path("Dimensions")) {
      dimensions.put(each.path("Name").asText(), each.path("Value").asText());
    }
    return new Datum(
        datum.path("MetricName").asText(),
        dimensions,
        timestamp(datum),
        datum.path("Unit").asText(),
        numbers(datum.path("Values")),
        numbers(datum.path("Counts")));
  }

  private static List<Double> numbers(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asDouble).toList();
  }

  private static Instant timestamp(JsonNode datum) {
    return Instant.ofEpochMilli(Math.round(datum.path("Timestamp").asDouble() * 1_000));
  }
}
