package com.huntaze.ratelimiter.lambda;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CodingErrorAction;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads an event of SQS, record by record. What is wrong with a record is a fault of that record;
 * an event that is not wholly JSON, or not of the form, cannot be read at all. Thread-safe.
 */
final class EventReader {
  /** Stands for what is not UTF-8. No text that SQS takes has it. */
  private static final char GARBLED = '\uFFFF';

  private static final Set<String> TEXTS =
      Set.of("messageId", "receiptHandle", "body", "eventSource", "eventSourceARN");

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(100_000)
                  .maxStringLength(16 << 20)
                  .build())
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .build();

  private EventReader() {}

  /**
   * Reads an event.
   *
   * @return its records
   * @throws EventException if it is no event of SQS
   */
  static List<EventRecord> read(InputStream event) throws EventException {
    try (JsonParser json =
        JSON.createParser(
            new InputStreamReader(
                event,
                UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPLACE)
                    .onUnmappableCharacter(CodingErrorAction.REPLACE)
                    .replaceWith(String.valueOf(GARBLED))))) {
      return event(json);
    } catch (IOException e) {
      throw new EventException("it is not JSON"); // the cause quotes what it read
    }
  }

  private static List<EventRecord> event(JsonParser json) throws IOException, EventException {
    if (json.nextToken() != JsonToken.START_OBJECT) {
      throw new EventException("it is not an object");
    }
    List<EventRecord> records = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      boolean isRecords = json.currentName().equals("Records");
      JsonToken value = json.nextToken();
      if (!isRecords) {
        json.skipChildren();
      } else if (records != null || value != JsonToken.START_ARRAY) {
        throw new EventException("Records must be one array");
      } else {
        records = records(json);
      }
    }
    if (records == null) {
      throw new EventException("it has no Records");
    }
    if (json.nextToken() != null) {
      throw new EventException("something follows it");
    }
    return records;
  }

  private static List<EventRecord> records(JsonParser json) throws IOException {
    List<EventRecord> records = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      if (json.currentToken() == JsonToken.START_OBJECT) {
        records.add(record(json));
      } else {
        json.skipChildren();
        records.add(
            new EventRecord(null, null, null, null, null, null, null, null, "NOT_AN_OBJECT"));
      }
    }
    return records;
  }

  private static EventRecord record(JsonParser json) throws IOException {
    Map<String, String> texts = new HashMap<>();
    Fault fault = new Fault();
    Map<String, String> attributes = Map.of();
    boolean hasAttributes = false;
    String traceparent = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      JsonToken value = json.nextToken();
      if (TEXTS.contains(name)) {
        text(json, name, texts, fault);
      } else if (name.equals("attributes") && value == JsonToken.START_OBJECT && !hasAttributes) {
        hasAttributes = true;
        attributes = attributes(json);
      } else if (name.equals("messageAttributes") && value == JsonToken.START_OBJECT) {
        traceparent = traceparent(json);
      } else {
        json.skipChildren();
      }
    }
    String source = texts.getOrDefault("eventSource", "aws:sqs");
    if (!source.equals("aws:sqs")) {
      fault.is("OTHER_EVENT_SOURCE");
    }
    for (String required : List.of("messageId", "receiptHandle", "body")) {
      if (texts.getOrDefault(required, "").isEmpty()) {
        fault.is("MISSING_" + required);
      }
    }
    return new EventRecord(
        texts.get("messageId"),
        texts.get("receiptHandle"),
        texts.get("body"),
        texts.get("eventSourceARN"),
        attributes.get("MessageGroupId"),
        attributes.get("ApproximateReceiveCount"),
        attributes.get("AWSTraceHeader"),
        traceparent,
        fault.reason);
  }

  /** Takes a text once; one that cannot be relied on is left out. */
  private static void text(JsonParser json, String name, Map<String, String> texts, Fault fault)
      throws IOException {
    if (json.currentToken() != JsonToken.VALUE_STRING) {
      json.skipChildren();
      fault.is("WRONG_TYPE_" + name);
      return;
    }
    String text = json.getText();
    if (text.indexOf(GARBLED) >= 0) {
      fault.is("NOT_UTF_8_" + name);
    } else if (texts.putIfAbsent(name, text) != null) {
      texts.put(name, "");
      fault.is("DUPLICATE_" + name);
    }
  }

  private static Map<String, String> attributes(JsonParser json) throws IOException {
    Map<String, String> attributes = new HashMap<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      if (json.nextToken() == JsonToken.VALUE_STRING) {
        attributes.put(name, json.getText());
      } else {
        json.skipChildren();
      }
    }
    return attributes;
  }

  /** Of the sender's own attributes, the one that is read; the last if there are several. */
  private static @Nullable String traceparent(JsonParser json) throws IOException {
    String traceparent = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      boolean isIt = json.currentName().equals("traceparent");
      if (json.nextToken() == JsonToken.START_OBJECT && isIt) {
        traceparent = attributes(json).get("stringValue");
      } else {
        json.skipChildren();
      }
    }
    return traceparent;
  }

  /** The first thing that is wrong with a record. */
  private static final class Fault {
    private @Nullable String reason;

    void is(String what) {
      if (reason == null) {
        reason = what;
      }
    }
  }

  /** An event that cannot be read; says why without quoting it. */
  static final class EventException extends Exception {
    private static final long serialVersionUID = 1L;

    EventException(String message) {
      super(message);
    }
  }
}
