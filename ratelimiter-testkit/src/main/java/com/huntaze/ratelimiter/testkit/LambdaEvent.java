package com.huntaze.ratelimiter.testkit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;

/** The event that AWS Lambda hands a function for a batch, and how it reads the answer. */
final class LambdaEvent {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String FAILURES = "batchItemFailures";
  private static final String ID = "itemIdentifier";

  private LambdaEvent() {}

  /** The JSON of an event, as AWS writes it. */
  static byte[] of(List<Message> batch, String queueArn, String region) {
    ObjectNode event = JSON.createObjectNode();
    for (Message message : batch) {
      ObjectNode record = event.withArray("Records").addObject();
      record.put("messageId", message.messageId());
      record.put("receiptHandle", message.receiptHandle());
      record.put("body", message.body());
      ObjectNode attributes = record.putObject("attributes");
      new TreeMap<>(message.attributesAsStrings()).forEach(attributes::put);
      ObjectNode messageAttributes = record.putObject("messageAttributes");
      new TreeMap<>(message.messageAttributes())
          .forEach((name, value) -> attribute(messageAttributes.putObject(name), value));
      if (message.md5OfMessageAttributes() != null && !messageAttributes.isEmpty()) {
        record.put("md5OfMessageAttributes", message.md5OfMessageAttributes());
      }
      record.put("md5OfBody", message.md5OfBody());
      record.put("eventSource", "aws:sqs");
      record.put("eventSourceARN", queueArn);
      record.put("awsRegion", region);
    }
    try {
      return JSON.writeValueAsBytes(event);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void attribute(ObjectNode to, MessageAttributeValue value) {
    if (value.stringValue() != null) {
      to.put("stringValue", value.stringValue());
    }
    if (value.binaryValue() != null) {
      to.put("binaryValue", Base64.getEncoder().encodeToString(value.binaryValue().asByteArray()));
    }
    to.putArray("stringListValues");
    to.putArray("binaryListValues");
    to.put("dataType", value.dataType());
  }

  /**
   * Which messages of a batch a function's answer says have failed.
   *
   * @param answer what the function returned; nothing is a success
   * @param batch the ids of the batch
   * @return the ids that failed; empty if the answer is none that Lambda takes, and then the whole
   *     batch has failed
   */
  static Optional<Set<String>> failures(byte[] answer, Set<String> batch) {
    if (answer.length == 0) {
      return Optional.of(Set.of());
    }
    JsonNode root;
    try {
      root = JSON.readTree(answer);
    } catch (IOException e) {
      return Optional.empty();
    }
    if (root.isNull() || (root.isObject() && root.isEmpty())) {
      return Optional.of(Set.of());
    }
    JsonNode listed = root.get(FAILURES);
    if (listed == null || !(listed.isNull() || listed.isArray())) {
      return Optional.empty();
    }
    Set<String> failed = new HashSet<>();
    for (JsonNode each : listed) {
      JsonNode id = each.get(ID);
      if (id == null || !id.isTextual() || !batch.contains(id.textValue())) {
        return Optional.empty();
      }
      failed.add(id.textValue());
    }
    return Optional.of(failed);
  }
}
