package com.huntaze.ratelimiter.sqs;

import static com.huntaze.ratelimiter.sqs.Messages.SECRET;
import static com.huntaze.ratelimiter.sqs.Messages.message;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.huntaze.ratelimiter.queue.NotInHandException;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.queue.PayloadException;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SourceException;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import com.huntaze.ratelimiter.testkit.ManualTime;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityRequest;
import software.amazon.awssdk.services.sqs.model.DeleteMessageRequest;
import software.amazon.awssdk.services.sqs.model.GetQueueAttributesRequest;
import software.amazon.awssdk.services.sqs.model.GetQueueUrlRequest;
import software.amazon.awssdk.services.sqs.model.InvalidMessageContentsException;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueDoesNotExistException;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageRequest;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageResponse;
import software.amazon.awssdk.services.sqs.model.SendMessageRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SqsMessageSourceTest {
  @RegisterExtension static final LocalSqs sqs = LocalSqs.shared();

  private static final Duration SECOND = Duration.ofSeconds(1);

  private final ManualTime time = new ManualTime();
  private final RecordingSqs client = new RecordingSqs();
  private final SqsMessageSource source =
      SqsMessageSource.builder(client)
          .queue("entry")
          .deadLetterQueue("entry-dead")
          .visibility(Duration.ofSeconds(30))
          .ticker(time)
          .build();

  private static Message sqsMessage(String handle, String body) {
    return Message.builder()
        .messageId("sqs-" + handle)
        .receiptHandle(handle)
        .body(body)
        .attributes(
            Map.of(
                MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT, "2",
                MessageSystemAttributeName.MESSAGE_GROUP_ID, "creator-7"))
        .build();
  }

  private static String body(String id) {
    return PayloadCodec.standard().encode(message(id).build());
  }

  private ReceivedMessage receive(String handle, String body) {
    client.onReceive =
        request -> ReceiveMessageResponse.builder().messages(sqsMessage(handle, body)).build();
    return source.receive(1, SECOND).get(0);
  }

  private static String trace(Throwable e) {
    StringWriter trace = new StringWriter();
    e.printStackTrace(new PrintWriter(trace, true));
    return trace.toString();
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "1, 1", "1000, 1", "1001, 2", "19001, 20", "20000, 20", "3600000, 20"})
  void the_wait_is_in_whole_seconds_rounded_up_and_20_at_most(long millis, int seconds) {
    source.receive(7, Duration.ofMillis(millis));
    ReceiveMessageRequest request = client.requests(ReceiveMessageRequest.class).get(0);
    assertThat(request.waitTimeSeconds()).isEqualTo(seconds);
    assertThat(request.maxNumberOfMessages()).isEqualTo(7);
    assertThat(request.visibilityTimeout()).isEqualTo(30);
    assertThat(request.messageSystemAttributeNames())
        .contains(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "1, 1",
    "1000, 1",
    "1001, 2",
    "59999, 60",
    "43199500, 43200",
    "43200000, 43200"
  })
  void visibility_is_in_whole_seconds_rounded_up(long millis, int seconds) {
    source.changeVisibility(receive("h1", body("m1")), Duration.ofMillis(millis));
    ChangeMessageVisibilityRequest request =
        client.requests(ChangeMessageVisibilityRequest.class).get(0);
    assertThat(request.visibilityTimeout()).isEqualTo(seconds);
    assertThat(request.receiptHandle()).isEqualTo("h1");
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 43_200_001})
  void visibility_beyond_12_hours_is_refused(long millis) {
    ReceivedMessage received = receive("h1", body("m1"));
    assertThatThrownBy(() -> source.changeVisibility(received, Duration.ofMillis(millis)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("visibility");
    assertThatThrownBy(() -> SqsMessageSource.builder(client).visibility(Duration.ofMillis(millis)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("visibility");
  }

  @Test
  void a_source_hides_for_60_seconds_unless_told_and_rounds_up() {
    SqsMessageSource.builder(client).queue("q").build().receive(1, SECOND);
    SqsMessageSource.builder(client)
        .queue("q")
        .visibility(Duration.ofMillis(1_500))
        .build()
        .receive(1, SECOND);
    assertThat(client.requests(ReceiveMessageRequest.class))
        .extracting(ReceiveMessageRequest::visibilityTimeout)
        .containsExactly(60, 2);
    assertThatThrownBy(() -> SqsMessageSource.builder(client).visibility(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> SqsMessageSource.builder(client).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("queue");
  }

  @Test
  void visibility_passes_by_the_setting_of_the_source() {
    String queue = sqs.createQueue("entry");
    try (SqsClient real = sqs.newClient()) {
      SqsMessageSource quick =
          SqsMessageSource.builder(real).queue(queue).visibility(SECOND).build();
      SqsMessageSink.builder(real).queue(queue).build().send(message("m1").build());
      assertThat(quick.receive(1, Duration.ofSeconds(5))).hasSize(1);
      assertThat(quick.receive(1, Duration.ZERO)).isEmpty();
      assertThat(quick.receive(1, Duration.ofSeconds(5)))
          .singleElement()
          .satisfies(again -> assertThat(again.receiveCount()).isEqualTo(2));
    }
  }

  @Test
  void both_payloads_are_read() {
    client.onReceive =
        request ->
            ReceiveMessageResponse.builder()
                .messages(
                    sqsMessage("h1", body("m1")),
                    sqsMessage("h2", PayloadCodec.workflow().encode(message("m2").build())))
                .build();
    assertThat(source.receive(10, SECOND))
        .extracting(received -> received.message().orElseThrow().messageId())
        .containsExactly("m1", "m2");
  }

  @Test
  void one_unreadable_body_leaves_its_neighbours_alone() {
    List<String> bodies =
        List.of(
            "no json",
            "[]",
            "{}",
            "null",
            "{\"messageId\":7}",
            "{\"messageId\":\"a\",\"messageId\":\"b\"}",
            "[".repeat(100_000),
            "");
    List<Message> messages = new ArrayList<>();
    for (int i = 0; i < bodies.size(); i++) {
      messages.add(sqsMessage("h" + i, bodies.get(i)));
    }
    messages.add(sqsMessage("good", body("m1")));
    client.onReceive = request -> ReceiveMessageResponse.builder().messages(messages).build();

    List<ReceivedMessage> received = source.receive(10, SECOND);
    assertThat(received).hasSize(bodies.size() + 1);
    assertThat(received.subList(0, bodies.size()))
        .allSatisfy(
            each -> {
              assertThat(each.message()).isEmpty();
              assertThat(each.fault()).isPresent();
              assertThat(each.receiveCount()).isEqualTo(2);
            });
    assertThat(received.get(bodies.size()).message()).isPresent();
  }

  @Test
  void an_unreadable_body_is_dead_lettered_as_it_is_with_its_reason() {
    LocalSqs.QueueWithDeadLetters queues = sqs.createQueueWithDeadLetters("entry", 1000);
    String poison = "{\"messageId\": \"m1\", 🌸 not json";
    try (SqsClient real = sqs.newClient()) {
      real.sendMessage(request -> request.queueUrl(queues.url()).messageBody(poison));
      SqsMessageSource from = SqsMessageSource.builder(real).queue(queues.url()).build();
      ReceivedMessage received = from.receive(1, Duration.ofSeconds(5)).get(0);
      PayloadException fault = received.fault().orElseThrow();
      from.changeVisibility(received, SECOND);
      from.deadLetter(received, fault.reason().name());

      assertThat(from.receive(1, Duration.ofSeconds(2))).isEmpty();
      assertThat(from.inHand()).isZero();
      Message aside =
          real.receiveMessage(
                  request -> request.queueUrl(queues.deadLetterUrl()).messageAttributeNames("All"))
              .messages()
              .get(0);
      assertThat(aside.body()).isEqualTo(poison);
      assertThat(aside.messageAttributes()).containsOnlyKeys("reason");
      assertThat(aside.messageAttributes().get("reason").stringValue()).isEqualTo("NOT_JSON");
      assertThat(aside.messageAttributes().get("reason").dataType()).isEqualTo("String");
    }
  }

  @Test
  void a_fifo_dead_letter_queue_gets_the_group_and_an_id_of_this_message_alone() {
    SqsMessageSource fifo =
        SqsMessageSource.builder(client)
            .queue("workflow.fifo")
            .deadLetterQueue("workflow-dead.fifo")
            .build();
    client.onReceive =
        request -> ReceiveMessageResponse.builder().messages(sqsMessage("h1", "poison")).build();
    fifo.deadLetter(fifo.receive(1, SECOND).get(0), "NOT_JSON");

    SendMessageRequest put = client.requests(SendMessageRequest.class).get(0);
    assertThat(put.queueUrl()).endsWith("/workflow-dead.fifo");
    assertThat(put.messageGroupId()).isEqualTo("creator-7");
    // Not the message's own id: revived and put aside again within 5 minutes, it would be
    // swallowed.
    assertThat(put.messageDeduplicationId()).isEqualTo("sqs-h1");
    assertThat(client.requests(DeleteMessageRequest.class)).hasSize(1);
  }

  @Test
  void a_standard_dead_letter_queue_gets_no_group() {
    source.deadLetter(receive("h1", "poison"), "NOT_JSON");
    SendMessageRequest put = client.requests(SendMessageRequest.class).get(0);
    assertThat(put.messageGroupId()).isNull();
    assertThat(put.messageDeduplicationId()).isNull();
    assertThat(put.queueUrl()).isEqualTo("https://sqs/1/entry-dead");
  }

  @Test
  void the_dead_letter_queue_is_looked_up_once_from_the_redrive_policy() {
    SqsMessageSource found = SqsMessageSource.builder(client).queue("entry").build();
    client.onAttributes =
        request ->
            Map.of(
                QueueAttributeName.REDRIVE_POLICY,
                "{ \"maxReceiveCount\" : \"3\", \"deadLetterTargetArn\" :"
                    + " \"arn:aws-us-gov:sqs:us-gov-east-1:42:my-dead-letters\" }");
    for (String handle : List.of("h1", "h2")) {
      client.onReceive =
          request -> ReceiveMessageResponse.builder().messages(sqsMessage(handle, "x")).build();
      found.deadLetter(found.receive(1, SECOND).get(0), "NOT_JSON");
    }
    assertThat(client.requests(SendMessageRequest.class))
        .extracting(SendMessageRequest::queueUrl)
        .containsOnly("https://sqs/1/my-dead-letters");
    assertThat(client.requests(GetQueueAttributesRequest.class)).hasSize(1);
    assertThat(client.requests(GetQueueUrlRequest.class))
        .filteredOn(request -> request.queueName().equals("my-dead-letters"))
        .singleElement()
        .satisfies(request -> assertThat(request.queueOwnerAWSAccountId()).isEqualTo("42"));
  }

  @Test
  void without_a_dead_letter_queue_a_message_stays_where_it_is() {
    String queue = sqs.createQueue("entry");
    try (SqsClient real = sqs.newClient()) {
      real.sendMessage(request -> request.queueUrl(queue).messageBody(SECRET));
      SqsMessageSource from = SqsMessageSource.builder(real).queue(queue).build();
      ReceivedMessage received = from.receive(1, Duration.ofSeconds(5)).get(0);
      assertThatThrownBy(() -> from.deadLetter(received, "NOT_JSON"))
          .isInstanceOf(SourceException.class)
          .hasMessageContaining("has no dead-letter queue");
      from.changeVisibility(received, Duration.ZERO);
      assertThat(from.receive(1, Duration.ofSeconds(5))).hasSize(1);
    }
  }

  @Test
  void a_message_that_was_not_put_aside_is_not_deleted() {
    client.onSend =
        request -> {
          throw QueueDoesNotExistException.builder().statusCode(400).build();
        };
    ReceivedMessage received = receive("h1", SECRET);
    assertThatThrownBy(() -> source.deadLetter(received, "NOT_JSON"))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("queue entry-dead: a message could not be put aside");
    assertThat(client.requests(DeleteMessageRequest.class)).isEmpty();
    assertThat(source.inHand()).isEqualTo(1);
  }

  @Test
  void a_message_that_was_put_aside_has_ended_even_if_its_delete_failed() {
    client.onDelete =
        () -> {
          throw SdkClientException.create("timed out");
        };
    ReceivedMessage received = receive("h1", SECRET);
    source.deadLetter(received, "NOT_JSON");
    assertThat(source.inHand()).isZero();
    assertThatThrownBy(() -> source.deadLetter(received, "NOT_JSON"))
        .as("whoever tries again makes no second copy")
        .isInstanceOf(NotInHandException.class);
    assertThat(client.requests(SendMessageRequest.class)).hasSize(1);
  }

  @Test
  void a_body_that_leaves_no_room_for_a_reason_is_put_aside_without_one() {
    client.onSend =
        request -> {
          if (request.hasMessageAttributes() && !request.messageAttributes().isEmpty()) {
            throw InvalidMessageContentsException.builder().statusCode(400).build();
          }
          return SendMessageResponse.builder().messageId("1").build();
        };
    String large = "x".repeat(1_048_576);
    source.deadLetter(receive("h1", large), "NOT_JSON");
    assertThat(client.requests(SendMessageRequest.class))
        .last()
        .satisfies(request -> assertThat(request.messageBody()).isEqualTo(large));
    assertThat(client.requests(DeleteMessageRequest.class)).hasSize(1);
  }

  @Test
  void a_reason_is_not_blank() {
    ReceivedMessage received = receive("h1", "x");
    assertThatThrownBy(() -> source.deadLetter(received, " "))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("reason");
  }

  @Test
  void bodies_are_kept_only_while_they_are_in_hand() {
    ReceivedMessage deleted = receive("h1", body("m1"));
    ReceivedMessage aside = receive("h2", body("m2"));
    ReceivedMessage givenBack = receive("h3", body("m3"));
    receive("h4", body("m4"));
    assertThat(source.inHand()).isEqualTo(4);
    source.delete(deleted);
    source.deadLetter(aside, "in_doubt");
    source.changeVisibility(givenBack, Duration.ZERO);
    assertThat(source.inHand()).isEqualTo(1);
    client.onReceive = request -> ReceiveMessageResponse.builder().build();
    time.advance(Duration.ofSeconds(30));
    source.receive(1, SECOND);
    assertThat(source.inHand()).isZero();
  }

  @Test
  void a_message_kept_in_hand_can_be_put_aside_and_a_lapsed_one_cannot() {
    ReceivedMessage kept = receive("h1", body("m1"));
    ReceivedMessage lapsed = receive("h2", body("m2"));
    source.changeVisibility(kept, Duration.ofHours(1));
    time.advance(Duration.ofSeconds(30));
    source.deadLetter(kept, "in_doubt");
    assertThatThrownBy(() -> source.deadLetter(lapsed, "in_doubt"))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("no longer in hand");
    assertThat(client.requests(SendMessageRequest.class)).hasSize(1);
  }

  @Test
  void an_interrupted_receive_is_empty_and_stays_interrupted() {
    client.onReceive =
        request -> {
          Thread.currentThread().interrupt(); // as the SDK leaves it
          throw AbortedException.create("Thread was interrupted");
        };
    List<ReceivedMessage> received = source.receive(1, SECOND);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(received).isEmpty();
  }

  @Test
  void a_failed_call_is_a_source_exception_that_shows_no_message() {
    client.onReceive =
        request -> {
          throw SdkClientException.create("Unrecognized token '" + SECRET + "'");
        };
    SourceException e =
        catchThrowableOfType(SourceException.class, () -> source.receive(1, SECOND));
    assertThat(e).hasMessageContaining("queue entry: nothing could be received: SdkClient");
    assertThat(trace(e)).doesNotContain(SECRET);
  }

  @Test
  void a_broken_body_shows_nowhere() {
    ReceivedMessage received = receive("h1", "{\"content\": \"" + SECRET + "\", " + SECRET);
    assertThat(received.toString() + received.fault().orElseThrow() + source)
        .contains("SqsMessageSource[entry]")
        .doesNotContain(SECRET);
    assertThat(trace(received.fault().orElseThrow())).doesNotContain(SECRET);
  }

  @Test
  void a_failed_delete_and_a_failed_change_are_source_exceptions() {
    String queue = sqs.createQueue("entry");
    try (SqsClient real = sqs.newClient()) {
      SqsMessageSource from = SqsMessageSource.builder(real).queue(queue).build();
      ReceivedMessage unknown = ReceivedMessage.of("no-handle", message("m1").build(), 1);
      assertThatThrownBy(() -> from.changeVisibility(unknown, SECOND))
          .isInstanceOf(SourceException.class)
          .hasMessageContaining("visibility could not be changed");
    }
    client.onDelete =
        () -> {
          throw SdkClientException.create("timed out");
        };
    ReceivedMessage received = receive("h1", "x");
    assertThatThrownBy(() -> source.delete(received))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("could not be deleted");
  }

  @Test
  void the_client_it_was_given_is_never_closed() {
    source.delete(receive("h1", "x"));
    assertThat(client.closed).isFalse();
  }
}
