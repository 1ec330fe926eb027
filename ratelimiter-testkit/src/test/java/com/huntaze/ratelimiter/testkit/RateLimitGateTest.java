package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.RateLimitGate;
import com.huntaze.ratelimiter.delivery.RateLimitGate.Outcome;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadException;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RateLimitGateTest {
  private static final Duration WINDOW = Duration.ofMinutes(1);

  private final ManualTime time = new ManualTime();
  private final InMemoryQueue entry = new InMemoryQueue(100, time);
  private final InMemoryQueue workflow = new InMemoryQueue(100, time);
  private final TokenBucket bucket =
      InMemoryTokenBucket.builder(RateLimit.rolling(2, WINDOW))
          .guard(Duration.ZERO)
          .clock(time)
          .ticker(time)
          .build();
  private final RateLimitGate gate =
      RateLimitGate.builder(bucket, entry, workflow).ticker(time).build();

  private List<ReceivedMessage> receive(int count) {
    for (int i = 0; i < count; i++) {
      entry.send(
          OutboundMessage.builder("m" + i, "u" + i, Instant.EPOCH)
              .recipientId("r")
              .content("c")
              .build());
    }
    return entry.receive(10, Duration.ZERO);
  }

  @Test
  void what_may_go_is_forwarded_in_order() {
    assertThat(gate.process(receive(2))).containsExactly(Outcome.FORWARDED, Outcome.FORWARDED);
    assertThat(workflow.depth().waiting()).isEqualTo(2);
  }

  @Test
  void what_may_not_go_now_comes_back_at_its_booked_instant() {
    List<ReceivedMessage> batch = receive(4);
    assertThat(gate.process(batch))
        .containsExactly(Outcome.FORWARDED, Outcome.FORWARDED, Outcome.BOOKED, Outcome.BOOKED);
    entry.delete(batch.get(0));
    entry.delete(batch.get(1));
    time.advance(WINDOW.minusNanos(1_000));
    assertThat(entry.receive(10, Duration.ZERO)).isEmpty();
    time.advance(Duration.ofNanos(1_000));
    List<ReceivedMessage> due = entry.receive(10, Duration.ZERO);
    assertThat(gate.process(due)).containsExactly(Outcome.FORWARDED, Outcome.FORWARDED);
    assertThat(due).allMatch(received -> received.receiveCount() == 2);
  }

  @Test
  void what_cannot_be_read_goes_to_the_dead_letters_and_fails_no_neighbour() {
    List<ReceivedMessage> batch = new ArrayList<>(receive(2));
    ReceivedMessage first = batch.get(0);
    batch.set(
        0,
        ReceivedMessage.unreadable(
            first.handle(), new PayloadException(PayloadException.Reason.NOT_JSON, "body"), 1));
    assertThat(gate.process(batch)).containsExactly(Outcome.DEAD_LETTERED, Outcome.FORWARDED);
    assertThat(entry.depth().deadLettered()).hasValue(1);
  }

  @Test
  void while_the_bucket_cannot_be_asked_the_whole_batch_goes_back() {
    Faults<TokenBucket> faults = Faults.of(TokenBucket.class, bucket);
    faults.failAll(() -> new TokenBucketException("down", null));
    RateLimitGate blind = RateLimitGate.builder(faults.part(), entry, workflow).build();
    assertThat(blind.process(receive(3))).containsOnly(Outcome.RETRY);
    assertThat(workflow.depth().waiting()).isZero();
    assertThat(entry.receive(10, Duration.ZERO)).as("it backs off").isEmpty();
    time.advance(Duration.ofSeconds(60));
    assertThat(entry.receive(10, Duration.ZERO)).hasSize(3);
    assertThat(entry.depth().deadLettered()).hasValue(0);
  }

  @Test
  void a_message_the_workflow_queue_would_not_take_comes_back_with_its_grant() {
    MessageSink down =
        message -> {
          throw new SinkException(SinkException.Kind.NOT_SENT, "down", null);
        };
    List<ReceivedMessage> batch = receive(1);
    assertThat(RateLimitGate.builder(bucket, entry, down).build().process(batch))
        .containsExactly(Outcome.RETRY);
    assertThat(gate.process(batch))
        .as("its grant is still its own")
        .containsExactly(Outcome.FORWARDED);
    assertThat(bucket.state(Scope.global()).tokens()).isEqualTo(1);
  }

  @Test
  void a_message_the_workflow_queue_refuses_for_good_is_put_aside() {
    MessageSink refusing =
        message -> {
          throw new SinkException(SinkException.Kind.MESSAGE_REFUSED, "too large", null);
        };
    assertThat(RateLimitGate.builder(bucket, entry, refusing).build().process(receive(1)))
        .containsExactly(Outcome.DEAD_LETTERED);
    assertThat(entry.depth().deadLettered()).hasValue(1);
  }
}
