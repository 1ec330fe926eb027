package com.huntaze.ratelimiter.examples;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Reads Lambda's events and writes its answers, for functions of the tests' own. */
final class LambdaEvents {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A record of an event. */
  record Received(String messageId, String receiptHandle, String body) {}

  private LambdaEvents() {}

  static List<Received> records(byte[] event) {
    List<Received> records = new ArrayList<>();
    try {
      for (JsonNode each : JSON.readTree(event).get("Records")) {
        records.add(
            new Received(
                each.get("messageId").textValue(),
                each.get("receiptHandle").textValue(),
                each.get("body").textValue()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return records;
  }

  static List<String> bodies(byte[] event) {
    return records(event).stream().map(Received::body).toList();
  }

  /** The answer that lists some records as failed. */
  static byte[] answer(List<Received> failed) {
    try {
      return JSON.writeValueAsBytes(
          Map.of(
              "batchItemFailures",
              failed.stream().map(each -> Map.of("itemIdentifier", each.messageId())).toList()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
