package com.huntaze.ratelimiter.lambda;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.IOException;
import java.io.OutputStream;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * What is answered to Lambda: the records that stay in the queue. All others are deleted. An id
 * that no record has makes all of them stay; the empty one is what AWS documents for that. Confined
 * to one thread.
 */
final class Failures {
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  private final Set<String> ids = new LinkedHashSet<>();
  private boolean isWhole;

  void add(String messageId) {
    ids.add(messageId);
  }

  /** Every record stays. */
  void addAll() {
    isWhole = true;
  }

  boolean isWhole() {
    return isWhole;
  }

  int size() {
    return ids.size();
  }

  void writeTo(OutputStream output) throws IOException {
    JsonGenerator json = JSON.createGenerator(output);
    json.writeStartObject();
    json.writeArrayFieldStart("batchItemFailures");
    for (String id : isWhole ? Set.of("") : ids) {
      json.writeStartObject();
      json.writeStringField("itemIdentifier", id);
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
    json.flush();
  }
}
