package com.huntaze.ratelimiter.benchmarks;

import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.SendMessageRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;

/** Answers at once and sends nothing: what lets a caller's code be compiled before it counts. */
final class AnsweringSqsClient implements SqsClient {
  private static final SendMessageResponse ANSWER =
      SendMessageResponse.builder().messageId("none").build();

  @Override
  public SendMessageResponse sendMessage(SendMessageRequest request) {
    return ANSWER;
  }

  @Override
  public String serviceName() {
    return SERVICE_NAME;
  }

  @Override
  public void close() {}
}
