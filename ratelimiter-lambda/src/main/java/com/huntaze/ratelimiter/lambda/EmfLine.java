package com.huntaze.ratelimiter.lambda;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.huntaze.ratelimiter.delivery.RateLimitGate.Outcome;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The metrics of one invocation, as the line of the log from which CloudWatch takes them. */
final class EmfLine {
  private static final JsonFactory JSON = new JsonFactory();

  private EmfLine() {}

  static byte[] of(String environment, Instant now, List<Outcome> outcomes) throws IOException {
    Map<String, Long> counts = new LinkedHashMap<>();
    counts.put("rate_limit_allowed_count", count(outcomes, Outcome.FORWARDED));
    counts.put("rate_limit_rejected_count", count(outcomes, Outcome.BOOKED));
    counts.put("rate_limit_retried_count", count(outcomes, Outcome.RETRY));
    counts.put("rate_limit_dead_lettered_count", count(outcomes, Outcome.DEAD_LETTERED));
    ByteArrayOutputStream line = new ByteArrayOutputStream(1_024);
    try (JsonGenerator json = JSON.createGenerator(line)) {
      json.writeStartObject();
      json.writeObjectFieldStart("_aws");
      json.writeNumberField("Timestamp", now.toEpochMilli());
      json.writeArrayFieldStart("CloudWatchMetrics");
      json.writeStartObject();
      json.writeStringField("Namespace", "Huntaze/OnlyFans");
      json.writeFieldName("Dimensions");
      json.writeStartArray();
      json.writeArray(new String[] {"Environment"}, 0, 1);
      json.writeEndArray();
      json.writeArrayFieldStart("Metrics");
      for (String name : counts.keySet()) {
        json.writeStartObject();
        json.writeStringField("Name", name);
        json.writeStringField("Unit", "Count");
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
      json.writeEndArray();
      json.writeEndObject();
      json.writeStringField("Environment", environment);
      for (Map.Entry<String, Long> each : counts.entrySet()) {
        json.writeNumberField(each.getKey(), each.getValue());
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
