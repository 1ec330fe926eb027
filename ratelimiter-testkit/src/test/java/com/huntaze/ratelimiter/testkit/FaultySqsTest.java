package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResultEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
@Tag("slow")
class FaultySqsTest {
  @RegisterExtension static final LocalSqs sqs = LocalSqs.shared();

  /** A body that tries to pass for the protocol's own fields. */
  private static final String BODY = "{\"Entries\":[{\"Id\":\"no\"}],\"a\":\"}]\\\\ é 🙂\"}";

  private final FaultySqs faulty = FaultySqs.inFrontOf(sqs);
  private final SqsClient client = faulty.newClient(Duration.ofSeconds(30));
  private final String queue = sqs.createQueue("faulty");

  @AfterEach
  void close() {
    client.close();
    faulty.close();
  }

  private SendMessageResponse send(SqsClient by) {
    return by.sendMessage(request -> request.queueUrl(queue).messageBody(BODY));
  }

  private SendMessageBatchResponse sendBatch(int size) {
    List<SendMessageBatchRequestEntry> entries =
        IntStream.range(0, size)
            .mapToObj(
                i ->
                    SendMessageBatchRequestEntry.builder()
                        .id("e" + i)
                        .messageBody(BODY + i)
                        .build())
            .toList();
    return client.sendMessageBatch(request -> request.queueUrl(queue).entries(entries));
  }

  private static List<String> taken(SendMessageBatchResponse answer) {
    return answer.successful().stream().map(SendMessageBatchResultEntry::id).toList();
  }

  /** What is in the queue, asked past the faults. */
  private List<String> queued() {
    List<String> bodies = new ArrayList<>();
    try (SqsClient direct = sqs.newClient()) {
      for (List<Message> some = receive(direct); !some.isEmpty(); some = receive(direct)) {
        some.forEach(message -> bodies.add(message.body()));
      }
    }
    return bodies;
  }

  private List<Message> receive(SqsClient direct) {
    return direct
        .receiveMessage(request -> request.queueUrl(queue).maxNumberOfMessages(10))
        .messages();
  }

  @Test
  void without_a_fault_calls_pass_unharmed_and_are_counted_by_action() {
    assertThat(send(client).messageId()).isNotEmpty();
    assertThat(taken(sendBatch(3))).containsExactlyInAnyOrder("e0", "e1", "e2");
    List<String> received =
        client
            .receiveMessage(request -> request.queueUrl(queue).maxNumberOfMessages(10))
            .messages()
            .stream()
            .map(Message::body)
            .toList();

    assertThat(received).containsExactlyInAnyOrder(BODY, BODY + 0, BODY + 1, BODY + 2);
    assertThat(faulty.calls()).isEqualTo(3);
    assertThat(faulty.calls("SendMessage")).isEqualTo(1);
    assertThat(faulty.calls("SendMessageBatch")).isEqualTo(1);
    assertThat(faulty.calls("ReceiveMessage")).isEqualTo(1);
    assertThat(faulty.calls("DeleteMessage")).isZero();
    assertThat(faulty.failedCalls()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "SERVICE_UNAVAILABLE, 503, ServiceUnavailable",
    "INTERNAL_ERROR, 500, InternalFailure",
    "THROTTLED, 400, ThrottlingException",
    "ACCESS_DENIED, 403, AccessDeniedException",
    "NO_SUCH_QUEUE, 400, AWS.SimpleQueueService.NonExistentQueue",
    "PARTIAL_SENDER_FAULT, 400, InvalidMessageContents",
    "PARTIAL_SERVICE_FAULT, 500, InternalFailure"
  })
  void an_error_is_answered_and_the_queue_has_nothing(SqsFault fault, int status, String code) {
    faulty.failNext(1, fault);

    assertThatThrownBy(() -> send(client))
        .isInstanceOfSatisfying(
            AwsServiceException.class,
            e -> {
              assertThat(e.statusCode()).isEqualTo(status);
              assertThat(e.awsErrorDetails().errorCode()).isEqualTo(code);
            });
    assertThat(queued()).isEmpty();
    assertThat(faulty.calls()).isEqualTo(1);
    assertThat(faulty.failedCalls()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"RESET_BEFORE, 0", "RESET_AFTER_WRITE, 1", "GARBAGE, 1", "MD5_MISMATCH, 1"})
  void an_answer_that_says_nothing_is_a_failure_of_one_call(SqsFault fault, int written) {
    faulty.failNext(1, fault);

    assertThatThrownBy(() -> send(client)).isInstanceOf(SdkClientException.class);
    assertThat(faulty.calls()).isEqualTo(1);
    assertThat(queued()).hasSize(written);

    faulty.failNext(1, fault);
    assertThatThrownBy(() -> sendBatch(10)).isInstanceOf(SdkClientException.class);
    assertThat(faulty.calls()).isEqualTo(2);
    assertThat(queued()).hasSize(10 * written);
  }

  /** A connection that was used before: some clients send a call again when it breaks. */
  @ParameterizedTest
  @EnumSource(names = {"RESET_BEFORE", "RESET_AFTER_WRITE"})
  void a_connection_in_use_breaks_as_a_new_one_does(SqsFault fault) {
    send(client);
    faulty.failNext(1, fault);

    assertThatThrownBy(() -> send(client)).isInstanceOf(SdkClientException.class);
    assertThat(faulty.calls()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({"HANG, 0", "HANG_AFTER_WRITE, 1"})
  void a_call_that_hangs_ends_when_its_client_gives_up(SqsFault fault, int written) {
    faulty.failNext(1, fault);
    try (SqsClient hasty = faulty.newClient(Duration.ofSeconds(1))) {
      assertThatThrownBy(() -> send(hasty)).isInstanceOf(ApiCallTimeoutException.class);
    }
    assertThat(faulty.calls()).isEqualTo(1);
    assertThat(queued()).hasSize(written);
  }

  @Test
  void a_call_that_hangs_ends_without_an_answer_when_the_server_closes() throws Exception {
    faulty.failNext(1, SqsFault.HANG);
    @Nullable Throwable[] failure = new Throwable[1];
    Thread caller = new Thread(() -> failure[0] = catchThrowable(() -> send(client)), "caller");
    caller.start();
    assertThat(Await.until(Duration.ofSeconds(20), () -> faulty.calls() == 1)).isTrue();

    faulty.close();
    caller.join(20_000);

    assertThat(failure[0]).isInstanceOf(SdkClientException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "PARTIAL_SENDER_FAULT, true, InvalidMessageContents",
    "PARTIAL_SERVICE_FAULT, false, InternalError"
  })
  void every_third_entry_of_a_batch_fails_and_the_queue_has_the_others(
      SqsFault fault, boolean sender, String code) {
    faulty.failNext(1, fault);
    SendMessageBatchResponse answer = sendBatch(10);

    assertThat(taken(answer)).containsExactlyInAnyOrder("e1", "e2", "e4", "e5", "e7", "e8");
    assertThat(answer.failed())
        .hasSize(4)
        .allSatisfy(
            entry -> {
              assertThat(entry.code()).isEqualTo(code);
              assertThat(entry.senderFault()).isEqualTo(sender);
            })
        .extracting(entry -> entry.id())
        .containsExactly("e0", "e3", "e6", "e9");
    assertThat(queued())
        .containsExactlyInAnyOrderElementsOf(
            Stream.of(1, 2, 4, 5, 7, 8).map(i -> BODY + i).toList());

    faulty.failNext(1, fault);
    assertThat(sendBatch(1).failed()).hasSize(1);
    assertThat(queued()).isEmpty();
  }

  @Test
  void an_entry_can_be_missing_in_the_answer_although_the_queue_has_it() {
    faulty.failNext(2, SqsFault.OMITTED_ENTRY);

    SendMessageBatchResponse answer = sendBatch(10);
    assertThat(answer.successful()).hasSize(9);
    assertThat(answer.failed()).isEmpty();
    assertThat(queued()).hasSize(10);

    assertThat(send(client).messageId()).isNull();
    assertThat(queued()).hasSize(1);
  }

  @Test
  void a_plan_can_be_confined_to_actions_and_be_forgotten() {
    faulty.failNext(1, SqsFault.INTERNAL_ERROR, "SendMessageBatch");
    faulty.failAll(SqsFault.THROTTLED, "ReceiveMessage", "DeleteMessage");

    send(client);
    assertThatThrownBy(() -> sendBatch(1)).isInstanceOf(AwsServiceException.class);
    sendBatch(1);
    assertThatThrownBy(() -> receive(client)).hasMessageContaining("on request");
    assertThatThrownBy(() -> receive(client)).hasMessageContaining("on request");

    faulty.heal();
    assertThat(receive(client)).isNotEmpty();
    assertThat(faulty.failedCalls()).isEqualTo(3);
  }

  @Test
  void a_share_of_all_calls_fails_the_same_for_the_same_seed() {
    List<Optional<SqsFault>> one = faultsOf(100, 42);
    List<Optional<SqsFault>> same = faultsOf(100, 42);
    List<Optional<SqsFault>> other = faultsOf(100, 43);

    assertThat(one).isEqualTo(same).isNotEqualTo(other);
    assertThat(one.stream().filter(Optional::isPresent).count()).isBetween(15L, 45L);
    assertThat(one)
        .contains(Optional.of(SqsFault.THROTTLED), Optional.of(SqsFault.SERVICE_UNAVAILABLE));
    assertThatThrownBy(() -> faulty.failShare(1.1, 1, List.of(SqsFault.HANG)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("share must be 0 to 1, was 1.1");
  }

  private List<Optional<SqsFault>> faultsOf(int calls, long seed) {
    List<Optional<SqsFault>> faults = new ArrayList<>();
    faulty.onCall(call -> faults.add(call.fault()));
    faulty.failShare(0.3, seed, List.of(SqsFault.THROTTLED, SqsFault.SERVICE_UNAVAILABLE));
    for (int i = 0; i < calls; i++) {
      var unused = catchThrowable(() -> send(client));
    }
    assertThat(faults).hasSize(calls);
    return faults;
  }

  @Test
  void a_listener_hears_each_call_with_its_body_before_the_caller_has_an_answer() {
    List<FaultySqs.Call> heard = new ArrayList<>();
    faulty.onCall(heard::add);
    faulty.failNext(1, SqsFault.GARBAGE);

    assertThatThrownBy(() -> send(client)).isInstanceOf(SdkClientException.class);
    sendBatch(2);

    assertThat(heard)
        .extracting(FaultySqs.Call::action)
        .containsExactly("SendMessage", "SendMessageBatch");
    assertThat(heard.get(0).fault()).contains(SqsFault.GARBAGE);
    assertThat(heard.get(1).fault()).isEmpty();
    assertThat(heard.get(1).body()).contains("\"Id\":\"e1\"");
  }

  @Test
  void its_threads_end_with_it() throws IOException {
    URI endpoint = faulty.endpoint();
    send(client);
    faulty.close();
    faulty.close();

    assertThat(
            Await.until(
                Duration.ofSeconds(10),
                () ->
                    Thread.getAllStackTraces().keySet().stream()
                        .noneMatch(
                            thread ->
                                thread.getName().startsWith("faulty-sqs-" + endpoint.getPort()))))
        .isTrue();
    assertThatThrownBy(() -> send(client)).isInstanceOf(SdkClientException.class);
  }
}
