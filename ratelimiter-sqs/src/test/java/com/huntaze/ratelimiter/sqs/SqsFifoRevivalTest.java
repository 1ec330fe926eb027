package com.huntaze.ratelimiter.sqs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.services.sqs.SqsClient;

/** A FIFO queue forgets a message after five minutes; an operator revives one sooner. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SqsFifoRevivalTest {
  @RegisterExtension static final LocalSqs sqs = LocalSqs.shared();

  private final SqsClient client = sqs.newClient();
  private final String queue = sqs.createFifoQueue("revival");
  private final SqsMessageSink sink = SqsMessageSink.builder(client).queue(queue).build();
  private final SqsMessageSource source = SqsMessageSource.builder(client).queue(queue).build();

  @AfterEach
  void closeClient() {
    client.close();
  }

  private List<OutboundMessage> inQueue() {
    List<OutboundMessage> all = new ArrayList<>();
    while (true) {
      List<ReceivedMessage> received = source.receive(10, Duration.ofMillis(200));
      if (received.isEmpty()) {
        return all;
      }
      for (ReceivedMessage each : received) {
        all.add(each.message().orElseThrow());
        source.delete(each);
      }
    }
  }

  @Test
  void a_revived_message_is_in_the_queue_again_and_a_repeated_one_is_not() {
    OutboundMessage message = Messages.message("m").build();
    sink.send(message);
    sink.send(message);
    sink.send(message.withRevival(1));
    sink.sendAll(List.of(message.withRevival(1), message.withRevival(2)));

    assertThat(inQueue())
        .extracting(OutboundMessage::messageId, OutboundMessage::revival)
        .containsExactly(tuple("m", 0), tuple("m", 1), tuple("m", 2));
  }

  @Test
  void no_revival_is_taken_for_another_message() {
    Set<String> seen = new HashSet<>();
    for (String id :
        List.of("a", "a1", "a11", "a#1", "a-1", "a 1", "a\u00ff1", "a\ufffd1", "x".repeat(128))) {
      for (int revival : new int[] {0, 1, 11, 111, Integer.MAX_VALUE}) {
        String deduplicationId = SqsRules.deduplicationId(id, revival);
        assertThat(seen.add(deduplicationId)).as(id + " revived " + revival).isTrue();
        assertThat(deduplicationId).hasSizeLessThanOrEqualTo(128).matches("[!-~]+");
        assertThat(seen.add(SqsRules.deduplicationId(deduplicationId, 0)))
            .as("an id that SQS takes stays as it is")
            .isFalse();
      }
    }
    assertThat(SqsRules.deduplicationId("a", 0)).isEqualTo("a");
  }
}
