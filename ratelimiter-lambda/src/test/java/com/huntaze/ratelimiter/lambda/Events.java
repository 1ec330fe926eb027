package com.huntaze.ratelimiter.lambda;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/** Events as Lambda makes them of SQS messages, and the answers to them. */
final class Events {
  private static final JsonFactory JSON = new JsonFactory();

  private Events() {}

  /** The event of messages that were received from a queue. */
  static byte[] of(String queueName, List<Message> messages) {
    ByteArrayOutputStream event = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(event)) {
      json.writeStartObject();
      json.writeArrayFieldStart("Records");
      for (Message message : messages) {
        json.writeStartObject();
        json.writeStringField("messageId", message.messageId());
        json.writeStringField("receiptHandle", message.receiptHandle());
        json.writeStringField("body", message.body());
        json.writeObjectFieldStart("attributes");
        for (Map.Entry<MessageSystemAttributeName, String> each : message.attributes().entrySet()) {
          json.writeStringField(each.getKey().toString(), each.getValue());
        }
        json.writeEndObject();
        json.writeObjectFieldStart("messageAttributes");
        json.writeEndObject();
        json.writeStringField("md5OfBody", "e4e68fb7bd0e697a0ae8f1bb342846b3");
        json.writeStringField("eventSource", "aws:sqs");
        json.writeStringField("eventSourceARN", "arn:aws:sqs:us-east-1:000000000000:" + queueName);
        json.writeStringField("awsRegion", "us-east-1");
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return event.toByteArray();
  }

  /** Calls a handler. */
  static List<String> failures(RequestStreamHandler handler, byte[] event, FakeContext context) {
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    try {
      handler.handleRequest(new ByteArrayInputStream(event), answer, context);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return failures(answer.toByteArray());
  }

  /** The ids that an answer lists; refuses any other form of answer. */
  static List<String> failures(byte[] answer) {
    List<String> ids = new ArrayList<>();
    try (JsonParser json = JSON.createParser(answer)) {
      expect(json, JsonToken.START_OBJECT);
      expect(json, JsonToken.FIELD_NAME);
      if (!json.currentName().equals("batchItemFailures")) {
        throw new AssertionError("no answer: " + new String(answer, UTF_8));
      }
      expect(json, JsonToken.START_ARRAY);
      while (json.nextToken() == JsonToken.START_OBJECT) {
        expect(json, JsonToken.FIELD_NAME);
        if (!json.currentName().equals("itemIdentifier")) {
          throw new AssertionError("no answer: " + new String(answer, UTF_8));
        }
        expect(json, JsonToken.VALUE_STRING);
        ids.add(json.getText());
        expect(json, JsonToken.END_OBJECT);
      }
      expect(json, JsonToken.END_OBJECT);
      if (json.nextToken() != null) {
        throw new AssertionError("more than an answer");
      }
    } catch (IOException e) {
      throw new AssertionError("no answer: " + new String(answer, UTF_8), e);
    }
    return ids;
  }

  private static void expect(JsonParser json, JsonToken token) throws IOException {
    if (json.nextToken() != token) {
      throw new AssertionError("no answer: " + json.currentToken() + " is not " + token);
    }
  }
}
