package com.huntaze.ratelimiter.sqs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.queue.MessageSource.VisibilityChange;
import com.huntaze.ratelimiter.queue.NotInHandException;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SinkResult;
import com.huntaze.ratelimiter.testkit.FaultySqs;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** Messages that something else received, and what a gate in front of a FIFO queue sends. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SqsAdoptedTest {
  private final SqsClient sqs = LocalSqs.shared().newClient();

  private Message received(String url) {
    return sqs.receiveMessage(
            request ->
                request.queueUrl(url).messageSystemAttributeNames(MessageSystemAttributeName.ALL))
        .messages()
        .get(0);
  }

  @Test
  void an_adopted_message_is_put_aside_with_its_body_as_it_was_and_left_to_whoever_deletes_it() {
    LocalSqs.QueueWithDeadLetters queue =
        LocalSqs.shared().createQueueWithDeadLetters("adopted", 9);
    sqs.sendMessage(request -> request.queueUrl(queue.url()).messageBody("no \"JSON"));
    SqsMessageSource source = SqsMessageSource.builder(sqs).queue(queue.url()).build();

    ReceivedMessage adopted = source.adopt(received(queue.url()));
    source.deadLetter(adopted, "NOT_JSON");

    assertThat(adopted.fault()).isPresent();
    assertThat(adopted.group()).isEmpty();
    assertThat(received(queue.deadLetterUrl()).body()).isEqualTo("no \"JSON");
    assertThat(source.inHand()).isZero();
    assertThat(inFlight(queue.url())).isEqualTo("1");

    source.delete(adopted);

    assertThat(inFlight(queue.url())).isEqualTo("0");
  }

  private @Nullable String inFlight(String url) {
    QueueAttributeName which = QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE;
    return sqs.getQueueAttributes(request -> request.queueUrl(url).attributeNames(which))
        .attributes()
        .get(which);
  }

  @Test
  void of_what_was_let_go_nothing_is_kept_even_if_it_was_hidden_for_hours() {
    String url = LocalSqs.shared().createQueue("adopted");
    sqs.sendMessage(request -> request.queueUrl(url).messageBody("x"));
    SqsMessageSource source = SqsMessageSource.builder(sqs).queue(url).build();
    ReceivedMessage adopted = source.adopt(received(url));
    source.changeVisibilityAll(List.of(new VisibilityChange(adopted, Duration.ofHours(11))));
    assertThat(source.inHand()).isEqualTo(1);

    source.letGo(adopted);

    assertThat(source.inHand()).isZero();
    assertThatThrownBy(() -> source.deadLetter(adopted, "NOT_JSON"))
        .isInstanceOf(NotInHandException.class);
  }

  @Test
  void a_message_of_a_fifo_queue_is_told_its_group() {
    String url = LocalSqs.shared().createFifoQueue("adopted");
    sqs.sendMessage(
        request ->
            request
                .queueUrl(url)
                .messageBody("x")
                .messageGroupId("creator-7")
                .messageDeduplicationId("1"));
    SqsMessageSource source = SqsMessageSource.builder(sqs).queue(url).build();
    assertThat(source.adopt(received(url)).group()).contains("creator-7");
  }

  @Test
  void without_order_ten_messages_of_one_creator_take_one_call_and_with_it_ten() {
    List<OutboundMessage> ten =
        IntStream.range(0, 10)
            .mapToObj(
                i ->
                    OutboundMessage.builder("m" + i, "creator", Instant.EPOCH)
                        .recipientId("fan")
                        .content("c")
                        .build())
            .toList();
    try (FaultySqs counted = FaultySqs.inFrontOf(LocalSqs.shared());
        SqsClient client = counted.newClient(Duration.ofSeconds(9))) {
      String url = LocalSqs.shared().createFifoQueue("unordered");
      SqsMessageSink unordered = SqsMessageSink.builder(client).queue(url).unordered().build();
      assertThat(unordered.sendAll(ten)).allMatch(SinkResult.Taken.class::isInstance);
      assertThat(counted.calls()).isEqualTo(1);
      assertThat(unordered.keepsOrder()).isFalse();

      String other = LocalSqs.shared().createFifoQueue("ordered");
      SqsMessageSink ordered = SqsMessageSink.builder(client).queue(other).build();
      assertThat(ordered.sendAll(ten)).allMatch(SinkResult.Taken.class::isInstance);
      assertThat(counted.calls()).isEqualTo(11);
      assertThat(ordered.keepsOrder()).isTrue();
    }
  }
}
