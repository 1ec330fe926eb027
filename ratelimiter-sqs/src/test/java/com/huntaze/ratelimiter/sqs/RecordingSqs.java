package com.huntaze.ratelimiter.sqs;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequest;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchResponse;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchResultEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityRequest;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityResponse;
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
import software.amazon.awssdk.services.sqs.model.ReceiveMessageRequest;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageResponse;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResultEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;
import software.amazon.awssdk.services.sqs.model.SqsException;

/**
 * A client that sends nothing: it keeps what it was asked, and answers as told, else with success.
 */
final class RecordingSqs implements SqsClient {
  private final List<Object> requests = Collections.synchronizedList(new ArrayList<>());

  Function<SendMessageRequest, SendMessageResponse> onSend =
      request -> SendMessageResponse.builder().messageId("sqs-1").build();
  Function<SendMessageBatchRequest, SendMessageBatchResponse> onBatch = RecordingSqs::allTaken;
  Function<ReceiveMessageRequest, ReceiveMessageResponse> onReceive =
      request -> ReceiveMessageResponse.builder().build();
  Function<GetQueueUrlRequest, GetQueueUrlResponse> onUrl =
      request ->
          GetQueueUrlResponse.builder().queueUrl("https://sqs/1/" + request.queueName()).build();
  Function<GetQueueAttributesRequest, Map<QueueAttributeName, String>> onAttributes =
      request -> Map.of();
  Runnable onDelete = () -> {};
  Runnable onChange = () -> {};
  Function<DeleteMessageBatchRequest, DeleteMessageBatchResponse> onDeleteBatch =
      request -> deleted(request.entries().size());
  Function<ChangeMessageVisibilityBatchRequest, ChangeMessageVisibilityBatchResponse>
      onChangeBatch = request -> changed(request.entries().size());
  boolean closed;

  static SendMessageBatchResponse allTaken(SendMessageBatchRequest request) {
    return answer(request.entries(), List.of());
  }

  static SendMessageBatchResponse answer(
      List<SendMessageBatchRequestEntry> taken, List<BatchResultErrorEntry> failed) {
    return SendMessageBatchResponse.builder()
        .successful(
            taken.stream()
                .map(
                    entry ->
                        SendMessageBatchResultEntry.builder()
                            .id(entry.id())
                            .messageId("sqs-" + entry.id())
                            .build())
                .toList())
        .failed(failed)
        .build();
  }

  /** Success for the entries 0 to count - 1, but for those that failed. */
  static DeleteMessageBatchResponse deleted(int count, BatchResultErrorEntry... failed) {
    return DeleteMessageBatchResponse.builder()
        .successful(
            ids(count, failed)
                .map(id -> DeleteMessageBatchResultEntry.builder().id(id).build())
                .toList())
        .failed(failed)
        .build();
  }

  /** Success for the entries 0 to count - 1, but for those that failed. */
  static ChangeMessageVisibilityBatchResponse changed(int count, BatchResultErrorEntry... failed) {
    return ChangeMessageVisibilityBatchResponse.builder()
        .successful(
            ids(count, failed)
                .map(id -> ChangeMessageVisibilityBatchResultEntry.builder().id(id).build())
                .toList())
        .failed(failed)
        .build();
  }

  private static Stream<String> ids(int count, BatchResultErrorEntry... failed) {
    List<String> without = Arrays.stream(failed).map(BatchResultErrorEntry::id).toList();
    return IntStream.range(0, count)
        .mapToObj(Integer::toString)
        .filter(id -> !without.contains(id));
  }

  static BatchResultErrorEntry failed(String id, String code, boolean senderFault) {
    return BatchResultErrorEntry.builder()
        .id(id)
        .code(code)
        .senderFault(senderFault)
        .message("quoting " + Messages.SECRET)
        .build();
  }

  /** What SQS says when it refuses a call. */
  static SqsException refusal(String code) {
    return (SqsException)
        SqsException.builder()
            .statusCode(400)
            .message("quoting " + Messages.SECRET)
            .awsErrorDetails(AwsErrorDetails.builder().errorCode(code).build())
            .build();
  }

  <T> List<T> requests(Class<T> type) {
    synchronized (requests) {
      return requests.stream().filter(type::isInstance).map(type::cast).toList();
    }
  }

  private <T> T record(T request) {
    requests.add(request);
    return request;
  }

  @Override
  public SendMessageResponse sendMessage(SendMessageRequest request) {
    return onSend.apply(record(request));
  }

  @Override
  public SendMessageBatchResponse sendMessageBatch(SendMessageBatchRequest request) {
    return onBatch.apply(record(request));
  }

  @Override
  public ReceiveMessageResponse receiveMessage(ReceiveMessageRequest request) {
    return onReceive.apply(record(request));
  }

  @Override
  public DeleteMessageResponse deleteMessage(DeleteMessageRequest request) {
    record(request);
    onDelete.run();
    return DeleteMessageResponse.builder().build();
  }

  @Override
  public ChangeMessageVisibilityResponse changeMessageVisibility(
      ChangeMessageVisibilityRequest request) {
    record(request);
    onChange.run();
    return ChangeMessageVisibilityResponse.builder().build();
  }

  @Override
  public DeleteMessageBatchResponse deleteMessageBatch(DeleteMessageBatchRequest request) {
    return onDeleteBatch.apply(record(request));
  }

  @Override
  public ChangeMessageVisibilityBatchResponse changeMessageVisibilityBatch(
      ChangeMessageVisibilityBatchRequest request) {
    return onChangeBatch.apply(record(request));
  }

  @Override
  public GetQueueUrlResponse getQueueUrl(GetQueueUrlRequest request) {
    return onUrl.apply(record(request));
  }

  @Override
  public GetQueueAttributesResponse getQueueAttributes(GetQueueAttributesRequest request) {
    return GetQueueAttributesResponse.builder()
        .attributes(onAttributes.apply(record(request)))
        .build();
  }

  @Override
  public String serviceName() {
    return "sqs";
  }

  @Override
  public void close() {
    closed = true;
  }
}
