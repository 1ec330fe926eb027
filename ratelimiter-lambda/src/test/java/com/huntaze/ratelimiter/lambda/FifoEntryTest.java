package com.huntaze.ratelimiter.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.queue.PayloadCodec;
import java.util.List;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.model.Message;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class FifoEntryTest {
  @Test
  void from_a_fifo_queue_a_creators_messages_are_forwarded_in_order_or_go_back_together() {
    try (Deployment deployment = new Deployment(true, "2/60s")) {
      RateLimiterHandler handler = new RateLimiterHandler(deployment.environment());
      List<Message> four =
          deployment.received(
              Deployment.body("m0"),
              Deployment.body("m1"),
              Deployment.body("m2"),
              Deployment.body("m3"));

      assertThat(
              Events.failures(handler, Events.of(deployment.entryName(), four), new FakeContext()))
          .containsExactly(four.get(2).messageId(), four.get(3).messageId());
      assertThat(deployment.receive(deployment.workflow, 2))
          .extracting(message -> PayloadCodec.workflow().decode(message.body()).messageId())
          .containsExactly("m0", "m1");
    }
  }
}
