package com.huntaze.ratelimiter.sqs;

import static com.huntaze.ratelimiter.sqs.Messages.SECRET;
import static com.huntaze.ratelimiter.sqs.Messages.message;
import static com.huntaze.ratelimiter.sqs.RecordingSqs.failed;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.queue.MessageSource.NotDone;
import com.huntaze.ratelimiter.queue.MessageSource.VisibilityChange;
import com.huntaze.ratelimiter.queue.NotInHandException;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SourceException;
import com.huntaze.ratelimiter.testkit.ManualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequest;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchResultEntry;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.QueueDoesNotExistException;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageResponse;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SqsMessageSourceBatchTest {
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

  private List<ReceivedMessage> receive(int count) {
    List<ReceivedMessage> received = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Message message =
          Message.builder()
              .messageId("sqs-" + i)
              .receiptHandle("h" + i)
              .body(PayloadCodec.standard().encode(message("m" + i).build()))
              .build();
      client.onReceive = request -> ReceiveMessageResponse.builder().messages(message).build();
      received.addAll(source.receive(1, SECOND));
    }
    client.onReceive = request -> ReceiveMessageResponse.builder().build();
    return received;
  }

  private static List<VisibilityChange> all(List<ReceivedMessage> received, Duration visibility) {
    return received.stream().map(each -> new VisibilityChange(each, visibility)).toList();
  }

  private static List<ReceivedMessage> messages(List<NotDone> notDone) {
    return notDone.stream().map(NotDone::received).toList();
  }

  @Test
  void many_are_deleted_ten_a_call_under_their_index() {
    List<ReceivedMessage> received = receive(23);
    assertThat(source.deleteAll(received)).isEmpty();
    List<DeleteMessageBatchRequest> calls = client.requests(DeleteMessageBatchRequest.class);
    assertThat(calls).extracting(call -> call.entries().size()).containsExactly(10, 10, 3);
    assertThat(calls)
        .allSatisfy(
            call ->
                assertThat(call.entries())
                    .extracting(DeleteMessageBatchRequestEntry::id)
                    .containsExactlyElementsOf(
                        IntStream.range(0, call.entries().size())
                            .mapToObj(Integer::toString)
                            .toList()));
    assertThat(calls.stream().flatMap(call -> call.entries().stream()))
        .extracting(DeleteMessageBatchRequestEntry::receiptHandle)
        .containsExactlyElementsOf(received.stream().map(ReceivedMessage::handle).toList());
    assertThat(source.inHand()).isZero();
  }

  @Test
  void many_are_changed_ten_a_call_each_to_its_own_time_in_whole_seconds() {
    List<ReceivedMessage> received = receive(11);
    List<VisibilityChange> changes = new ArrayList<>();
    for (int i = 0; i < 11; i++) {
      changes.add(new VisibilityChange(received.get(i), Duration.ofMillis(1_500L * i)));
    }
    assertThat(source.changeVisibilityAll(changes)).isEmpty();
    assertThat(
            client.requests(ChangeMessageVisibilityBatchRequest.class).stream()
                .flatMap(call -> call.entries().stream()))
        .extracting(ChangeMessageVisibilityBatchRequestEntry::visibilityTimeout)
        .containsExactly(0, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15);
    assertThat(source.inHand()).as("given back is not in hand").isEqualTo(10);
  }

  @Test
  void a_failed_entry_is_told_with_its_code_and_its_neighbours_are_done() {
    List<ReceivedMessage> received = receive(3);
    client.onDeleteBatch = request -> RecordingSqs.deleted(3, failed("1", "InternalError", false));
    List<NotDone> notDone = source.deleteAll(received);
    assertThat(messages(notDone)).containsExactly(received.get(1));
    assertThat(notDone.get(0).isLost()).isFalse();
    assertThat(notDone.get(0).reason())
        .hasMessageContaining("queue entry")
        .hasMessageContaining("could not be deleted: InternalError, a fault of SQS")
        .hasMessageNotContaining(SECRET);
    assertThat(client.requests(DeleteMessageBatchRequest.class))
        .as("the caller retries")
        .hasSize(1);
    assertThat(source.inHand()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({
    "ReceiptHandleIsInvalid, true, true",
    "MessageNotInflight, true, true",
    "AWS.SimpleQueueService.MessageNotInflight, true, true",
    "InvalidParameterValue, true, true",
    "InvalidParameterValue, false, false",
    "InternalError, false, false",
    "ThrottlingException, true, false"
  })
  void an_entry_refused_for_its_handle_is_lost_and_any_other_is_not(
      String code, boolean senderFault, boolean lost) {
    List<ReceivedMessage> received = receive(2);
    client.onChangeBatch = request -> RecordingSqs.changed(2, failed("0", code, senderFault));
    List<NotDone> notDone = source.changeVisibilityAll(all(received, SECOND));
    assertThat(messages(notDone)).containsExactly(received.get(0));
    assertThat(notDone.get(0).isLost()).isEqualTo(lost);
  }

  @Test
  void an_entry_the_answer_omits_or_both_succeeds_and_fails_is_not_done() {
    List<ReceivedMessage> received = receive(3);
    client.onDeleteBatch =
        request ->
            DeleteMessageBatchResponse.builder()
                .successful(
                    DeleteMessageBatchResultEntry.builder().id("0").build(),
                    DeleteMessageBatchResultEntry.builder().id("2").build(),
                    DeleteMessageBatchResultEntry.builder().id("7").build())
                .failed(failed("2", "InternalError", false), failed("x", "InternalError", false))
                .build();
    List<NotDone> notDone = source.deleteAll(received);
    assertThat(messages(notDone)).containsExactly(received.get(1), received.get(2));
    assertThat(notDone.get(0).reason()).hasMessageContaining("the answer does not say");
    assertThat(source.inHand()).isEqualTo(2);
  }

  @Test
  void a_failed_call_is_a_failure_of_each_of_its_messages_and_of_no_other() {
    List<ReceivedMessage> received = receive(25);
    AtomicInteger calls = new AtomicInteger();
    client.onChangeBatch =
        request -> {
          if (calls.incrementAndGet() == 2) {
            throw SdkClientException.create("timed out, quoting " + SECRET);
          }
          return RecordingSqs.changed(request.entries().size());
        };
    List<NotDone> notDone = source.changeVisibilityAll(all(received, Duration.ZERO));
    assertThat(messages(notDone)).isEqualTo(received.subList(10, 20));
    assertThat(notDone)
        .allSatisfy(
            each -> {
              assertThat(each.isLost()).isFalse();
              assertThat(each.reason())
                  .isInstanceOf(SourceException.class)
                  .hasMessageContaining("visibility could not be changed: SdkClientException")
                  .hasMessageNotContaining(SECRET);
            });
    assertThat(source.inHand()).isEqualTo(10);
  }

  @ParameterizedTest
  @ValueSource(strings = {"InvalidParameterValue", "ReceiptHandleIsInvalid"})
  void a_call_that_was_refused_as_a_whole_says_of_no_message_that_it_is_lost(String code) {
    client.onChangeBatch =
        request -> {
          throw RecordingSqs.refusal(code);
        };
    assertThat(source.changeVisibilityAll(all(receive(2), SECOND)))
        .hasSize(2)
        .noneMatch(NotDone::isLost);
  }

  @Test
  void after_three_failed_calls_in_a_row_the_rest_is_not_tried_and_told_all_the_same() {
    List<ReceivedMessage> received = receive(65);
    AtomicInteger calls = new AtomicInteger();
    client.onDeleteBatch =
        request -> {
          if (calls.incrementAndGet() != 2) {
            throw QueueDoesNotExistException.builder().statusCode(400).build();
          }
          return RecordingSqs.deleted(request.entries().size());
        };
    List<NotDone> notDone = source.deleteAll(received);
    assertThat(calls).hasValue(5);
    List<ReceivedMessage> expected = new ArrayList<>(received.subList(0, 10));
    expected.addAll(received.subList(20, 65));
    assertThat(messages(notDone)).isEqualTo(expected);
  }

  @Test
  void of_no_message_sqs_is_not_asked() {
    assertThat(source.deleteAll(List.of())).isEmpty();
    assertThat(source.changeVisibilityAll(List.of())).isEmpty();
    assertThat(client.requests(Object.class)).isEmpty();
  }

  @Test
  void a_batch_keeps_the_bodies_of_what_it_keeps_in_hand_and_of_nothing_else() {
    List<ReceivedMessage> received = receive(3);
    client.onChangeBatch = request -> RecordingSqs.changed(2, failed("1", "InternalError", false));
    source.changeVisibilityAll(all(received.subList(0, 2), Duration.ofHours(1)));
    time.advance(Duration.ofSeconds(30));
    source.deadLetter(received.get(0), "in_doubt");
    for (ReceivedMessage lapsed : received.subList(1, 3)) {
      assertThatThrownBy(() -> source.deadLetter(lapsed, "in_doubt"))
          .isInstanceOf(NotInHandException.class);
    }
    source.receive(1, SECOND);
    assertThat(source.inHand()).isZero();
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 43_200_001})
  void a_change_beyond_12_hours_is_refused_before_there_is_a_batch(long millis) {
    ReceivedMessage received = receive(1).get(0);
    assertThatThrownBy(() -> new VisibilityChange(received, Duration.ofMillis(millis)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("visibility must be PT0S to PT12H");
  }

  @Test
  void a_source_tells_the_visibility_it_receives_with() {
    assertThat(source.visibility()).isEqualTo(Duration.ofSeconds(30));
    assertThat(SqsMessageSource.builder(client).queue("q").build().visibility())
        .isEqualTo(Duration.ofSeconds(60));
  }

  @Test
  void one_message_refused_for_its_handle_is_lost_and_a_throttled_one_is_not() {
    ReceivedMessage received = receive(1).get(0);
    for (String code : List.of("MessageNotInflight", "InvalidParameterValue", "InvalidIdFormat")) {
      client.onChange =
          () -> {
            throw RecordingSqs.refusal(code);
          };
      assertThatThrownBy(() -> source.changeVisibility(received, SECOND))
          .isInstanceOf(NotInHandException.class)
          .hasMessageContaining(
              "queue entry: a message's visibility could not be changed: " + code);
    }
    client.onChange =
        () -> {
          throw RecordingSqs.refusal("ThrottlingException");
        };
    assertThatThrownBy(() -> source.changeVisibility(received, SECOND))
        .isInstanceOf(SourceException.class)
        .isNotInstanceOf(NotInHandException.class);
  }
}
