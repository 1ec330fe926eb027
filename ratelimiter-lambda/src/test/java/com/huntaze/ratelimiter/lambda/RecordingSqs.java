package com.huntaze.ratelimiter.lambda;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequest;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchResponse;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchResultEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchResultEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageRequest;
import software.amazon.awssdk.services.sqs.model.DeleteMessageResponse;
import software.amazon.awssdk.services.sqs.model.GetQueueAttributesRequest;
import software.amazon.awssdk.services.sqs.model.GetQueueAttributesResponse;
import software.amazon.awssdk.services.sqs.model.GetQueueUrlRequest;
import software.amazon.awssdk.services.sqs.model.GetQueueUrlResponse;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.SendMessageRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;

/** SQS in memory, as far as a handler asks it: does all, and remembers it. */
final class RecordingSqs implements SqsClient {
  final List<String> deadLetters = new ArrayList<>();
  final Set<String> deleted = new HashSet<>();
  final List<Integer> visibilities = new ArrayList<>();

  /** Asked by each call that changes something: whether it fails. */
  BooleanSupplier isDown = () -> false;

  private void mayFail() {
    if (isDown.getAsBoolean()) {
      throw SdkClientException.create("down");
    }
  }

  @Override
  public GetQueueUrlResponse getQueueUrl(GetQueueUrlRequest request) {
    return GetQueueUrlResponse.builder()
        .queueUrl("http://localhost/000000000000/" + request.queueName())
        .build();
  }

  @Override
  public GetQueueAttributesResponse getQueueAttributes(GetQueueAttributesRequest request) {
    return GetQueueAttributesResponse.builder()
        .attributes(
            Map.of(
                QueueAttributeName.REDRIVE_POLICY,
                "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dead\"}"))
        .build();
  }

  @Override
  public SendMessageResponse sendMessage(SendMessageRequest request) {
    mayFail();
    deadLetters.add(request.messageBody());
    return SendMessageResponse.builder().messageId("d").build();
  }

  @Override
  public DeleteMessageResponse deleteMessage(DeleteMessageRequest request) {
    mayFail();
    deleted.add(request.receiptHandle());
    return DeleteMessageResponse.builder().build();
  }

  @Override
  public DeleteMessageBatchResponse deleteMessageBatch(DeleteMessageBatchRequest request) {
    mayFail();
    request.entries().forEach(entry -> deleted.add(entry.receiptHandle()));
    return DeleteMessageBatchResponse.builder()
        .successful(
            request.entries().stream()
                .map(entry -> DeleteMessageBatchResultEntry.builder().id(entry.id()).build())
                .toList())
        .failed(List.of())
        .build();
  }

  @Override
  public ChangeMessageVisibilityBatchResponse changeMessageVisibilityBatch(
      ChangeMessageVisibilityBatchRequest request) {
    mayFail();
    request.entries().forEach(entry -> visibilities.add(entry.visibilityTimeout()));
    return ChangeMessageVisibilityBatchResponse.builder()
        .successful(
            request.entries().stream()
                .map(
                    entry ->
                        ChangeMessageVisibilityBatchResultEntry.builder().id(entry.id()).build())
                .toList())
        .failed(List.of())
        .build();
  }

  void forget() {
    deadLetters.clear();
    deleted.clear();
    visibilities.clear();
  }

  @Override
  public String serviceName() {
    return "sqs";
  }

  @Override
  public void close() {}
}
