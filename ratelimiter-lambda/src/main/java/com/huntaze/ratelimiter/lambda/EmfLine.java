package com.huntaze.ratelimiter.lambda;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.huntaze.ratelimiter.delivery.RateLimitGate.Outcome;
import com.huntaze.ratelimiter.metrics.MetricName;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The metrics of one invocation, as the line of the log from which CloudWatch takes them. Four
 * counts need no histograms, and a cold start no classes for them.
 */
final class EmfLine {
  private static final JsonFactory JSON = new JsonFactory();

  private EmfLine() {}

  static byte[] of(String environment, Instant now, List<Outcome> outcomes) throws IOException {
    Map<MetricName, Long> counts = new EnumMap<>(MetricName.class);
    counts.put(MetricName.RATE_LIMIT_ALLOWED, count(outcomes, Outcome.FORWARDED));
    counts.put(MetricName.RATE_LIMIT_REJECTED, count(outcomes, Outcome.BOOKED));
    counts.put(MetricName.RATE_LIMIT_RETRIED, count(outcomes, Outcome.RETRY));
    counts.put(MetricName.RATE_LIMIT_DEAD_LETTERED, count(outcomes, Outcome.DEAD_LETTERED));
    ByteArrayOutputStream line = new ByteArrayOutputStream(1_024);
    try (JsonGenerator json = JSON.createGenerator(line)) {
      json.writeStartObject();
      json.writeObjectFieldStart("_aws");
      json.writeNumberField("Timestamp", now.toEpochMilli());
      json.writeArrayFieldStart("CloudWatchMetrics");
      json.writeStartObject();
      json.writeStringField("Namespace", MetricName.NAMESPACE);
      json.writeFieldName("Dimensions");
      json.writeStartArray();
      json.writeArray(new String[] {"Environment"}, 0, 1);
      json.writeEndArray();
      json.writeArrayFieldStart("Metrics");
      for (MetricName name : counts.keySet()) {
        json.writeStartObject();
        json.writeStringField("Name", name.wireName());
        json.writeStringField("Unit", "Count");
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
      json.writeEndArray();
      json.writeEndObject();
      json.writeStringField("Environment", environment);
      for (Map.Entry<MetricName, Long> each : counts.entrySet()) {
        json.writeNumberField(each.getKey().wireName(), each.getValue());
      }
      json.writeEndObject();
      json.writeRaw('\n');
    }
    return line.toByteArray();
  }

  private static long count(List<Outcome> outcomes, Outcome which) {
    return outcomes.stream().filter(each -> each == which).count();
  }
}
