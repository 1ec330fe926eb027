package com.huntaze.ratelimiter.sqs;

import static com.huntaze.ratelimiter.sqs.Messages.message;
import static com.huntaze.ratelimiter.sqs.Messages.messages;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import com.huntaze.ratelimiter.queue.MessageSink.Granted;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageRequest;

/** What the limiter said travels beside each message of the workflow queue. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SqsFifoAttributesTest {
  private static final Instant AT = Instant.parse("2026-03-01T12:30:01.234567Z");
  private static final String W3C = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

  @RegisterExtension static final LocalSqs sqs = LocalSqs.shared();

  private final RecordingSqs client = new RecordingSqs();
  private final SqsMessageSink workflowQueue =
      SqsMessageSink.builder(client).queue("workflow.fifo").build();

  private static Granted granted(OutboundMessage message, long tokensRemaining) {
    return new Granted(message, AT, tokensRemaining);
  }

  private List<SendMessageBatchRequestEntry> sent() {
    return client.requests(SendMessageBatchRequest.class).stream()
        .flatMap(call -> call.entries().stream())
        .toList();
  }

  private static Map<String, String> typed(Map<String, MessageAttributeValue> attributes) {
    return attributes.entrySet().stream()
        .collect(
            Collectors.toMap(
                Map.Entry::getKey,
                each -> each.getValue().dataType() + " " + each.getValue().stringValue()));
  }

  @Test
  void a_forwarded_message_arrives_with_the_instant_and_the_tokens_of_its_grant() {
    String queue = sqs.createFifoQueue("attributes");
    try (SqsClient real = sqs.newClient()) {
      assertThat(
              SqsMessageSink.builder(real)
                  .queue(queue)
                  .build()
                  .forwardAll(List.of(granted(message("m1").build(), 9))))
          .singleElement()
          .isInstanceOf(SinkResult.Taken.class);
      Message arrived =
          real.receiveMessage(
                  request ->
                      request.queueUrl(queue).messageAttributeNames("All").waitTimeSeconds(5))
              .messages()
              .get(0);
      assertThat(PayloadCodec.workflow().decode(arrived.body()).messageId()).isEqualTo("m1");
      assertThat(typed(arrived.messageAttributes()))
          .containsOnly(
              entry("rate_limit_timestamp", "String 2026-03-01T12:30:01.234567Z"),
              entry("tokens_remaining", "Number 9"),
              entry("rate_limiter_version", "String " + Version.TEXT));
    }
  }

  @Test
  void the_version_is_the_one_of_the_build() {
    assertThat(Version.TEXT).matches("\\d+\\.\\d+\\.\\d+(-[A-Za-z0-9.]+)?");
  }

  @Test
  void each_of_a_batch_tells_its_own_grant() {
    List<Granted> batch =
        IntStream.range(0, 23)
            .mapToObj(
                i -> granted(message("m" + i).creatorId("creator-" + i % 5).build(), 100L - i))
            .toList();
    assertThat(workflowQueue.forwardAll(batch))
        .hasSize(23)
        .allSatisfy(result -> assertThat(result).isInstanceOf(SinkResult.Taken.class));
    assertThat(sent())
        .hasSize(23)
        .allSatisfy(
            entry -> {
              int i = Integer.parseInt(entry.messageDeduplicationId().substring(1));
              assertThat(typed(entry.messageAttributes()))
                  .containsEntry("tokens_remaining", "Number " + (100 - i));
            });
  }

  @Test
  void with_a_queue_for_each_priority_each_grant_goes_with_its_message() {
    SqsMessageSink sink =
        SqsMessageSink.builder(client)
            .queue("workflow.fifo")
            .queue(Priority.HIGH, "workflow-high.fifo")
            .build();
    OutboundMessage high = message("high").priority(Priority.HIGH).build();
    List<SinkResult> results =
        sink.forwardAll(
            List.of(
                granted(message("m1").build(), 3),
                granted(high, 2),
                granted(message("m2").build(), 1)));
    assertThat(results).hasSize(3);
    for (SendMessageBatchRequest call : client.requests(SendMessageBatchRequest.class)) {
      for (SendMessageBatchRequestEntry each : call.entries()) {
        String tokens =
            switch (each.messageDeduplicationId()) {
              case "m1" -> "3";
              case "m2" -> "1";
              default -> "2";
            };
        assertThat(typed(each.messageAttributes()))
            .containsEntry("tokens_remaining", "Number " + tokens);
        assertThat(call.queueUrl().endsWith("-high.fifo"))
            .isEqualTo(each.messageDeduplicationId().equals("high"));
      }
    }
    assertThat(sent()).hasSize(3);
  }

  @Test
  void a_message_no_limiter_was_asked_about_tells_the_version_alone() {
    workflowQueue.send(message("m1").build());
    workflowQueue.sendAll(messages(1));
    assertThat(client.requests(SendMessageRequest.class).get(0).messageAttributes())
        .containsOnlyKeys("rate_limiter_version");
    assertThat(sent().get(0).messageAttributes()).containsOnlyKeys("rate_limiter_version");
  }

  @Test
  void a_standard_queue_gets_none_of_them() {
    SqsMessageSink.builder(client)
        .queue("entry")
        .build()
        .forwardAll(List.of(granted(message("m1").build(), 9)));
    assertThat(sent().get(0).messageAttributes())
        .containsOnlyKeys("userId", "messageType", "timestamp", "priority");
  }

  @Test
  void what_the_limiter_said_counts_towards_the_size() {
    long empty = bytesOf(message("m1").content("a").build()) - 1;
    String full = "x".repeat((int) (262_144 - empty));
    OutboundMessage fits = message("m1").content(full).build();
    OutboundMessage tooLong = message("m2").content(full + "x").build();

    List<SinkResult> results =
        workflowQueue.forwardAll(List.of(granted(fits, 9), granted(tooLong, 9)));
    assertThat(results.get(0)).isInstanceOf(SinkResult.Taken.class);
    assertThat(results.get(1))
        .isInstanceOfSatisfying(
            SinkResult.NotTaken.class,
            no -> {
              assertThat(no.reason().kind()).isEqualTo(Kind.MESSAGE_REFUSED);
              assertThat(no.reason()).hasMessageContaining("262145 bytes");
            });
  }

  private static long bytesOf(OutboundMessage message) {
    RecordingSqs scale = new RecordingSqs();
    SqsMessageSink.builder(scale)
        .queue("scale.fifo")
        .build()
        .forwardAll(List.of(granted(message, 9)));
    SendMessageBatchRequestEntry entry =
        scale.requests(SendMessageBatchRequest.class).get(0).entries().get(0);
    long bytes = entry.messageBody().getBytes(UTF_8).length;
    for (Map.Entry<String, MessageAttributeValue> each : entry.messageAttributes().entrySet()) {
      bytes += (each.getKey() + each.getValue().dataType()).getBytes(UTF_8).length;
      bytes += each.getValue().stringValue().getBytes(UTF_8).length;
    }
    return bytes;
  }

  @Test
  void with_attributes_of_ones_own_and_those_of_tracing_there_are_no_more_than_ten() {
    SqsMessageSink.builder(client)
        .queue("workflow.fifo")
        .attribute("a", "1")
        .attribute("b", "2")
        .attribute("c", "3")
        .build()
        .forwardAll(List.of(granted(message("m1").traceId(W3C).build(), Long.MAX_VALUE)));
    assertThat(sent().get(0).messageAttributes()).hasSize(7);
  }

  /** The gate must never meet a message that the entry queue took and the workflow queue cannot. */
  @Test
  void what_the_entry_queue_took_fits_the_workflow_queue_with_its_grant() {
    // Without a creator the workflow payload repeats the user's id, and is the longer one.
    OutboundMessage.Builder any = message("m1").traceId("t".repeat(120));
    SqsMessageSink entryQueue = SqsMessageSink.builder(client).queue("entry").build();
    int fitting = 262_144;
    while (entryQueue.sendAll(List.of(any.content("x".repeat(fitting)).build())).get(0)
        instanceof SinkResult.NotTaken) {
      fitting--;
    }
    OutboundMessage largest = any.content("x".repeat(fitting)).build();
    assertThat(
            workflowQueue.forwardAll(
                List.of(
                    new Granted(
                        largest, Instant.parse("2026-03-01T12:30:01.123456789Z"), Long.MAX_VALUE))))
        .singleElement()
        .isInstanceOf(SinkResult.Taken.class);
  }
}
