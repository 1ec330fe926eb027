package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class LocalSqsTest {
  @RegisterExtension static final LocalSqs sqs = LocalSqs.shared();

  @Test
  void a_message_sent_is_received_with_its_body_unharmed() {
    try (SqsClient client = sqs.newClient()) {
      String queue = sqs.createQueue("entry");
      client.sendMessage(request -> request.queueUrl(queue).messageBody("hé 🙂"));

      assertThat(receive(client, queue)).extracting(Message::body).containsExactly("hé 🙂");
    }
  }

  @Test
  void every_queue_is_new() {
    assertThat(sqs.createQueue("entry")).isNotEqualTo(sqs.createQueue("entry"));
  }

  @Test
  void a_queue_takes_settings_of_its_own() {
    String queue = sqs.createQueue("quick", Map.of(QueueAttributeName.VISIBILITY_TIMEOUT, "7"));
    try (SqsClient client = sqs.newClient()) {
      assertThat(
              client
                  .getQueueAttributes(
                      request ->
                          request
                              .queueUrl(queue)
                              .attributeNames(QueueAttributeName.VISIBILITY_TIMEOUT))
                  .attributes())
          .containsEntry(QueueAttributeName.VISIBILITY_TIMEOUT, "7");
    }
  }

  @Test
  void a_fifo_queue_swallows_a_repeated_message() {
    String queue = sqs.createFifoQueue("workflow");
    try (SqsClient client = sqs.newClient()) {
      for (int i = 0; i < 2; i++) {
        client.sendMessage(
            request ->
                request
                    .queueUrl(queue)
                    .messageBody("once")
                    .messageGroupId("creator")
                    .messageDeduplicationId("m1"));
      }

      assertThat(queue).endsWith(".fifo");
      assertThat(receive(client, queue)).hasSize(1);
      assertThat(receive(client, queue)).isEmpty();
    }
  }

  @Test
  void a_message_received_too_often_is_a_dead_letter() {
    assertDeadLettered(sqs.createQueueWithDeadLetters("entry", 1));
    assertDeadLettered(sqs.createFifoQueueWithDeadLetters("workflow", 1));
  }

  private static void assertDeadLettered(LocalSqs.QueueWithDeadLetters queues) {
    boolean fifo = queues.url().endsWith(".fifo");
    try (SqsClient client = sqs.newClient()) {
      client.sendMessage(
          request ->
              request
                  .queueUrl(queues.url())
                  .messageBody("poison")
                  .messageGroupId(fifo ? "creator" : null)
                  .messageDeduplicationId(fifo ? "m1" : null));
      for (Message message : receive(client, queues.url())) {
        client.changeMessageVisibility(
            request ->
                request
                    .queueUrl(queues.url())
                    .receiptHandle(message.receiptHandle())
                    .visibilityTimeout(0));
      }

      assertThat(receive(client, queues.url())).isEmpty();
      assertThat(receive(client, queues.deadLetterUrl()))
          .extracting(Message::body)
          .containsExactly("poison");
    }
  }

  @Test
  void queue_urls_work_through_a_proxy_and_fail_when_it_is_cut() {
    String queue = sqs.createQueue("entry");
    try (TcpProxy proxy = TcpProxy.to(sqs.address());
        SqsClient client = sqs.newClient(URI.create("http://127.0.0.1:" + proxy.port()))) {
      client.sendMessage(request -> request.queueUrl(queue).messageBody("through"));

      proxy.cut();
      assertThatThrownBy(
              () -> client.sendMessage(request -> request.queueUrl(queue).messageBody("lost")))
          .isInstanceOf(SdkClientException.class);

      proxy.restore();
      assertThat(receive(client, queue)).extracting(Message::body).containsExactly("through");
    }
  }

  @Test
  void a_server_of_ones_own_is_another_server() {
    try (LocalSqs own = LocalSqs.start();
        SqsClient client = own.newClient()) {
      own.createQueue("mine");

      assertThat(own.endpoint()).isNotEqualTo(sqs.endpoint());
      assertThat(client.listQueues().queueUrls()).hasSize(1);
    }
  }

  private static List<Message> receive(SqsClient client, String queue) {
    return client
        .receiveMessage(
            request -> request.queueUrl(queue).maxNumberOfMessages(10).waitTimeSeconds(1))
        .messages();
  }
}
