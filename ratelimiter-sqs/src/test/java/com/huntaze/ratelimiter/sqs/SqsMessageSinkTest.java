package com.huntaze.ratelimiter.sqs;

import static com.huntaze.ratelimiter.sqs.Messages.SECRET;
import static com.huntaze.ratelimiter.sqs.Messages.message;
import static com.huntaze.ratelimiter.sqs.Messages.messages;
import static com.huntaze.ratelimiter.sqs.Messages.ofCreators;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.tuple;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.QueueDepth;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.BatchRequestTooLongException;
import software.amazon.awssdk.services.sqs.model.GetQueueUrlRequest;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueDoesNotExistException;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SqsMessageSinkTest {
  @RegisterExtension static final LocalSqs sqs = LocalSqs.shared();

  private final RecordingSqs client = new RecordingSqs();
  private final SqsMessageSink entryQueue = SqsMessageSink.builder(client).queue("entry").build();
  private final SqsMessageSink workflowQueue =
      SqsMessageSink.builder(client).queue("workflow.fifo").build();

  private static SinkException refusal(SqsMessageSink sink, OutboundMessage message) {
    SinkException e = catchThrowableOfType(SinkException.class, () -> sink.send(message));
    assertThat(e).as("the send succeeded").isNotNull();
    assertThat(e.kind()).isEqualTo(Kind.MESSAGE_REFUSED);
    assertThat(e.toString()).doesNotContain(SECRET);
    return e;
  }

  private static List<Kind> kinds(List<SinkResult> results) {
    return results.stream()
        .map(result -> result instanceof SinkResult.NotTaken no ? no.reason().kind() : null)
        .toList();
  }

  private List<SendMessageBatchRequest> calls() {
    return client.requests(SendMessageBatchRequest.class);
  }

  private List<Integer> callSizes() {
    return calls().stream().map(call -> call.entries().size()).toList();
  }

  private static long bytes(SendMessageBatchRequestEntry entry) {
    long bytes = entry.messageBody().getBytes(UTF_8).length;
    for (Map.Entry<String, MessageAttributeValue> each : entry.messageAttributes().entrySet()) {
      bytes += each.getKey().getBytes(UTF_8).length;
      bytes += each.getValue().dataType().getBytes(UTF_8).length;
      bytes += each.getValue().stringValue().getBytes(UTF_8).length;
    }
    return bytes;
  }

  @Test
  void a_standard_queue_gets_the_standard_payload_with_four_string_attributes() {
    String queue = sqs.createQueue("entry");
    OutboundMessage message = message("m1").priority(Priority.HIGH).build();
    try (SqsClient real = sqs.newClient()) {
      SinkResult.Taken taken = SqsMessageSink.builder(real).queue(queue).build().send(message);
      Message arrived =
          real.receiveMessage(
                  request ->
                      request.queueUrl(queue).messageAttributeNames("All").waitTimeSeconds(5))
              .messages()
              .get(0);
      assertThat(taken.sinkId()).contains(arrived.messageId());
      assertThat(PayloadCodec.standard().decode(arrived.body())).isEqualTo(message);
      assertThat(arrived.messageAttributes())
          .containsOnlyKeys("userId", "messageType", "timestamp", "priority")
          .allSatisfy((name, value) -> assertThat(value.dataType()).isEqualTo("String"));
      assertThat(arrived.messageAttributes().get("userId").stringValue()).isEqualTo("user-1");
      assertThat(arrived.messageAttributes().get("messageType").stringValue())
          .isEqualTo("send_message");
      assertThat(arrived.messageAttributes().get("timestamp").stringValue())
          .isEqualTo("2026-03-01T12:30:00Z");
      assertThat(arrived.messageAttributes().get("priority").stringValue()).isEqualTo("high");
    }
  }

  @Test
  void a_fifo_queue_gets_the_workflow_payload_by_creator_and_message_id() {
    OutboundMessage message = message("m1").creatorId("creator-7").build();
    workflowQueue.send(message);
    workflowQueue.sendAll(List.of(message));

    SendMessageRequest alone = client.requests(SendMessageRequest.class).get(0);
    SendMessageBatchRequestEntry entry = calls().get(0).entries().get(0);
    assertThat(PayloadCodec.workflow().decode(alone.messageBody())).isEqualTo(message);
    assertThat(alone.messageGroupId()).isEqualTo("creator-7");
    assertThat(alone.messageDeduplicationId()).isEqualTo("m1");
    assertThat(entry.messageBody()).isEqualTo(alone.messageBody());
    assertThat(entry.messageGroupId()).isEqualTo("creator-7");
    assertThat(entry.messageDeduplicationId()).isEqualTo("m1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"with space", "créateur", "new\nline"})
  void an_id_that_is_no_legal_group_is_hashed(String creator) {
    workflowQueue.send(message("m1").creatorId(creator).build());
    assertThat(client.requests(SendMessageRequest.class).get(0).messageGroupId())
        .matches("[0-9a-f]{64}");
  }

  @Test
  void ids_of_every_legal_character_and_length_are_kept() {
    String legal =
        IntStream.rangeClosed('!', '~')
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .append("x".repeat(34))
            .toString();
    assertThat(legal).hasSize(128);
    assertThat(SqsRules.legalId(legal)).isEqualTo(legal);
    assertThat(SqsRules.legalId(legal + "x")).matches("[0-9a-f]{64}");
    assertThat(SqsRules.legalId("")).matches("[0-9a-f]{64}");
    assertThat(SqsRules.legalId("a b")).isNotEqualTo(SqsRules.legalId("a  b"));
  }

  /** The standard shape is the longer one where the user's id is long: it is an attribute too. */
  private static OutboundMessage.Builder longUser(String id) {
    return OutboundMessage.builder(id, "ü".repeat(128), message("x").build().timestamp())
        .creatorId("c")
        .recipientId("fan-1");
  }

  private static long sizeOf(OutboundMessage message) {
    RecordingSqs scale = new RecordingSqs();
    SqsMessageSink.builder(scale)
        .queue("scale")
        .maxMessageBytes(SqsRules.MAX_BYTES)
        .build()
        .sendAll(List.of(message));
    return bytes(scale.requests(SendMessageBatchRequest.class).get(0).entries().get(0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"x", "é", "€", "🌸"})
  void the_byte_limit_is_exact_with_attributes_in_utf8(String character) {
    int limit = 262_144;
    int each = character.getBytes(UTF_8).length;
    long empty = sizeOf(longUser("m1").content("a").build()) - 1;
    int room = (int) (limit - empty);
    String full = character.repeat(room / each) + "a".repeat(room % each);
    OutboundMessage fits = longUser("m1").content(full).build();
    assertThat(sizeOf(fits)).isEqualTo(limit);

    entryQueue.send(fits);
    assertThat(kinds(entryQueue.sendAll(List.of(fits)))).containsOnlyNulls();
    assertThat(refusal(entryQueue, longUser("m1").content(full + "a").build()))
        .hasMessageContaining("m1")
        .hasMessageContaining("262145 bytes")
        .hasMessageContaining("262144");
    assertThat(client.requests(SendMessageRequest.class)).hasSize(1);
  }

  @Test
  void the_limit_of_a_fifo_queue_is_exact_too() {
    int version = ("rate_limiter_version" + "String" + Version.TEXT).length();
    int empty =
        PayloadCodec.workflow().encode(message("m1").content("a").build()).getBytes(UTF_8).length
            - 1
            + version;
    String full = "é".repeat((262_144 - empty) / 2) + "a".repeat((262_144 - empty) % 2);
    workflowQueue.send(message("m1").content(full).build());
    assertThat(refusal(workflowQueue, message("m1").content(full + "a").build()))
        .hasMessageContaining("262145 bytes");
  }

  @Test
  void a_message_that_would_not_fit_the_workflow_queue_is_refused_by_the_entry_queue() {
    // Without a creator the workflow payload repeats the user's id, and is the longer one.
    OutboundMessage small = message("m1").traceId("t".repeat(120)).content("a").build();
    long entry = sizeOf(small);
    long workflow = PayloadCodec.workflow().encode(small).getBytes(UTF_8).length + 256L;
    assertThat(workflow).isGreaterThan(entry);
    String tooLong = "x".repeat((int) (262_144 - entry));
    assertThat(refusal(entryQueue, message("m1").traceId("t".repeat(120)).content(tooLong).build()))
        .hasMessageContaining("the limit is 262144");
  }

  @Test
  void a_queue_set_up_for_more_takes_more() {
    OutboundMessage large = message("m1").content("x".repeat(1_000_000)).build();
    SqsMessageSink.builder(client).queue("q").maxMessageBytes(1_048_576).build().send(large);
    refusal(entryQueue, large);
    assertThat(client.requests(SendMessageRequest.class)).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {0xFFFE, 0xFFFF, 0xD800, 0xDC00, 0xDFFF})
  void a_character_that_sqs_refuses_is_refused_before_the_network(int character) {
    OutboundMessage bad = message("m1").content("a" + (char) character + "b").build();
    assertThat(refusal(entryQueue, bad))
        .hasMessageContaining("body has U+%04X".formatted(character));
    refusal(workflowQueue, bad);
    assertThat(kinds(entryQueue.sendAll(List.of(bad)))).containsExactly(Kind.MESSAGE_REFUSED);
    assertThat(client.requests(Object.class)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 8, 0xB, 0xC, 0xE, 0x1F})
  void a_control_character_may_be_in_a_body_but_not_in_an_attribute(int character) {
    entryQueue.send(message("m1").content("a" + (char) character).build());
    OutboundMessage bad =
        OutboundMessage.builder("m1", "u" + (char) character, message("x").build().timestamp())
            .recipientId("fan-1")
            .content(SECRET)
            .build();
    assertThat(refusal(entryQueue, bad)).hasMessageContaining("attribute userId has U+00");
  }

  @ParameterizedTest
  @ValueSource(ints = {'\t', '\n', '\r', ' ', 0x7F, 0xD7FF, 0xE000, 0xFFFD, 0x10000, 0x10FFFF})
  void every_other_character_is_taken(int character) {
    String text = Character.toString(character);
    assertThat(SqsRules.illegalCharacter("a" + text + "b")).isEmpty();
    assertThat(SqsRules.bytes(text)).isEqualTo(text.getBytes(UTF_8).length);
  }

  @Test
  void an_empty_attribute_is_refused() {
    OutboundMessage bad =
        OutboundMessage.builder("m1", "", message("x").build().timestamp())
            .recipientId("fan-1")
            .content(SECRET)
            .build();
    assertThat(refusal(entryQueue, bad)).hasMessageContaining("attribute userId is empty");
  }

  @Test
  void calls_have_ten_entries_at_most_and_indexes_as_ids() {
    assertThat(kinds(entryQueue.sendAll(messages(25)))).hasSize(25).containsOnlyNulls();
    assertThat(callSizes()).containsExactly(10, 10, 5);
    assertThat(calls().get(2).entries())
        .extracting(SendMessageBatchRequestEntry::id)
        .containsExactly("20", "21", "22", "23", "24");
  }

  @Test
  void calls_keep_within_the_byte_limit() {
    List<OutboundMessage> large =
        IntStream.of(100_000, 100_000, 61_000, 100_000, 200_000, 60_000, 262_000 / 2)
            .mapToObj(size -> message("m" + size).content("é".repeat(size / 2)).build())
            .toList();
    assertThat(kinds(entryQueue.sendAll(large))).hasSize(7).containsOnlyNulls();
    assertThat(callSizes()).containsExactly(3, 1, 2, 1);
    assertThat(calls())
        .allSatisfy(
            call ->
                assertThat(call.entries().stream().mapToLong(SqsMessageSinkTest::bytes).sum())
                    .isLessThanOrEqualTo(262_144));
  }

  @Test
  void a_call_may_be_full_to_the_last_byte() {
    long one = sizeOf(message("m0").content("é".repeat(1000)).build());
    SqsMessageSink exact =
        SqsMessageSink.builder(client).queue("q").maxMessageBytes((int) (3 * one)).build();
    exact.sendAll(
        IntStream.range(0, 4)
            .mapToObj(i -> message("m" + i).content("é".repeat(1000)).build())
            .toList());
    SqsMessageSink less =
        SqsMessageSink.builder(client).queue("q").maxMessageBytes((int) (3 * one - 1)).build();
    less.sendAll(
        IntStream.range(0, 4)
            .mapToObj(i -> message("m" + i).content("é".repeat(1000)).build())
            .toList());
    assertThat(callSizes()).containsExactly(3, 1, 2, 2);
  }

  @Test
  void each_entry_has_its_own_result() {
    client.onBatch =
        request ->
            RecordingSqs.answer(
                request.entries().subList(0, 2),
                List.of(
                    RecordingSqs.failed("2", "InvalidMessageContents", true),
                    RecordingSqs.failed("3", "InternalError", false),
                    RecordingSqs.failed("4", "KMS.ThrottlingException", true),
                    RecordingSqs.failed("5", "AccessDenied", true),
                    RecordingSqs.failed("6", "SomethingNew", true),
                    RecordingSqs.failed("99", "InternalError", false)));
    List<SinkResult> results = entryQueue.sendAll(messages(8));
    assertThat(kinds(results))
        .containsExactly(
            null,
            null,
            Kind.MESSAGE_REFUSED,
            Kind.NOT_SENT,
            Kind.THROTTLED,
            Kind.ACCESS_REFUSED,
            Kind.ACCESS_REFUSED, // nobody knows this code: the message is kept
            Kind.AMBIGUOUS);
    assertThat(((SinkResult.Taken) results.get(1)).sinkId()).contains("sqs-1");
    assertThat(((SinkResult.NotTaken) results.get(3)).reason())
        .hasMessageContaining("queue entry: entry failed: InternalError")
        .hasMessageContaining("the service's fault");
    assertThat(results.toString()).doesNotContain(SECRET);
  }

  @Test
  void a_refused_batch_says_nothing_about_its_messages_which_are_tried_alone() {
    client.onBatch =
        request -> {
          throw BatchRequestTooLongException.builder().message(SECRET).build();
        };
    AtomicInteger sends = new AtomicInteger();
    client.onSend =
        request -> {
          if (sends.incrementAndGet() == 2) {
            throw SdkClientException.create("timed out");
          }
          return SendMessageResponse.builder().messageId("sqs").build();
        };
    assertThat(kinds(entryQueue.sendAll(messages(3)))).containsExactly(null, Kind.AMBIGUOUS, null);
    assertThat(sends).hasValue(3);
  }

  @Test
  void an_answer_without_an_id_is_no_answer() {
    client.onSend = request -> SendMessageResponse.builder().build();
    SinkException e =
        catchThrowableOfType(SinkException.class, () -> entryQueue.send(message("m1").build()));
    assertThat(e.kind()).isEqualTo(Kind.AMBIGUOUS);
  }

  @Test
  void a_fifo_call_has_one_entry_of_a_group_and_keeps_its_order() {
    workflowQueue.sendAll(ofCreators(20, 4));
    assertThat(callSizes()).containsExactly(4, 4, 4, 4, 4);
    List<String> ofFirst = new ArrayList<>();
    for (SendMessageBatchRequest call : calls()) {
      Set<String> groups = new HashSet<>();
      for (SendMessageBatchRequestEntry entry : call.entries()) {
        assertThat(groups.add(entry.messageGroupId())).isTrue();
        if (entry.messageGroupId().equals("creator-0")) {
          ofFirst.add(entry.messageDeduplicationId());
        }
      }
    }
    assertThat(ofFirst).containsExactly("m0", "m4", "m8", "m12", "m16");
  }

  @Test
  void many_groups_share_full_calls() {
    workflowQueue.sendAll(ofCreators(40, 20));
    assertThat(callSizes()).containsExactly(10, 10, 10, 10);
  }

  @Test
  void behind_a_message_that_was_not_taken_its_group_waits_and_others_go_on() {
    client.onBatch =
        request -> {
          List<SendMessageBatchRequestEntry> taken = new ArrayList<>(request.entries());
          boolean fails = taken.removeIf(entry -> entry.messageDeduplicationId().equals("m2"));
          return RecordingSqs.answer(
              taken, fails ? List.of(RecordingSqs.failed("2", "InternalError", false)) : List.of());
        };
    List<SinkResult> results = workflowQueue.sendAll(ofCreators(8, 2));
    assertThat(kinds(results))
        .containsExactly(null, null, Kind.NOT_SENT, null, Kind.NOT_SENT, null, Kind.NOT_SENT, null);
    assertThat(((SinkResult.NotTaken) results.get(6)).reason())
        .hasMessageContaining("not tried, an earlier message of its creator was not taken");
  }

  @Test
  void behind_a_message_that_is_refused_its_group_goes_on() {
    List<OutboundMessage> messages = new ArrayList<>(ofCreators(6, 1));
    messages.set(1, message("m1").creatorId("creator-0").content("\uFFFE").build());
    client.onBatch =
        request ->
            request.entries().get(0).id().equals("3")
                ? RecordingSqs.answer(
                    List.of(), List.of(RecordingSqs.failed("3", "InvalidMessageContents", true)))
                : RecordingSqs.allTaken(request);
    assertThat(kinds(workflowQueue.sendAll(messages)))
        .containsExactly(null, Kind.MESSAGE_REFUSED, null, Kind.MESSAGE_REFUSED, null, null);
  }

  @Test
  void behind_a_message_of_unknown_fate_nothing_was_sent() {
    client.onBatch =
        request -> {
          throw SdkClientException.create("timed out");
        };
    assertThat(kinds(workflowQueue.sendAll(ofCreators(3, 1))))
        .containsExactly(Kind.AMBIGUOUS, Kind.NOT_SENT, Kind.NOT_SENT);
    assertThat(calls()).hasSize(1);
  }

  @Test
  void after_three_failed_calls_in_a_row_the_rest_is_not_tried() {
    client.onBatch =
        request -> {
          throw SdkClientException.create("timed out");
        };
    List<Kind> kinds = kinds(entryQueue.sendAll(messages(100)));
    assertThat(calls()).hasSize(3);
    assertThat(kinds.subList(0, 30)).containsOnly(Kind.AMBIGUOUS);
    assertThat(kinds.subList(30, 100)).hasSize(70).containsOnly(Kind.NOT_SENT);
  }

  @Test
  void a_call_that_succeeds_between_failures_keeps_the_rest_going() {
    client.onBatch =
        request -> {
          if (calls().size() % 3 == 0) {
            return RecordingSqs.allTaken(request);
          }
          throw SdkClientException.create("timed out");
        };
    assertThat(kinds(entryQueue.sendAll(messages(90)))).contains(Kind.AMBIGUOUS, (Kind) null);
    assertThat(calls()).hasSize(9);
  }

  @Test
  void where_access_is_refused_the_rest_is_refused_alike() {
    client.onBatch =
        request -> {
          throw QueueDoesNotExistException.builder().statusCode(400).build();
        };
    assertThat(kinds(entryQueue.sendAll(messages(50))))
        .hasSize(50)
        .containsOnly(Kind.ACCESS_REFUSED);
    assertThat(calls()).hasSize(3);
  }

  @Test
  void a_name_is_resolved_to_a_url_once_at_first_use() {
    assertThat(client.requests(GetQueueUrlRequest.class)).isEmpty();
    for (int i = 0; i < 3; i++) {
      entryQueue.send(message("m" + i).build());
      entryQueue.sendAll(messages(20));
    }
    entryQueue.depth();
    assertThat(client.requests(GetQueueUrlRequest.class))
        .singleElement()
        .satisfies(request -> assertThat(request.queueName()).isEqualTo("entry"));
    assertThat(client.requests(SendMessageRequest.class))
        .allSatisfy(request -> assertThat(request.queueUrl()).isEqualTo("https://sqs/1/entry"));
  }

  @Test
  void those_who_look_a_name_up_at_once_share_the_answer_or_the_fault() throws Exception {
    CountDownLatch asking = new CountDownLatch(1);
    CountDownLatch answer = new CountDownLatch(1);
    client.onUrl =
        request -> {
          asking.countDown();
          try {
            answer.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          throw SdkClientException.create("timed out");
        };
    ExecutorService threads = Executors.newFixedThreadPool(16);
    try {
      List<Future<Kind>> senders = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        OutboundMessage message = message("m" + i).build();
        senders.add(
            threads.submit(
                () ->
                    catchThrowableOfType(SinkException.class, () -> entryQueue.send(message))
                        .kind()));
      }
      asking.await();
      answer.countDown();
      for (Future<Kind> each : senders) {
        assertThat(each.get(20, TimeUnit.SECONDS)).isEqualTo(Kind.NOT_SENT);
      }
    } finally {
      threads.shutdownNow();
    }
    // Some may have come after the first lookup had failed; none waited for another's to begin.
    assertThat(client.requests(GetQueueUrlRequest.class)).hasSizeBetween(1, 16);
  }

  @Test
  void a_name_that_could_not_be_resolved_is_tried_again() {
    var resolve = client.onUrl;
    client.onUrl =
        request -> {
          throw SdkClientException.create("timed out");
        };
    assertThat(kinds(entryQueue.sendAll(messages(2)))).containsOnly(Kind.NOT_SENT);
    client.onUrl = resolve;
    assertThat(kinds(entryQueue.sendAll(messages(2)))).containsOnlyNulls();
  }

  @Test
  void a_url_is_used_as_it_is() {
    String url = "https://sqs.eu-west-3.amazonaws.com/000000000000/entry";
    SqsMessageSink.builder(client).queue(url).build().send(message("m1").build());
    assertThat(client.requests(GetQueueUrlRequest.class)).isEmpty();
    assertThat(client.requests(SendMessageRequest.class).get(0).queueUrl()).isEqualTo(url);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "with space",
        "a.fifo.fifo",
        "dotted.name",
        "https://sqs.eu-west-3.amazonaws.com/1/",
        "ftp://sqs.eu-west-3.amazonaws.com/1/entry",
        "/1/entry",
        "arn:aws:sqs:eu-west-3:1:entry"
      })
  void what_is_neither_a_name_nor_a_url_is_refused(String queue) {
    assertThatThrownBy(() -> SqsMessageSink.builder(client).queue(queue))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("queue")
        .hasMessageContaining(queue);
  }

  @Test
  void a_name_may_have_80_characters() {
    SqsMessageSink.builder(client).queue("n".repeat(80));
    SqsMessageSink.builder(client).queue("n".repeat(75) + ".fifo");
    assertThatThrownBy(() -> SqsMessageSink.builder(client).queue("n".repeat(81)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> SqsMessageSink.builder(client).queue("n".repeat(76) + ".fifo"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void settings_out_of_range_are_refused_by_name() {
    assertThatThrownBy(() -> SqsMessageSink.builder(client).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("queue");
    for (int bytes : new int[] {1_023, 1_048_577}) {
      assertThatThrownBy(() -> SqsMessageSink.builder(client).maxMessageBytes(bytes))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("maxMessageBytes")
          .hasMessageContaining(Integer.toString(bytes));
    }
  }

  @Test
  void depth_counts_the_queue_and_its_dead_letters() {
    LocalSqs.QueueWithDeadLetters queues = sqs.createQueueWithDeadLetters("entry", 5);
    try (SqsClient real = sqs.newClient()) {
      SqsMessageSink sink = SqsMessageSink.builder(real).queue(queues.url()).build();
      SqsMessageSource source = SqsMessageSource.builder(real).queue(queues.url()).build();
      sink.sendAll(messages(5));
      source.receive(2, Duration.ofSeconds(5));
      source.deadLetter(source.receive(1, Duration.ofSeconds(5)).get(0), "in_doubt");

      QueueDepth depth = sink.depth();
      assertThat(depth.visible() + depth.inFlight()).isEqualTo(4);
      assertThat(depth.inFlight()).isBetween(1L, 2L);
      assertThat(depth.delayed()).isZero();
      assertThat(depth.deadLettered()).isEqualTo(OptionalLong.of(1));
      assertThat(depth.oldestAge()).isEmpty();
    }
  }

  @Test
  void depth_is_known_without_dead_letters() {
    client.onAttributes =
        request ->
            Map.of(
                QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES, "7",
                QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE, "5",
                QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_DELAYED, "3");
    QueueDepth depth = entryQueue.depth();
    assertThat(depth.waiting()).isEqualTo(15);
    assertThat(depth.deadLettered()).isEmpty();
  }

  @Test
  void dead_letters_that_may_not_be_read_are_left_out() {
    client.onAttributes =
        request -> {
          if (request.queueUrl().endsWith("/entry")) {
            return Map.of(
                QueueAttributeName.REDRIVE_POLICY,
                "{\"deadLetterTargetArn\":\"arn:aws:sqs:eu-west-3:42:entry-dead\","
                    + "\"maxReceiveCount\":3}");
          }
          throw SdkClientException.create("no");
        };
    assertThat(entryQueue.depth().deadLettered()).isEmpty();
    assertThat(entryQueue.depth().deadLettered()).isEmpty();
    assertThat(client.requests(GetQueueUrlRequest.class))
        .extracting(GetQueueUrlRequest::queueName, GetQueueUrlRequest::queueOwnerAWSAccountId)
        .containsExactly(tuple("entry", null), tuple("entry-dead", "42"));
  }

  @Test
  void depth_that_cannot_be_asked_is_an_exception() {
    client.onAttributes =
        request -> {
          throw SdkClientException.create("timed out");
        };
    assertThatThrownBy(entryQueue::depth)
        .isInstanceOf(SinkException.class)
        .hasMessageContaining("queue entry: SdkClientException");
  }

  @Test
  void a_client_that_retries_by_itself_is_reported_once() {
    Logger logger = (Logger) LoggerFactory.getLogger(SqsMessageSink.class);
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    lines.start();
    logger.addAppender(lines);
    try (SqsClient retrying =
            SqsClient.builder()
                .region(Region.US_EAST_1)
                .httpClientBuilder(UrlConnectionHttpClient.builder())
                .build();
        SqsClient quiet = sqs.newClient()) {
      SqsMessageSink.builder(quiet).queue("quiet").build();
      SqsMessageSink.builder(client).queue("unknown").build();
      assertThat(lines.list).extracting(ILoggingEvent::getLevel).doesNotContain(Level.WARN);

      SqsMessageSink.builder(retrying).queue("entry").build();
      assertThat(lines.list)
          .filteredOn(line -> line.getLevel() == Level.WARN)
          .singleElement()
          .satisfies(
              line ->
                  assertThat(line.getFormattedMessage())
                      .contains("queue entry")
                      .contains("4 attempts"));
    } finally {
      logger.detachAppender(lines);
    }
  }

  @Test
  void the_client_it_was_given_is_never_closed() {
    client.onBatch =
        request -> {
          throw SdkClientException.create("timed out");
        };
    entryQueue.sendAll(messages(40));
    assertThat(client.closed).isFalse();
  }

  @Test
  void nothing_shows_a_message() {
    client.onBatch =
        request ->
            RecordingSqs.answer(
                List.of(), List.of(RecordingSqs.failed("0", "InternalError", false)));
    List<SinkResult> results = entryQueue.sendAll(messages(1));
    assertThat(
            results.toString()
                + entryQueue
                + SqsEntry.standard(messages(1).get(0), Map.of(), 262_144))
        .contains("SqsMessageSink[entry]")
        .doesNotContain(SECRET);
  }

  private SqsMessageSink perPriority() {
    return SqsMessageSink.builder(client)
        .queue("entry")
        .queue(Priority.HIGH, "entry-high")
        .queue(Priority.LOW, "entry-low")
        .build();
  }

  @Test
  void a_priority_with_a_queue_of_its_own_goes_there_and_each_result_finds_its_message() {
    SqsMessageSink sink = perPriority();
    sink.send(message("h").priority(Priority.HIGH).build());
    sink.send(message("m").build());
    assertThat(client.requests(SendMessageRequest.class))
        .extracting(SendMessageRequest::queueUrl)
        .containsExactly("https://sqs/1/entry-high", "https://sqs/1/entry");

    client.onBatch =
        request ->
            request.queueUrl().endsWith("low")
                ? RecordingSqs.answer(
                    List.of(request.entries().get(1)),
                    List.of(RecordingSqs.failed("0", "InternalError", false)))
                : RecordingSqs.allTaken(request);
    List<SinkResult> results =
        sink.sendAll(
            List.of(
                message("m1").build(),
                message("l1").priority(Priority.LOW).build(),
                message("h1").priority(Priority.HIGH).build(),
                message("l2").priority(Priority.LOW).build()));
    assertThat(kinds(results)).containsExactly(null, Kind.NOT_SENT, null, null);
    assertThat(calls())
        .extracting(SendMessageBatchRequest::queueUrl)
        .containsExactly(
            "https://sqs/1/entry", "https://sqs/1/entry-low", "https://sqs/1/entry-high");
    assertThat(sink.toString()).contains("entry-low", "entry-high");
  }

  @Test
  void the_depth_of_several_queues_is_their_sum() {
    client.onAttributes =
        request ->
            Map.of(
                QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES,
                request.queueUrl().endsWith("high") ? "100" : "1");
    assertThat(perPriority().depth().visible()).isEqualTo(102);
  }

  @Test
  void queues_of_priorities_are_all_fifo_or_none() {
    assertThatThrownBy(
            () ->
                SqsMessageSink.builder(client)
                    .queue("entry")
                    .queue(Priority.HIGH, "high.fifo")
                    .build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("queue high.fifo and queue entry must both be FIFO or neither");
    assertThat(entryQueue.keepsOrder()).isFalse();
    assertThat(workflowQueue.keepsOrder()).isTrue();
  }

  @Test
  void attributes_of_ones_own_travel_with_every_message_and_count_towards_its_size() {
    SqsMessageSink sink =
        SqsMessageSink.builder(client).queue("entry").attribute("tenant", "T1").build();
    sink.send(message("m1").build());
    sink.sendAll(messages(1));
    assertThat(client.requests(SendMessageRequest.class).get(0).messageAttributes())
        .containsOnlyKeys("userId", "messageType", "timestamp", "priority", "tenant")
        .containsEntry(
            "tenant", MessageAttributeValue.builder().dataType("String").stringValue("T1").build());
    SendMessageBatchRequestEntry entry = calls().get(0).entries().get(0);
    assertThat(entry.messageAttributes()).containsKey("tenant");
    assertThat(
            SqsEntry.standard(messages(1).get(0), Map.of("tenant", SqsEntry.string("T1")), 262_144)
                .bytes())
        .isEqualTo(bytes(entry));
  }

  @Test
  void more_attributes_than_sqs_takes_beside_ours_and_those_of_tracing_are_refused() {
    SqsMessageSink.Builder builder =
        SqsMessageSink.builder(client)
            .queue("entry")
            .attribute("a", "1")
            .attribute("b", "2")
            .attribute("c", "3")
            .attribute("c", "4");
    assertThatThrownBy(() -> builder.attribute("d", "5"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("attribute d is one too many")
        .hasMessageContaining("10");
    builder.build().send(message("m1").traceId(W3C).build());
    assertThat(client.requests(SendMessageRequest.class).get(0).messageAttributes()).hasSize(8);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".a",
        "a.",
        "a..b",
        "a b",
        "é",
        "AWS.x",
        "aws.x",
        "Amazon.x",
        "aMaZoN.x",
        "userId",
        "traceparent",
        "tracestate",
        "rate_limit_timestamp",
        "tokens_remaining",
        "rate_limiter_version"
      })
  void a_name_that_sqs_refuses_or_that_is_taken_is_refused(String name) {
    assertThatThrownBy(() -> SqsMessageSink.builder(client).attribute(name, "v"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(name);
  }

  @Test
  void a_name_may_have_256_characters_and_a_value_is_what_sqs_takes() {
    SqsMessageSink.Builder builder = SqsMessageSink.builder(client);
    builder.attribute("n".repeat(256), "v").attribute("AWSx.a-b_c", "v");
    assertThatThrownBy(() -> builder.attribute("n".repeat(257), "v"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.attribute("a", "")).hasMessageContaining("must not be empty");
    assertThatThrownBy(() -> builder.attribute("a", "x\u0000"))
        .hasMessageContaining("attribute a has U+0000");
  }

  private static final String W3C = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  private static final String X_RAY =
      "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1";

  @ParameterizedTest
  @ValueSource(strings = {W3C, X_RAY})
  void a_trace_travels_as_aws_trace_header_beside_the_message(String trace) {
    String queue = sqs.createQueue("entry");
    try (SqsClient real = sqs.newClient()) {
      SqsMessageSink sink = SqsMessageSink.builder(real).queue(queue).build();
      OutboundMessage traced = message("m1").traceId(trace).build();
      sink.send(traced);
      sink.sendAll(List.of(traced, message("m2").traceId(trace).build()));
      List<Message> arrived = new ArrayList<>();
      while (arrived.size() < 3) {
        arrived.addAll(
            real.receiveMessage(
                    request ->
                        request
                            .queueUrl(queue)
                            .maxNumberOfMessages(10)
                            .waitTimeSeconds(5)
                            .messageAttributeNames("All")
                            .messageSystemAttributeNamesWithStrings("All"))
                .messages());
      }
      assertThat(arrived)
          .allSatisfy(
              each -> {
                assertThat(each.attributesAsStrings()).containsEntry("AWSTraceHeader", X_RAY);
                assertThat(each.messageAttributes().containsKey("traceparent"))
                    .isEqualTo(trace.equals(W3C));
              });
    }
    assertThat(SqsEntry.standard(message("m1").traceId(X_RAY).build(), Map.of(), 262_144).bytes())
        .as("the header counts no byte")
        .isEqualTo(
            SqsEntry.standard(
                    message("m1").traceId("x".repeat(X_RAY.length())).build(), Map.of(), 262_144)
                .bytes());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "trace-1",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "Root=1-x"
      })
  void a_trace_in_no_known_form_travels_in_the_body_alone(String trace) {
    entryQueue.send(message("m1").traceId(trace).build());
    SendMessageRequest request = client.requests(SendMessageRequest.class).get(0);
    assertThat(request.hasMessageSystemAttributes()).isFalse();
    assertThat(request.messageAttributes()).doesNotContainKey("traceparent");
    assertThat(request.messageBody()).contains(trace);
  }

  @Test
  void a_trace_that_is_not_sampled_says_so() {
    entryQueue.send(message("m1").traceId(W3C.replaceAll("01$", "00")).build());
    assertThat(
            client
                .requests(SendMessageRequest.class)
                .get(0)
                .messageSystemAttributesAsStrings()
                .get("AWSTraceHeader")
                .stringValue())
        .endsWith(";Sampled=0");
  }

  @Test
  void the_check_at_start_names_what_is_to_be_mended_and_passes_a_good_queue() {
    client.onAttributes =
        request ->
            Map.of(
                QueueAttributeName.MAXIMUM_MESSAGE_SIZE, "1024",
                QueueAttributeName.MESSAGE_RETENTION_PERIOD, "345600");
    assertThat(entryQueue.check())
        .containsExactly(
            "queue entry takes 1024 bytes a message, the sink is set for 262144",
            "queue entry forgets messages after 345600 s, 14 days are 1209600",
            "queue entry has no dead-letter queue");
    client.onAttributes =
        request ->
            Map.of(
                QueueAttributeName.MAXIMUM_MESSAGE_SIZE,
                "262144",
                QueueAttributeName.MESSAGE_RETENTION_PERIOD,
                "1209600",
                QueueAttributeName.REDRIVE_POLICY,
                "{\"deadLetterTargetArn\":\"arn:aws:sqs:eu-west-3:000000000000:entry-dead\"}");
    assertThat(entryQueue.check()).isEmpty();
    client.onAttributes =
        request -> {
          throw QueueDoesNotExistException.builder().build();
        };
    assertThatThrownBy(entryQueue::check).isInstanceOf(SinkException.class);
  }
}
