package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SpillTest {
  private static final List<OutboundMessage> ALL =
      IntStream.range(0, 25)
          .mapToObj(i -> OutboundMessage.builder("m" + i, "u", Instant.EPOCH).build())
          .toList();

  private final InMemoryFallbackStore kept = new InMemoryFallbackStore();
  private final List<String> order = new ArrayList<>();
  private final CountDownLatch never = new CountDownLatch(1);

  /** Stores the first few and then hangs. */
  private Fallback hangingAfter(int count) {
    return new Fallback(
        new ForwardingStore(kept) {
          @Override
          public void store(OutboundMessage message, String error) {
            if (order.size() == count) {
              try {
                never.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            }
            order.add(message.messageId());
            super.store(message, error);
          }
        },
        null,
        MetricsSink.NOOP);
  }

  @Test
  void everything_is_stored_in_order_although_the_closing_thread_is_interrupted() {
    Thread.currentThread().interrupt();
    List<SendResult> outcomes = new Spill(hangingAfter(100), Duration.ofSeconds(30)).store(ALL);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(outcomes).hasSize(25).allMatch(each -> each.status() == SendStatus.STORED);
    assertThat(order).isEqualTo(ALL.stream().map(OutboundMessage::messageId).toList());
  }

  @Test
  void a_store_that_is_stuck_is_given_up_and_the_rest_is_told_ten_by_ten() {
    List<SendResult> outcomes = new Spill(hangingAfter(14), Duration.ofSeconds(1)).store(ALL);
    assertThat(outcomes)
        .extracting(SendResult::messageId)
        .isEqualTo(ALL.stream().map(OutboundMessage::messageId).toList());
    assertThat(outcomes.subList(0, 10)).allMatch(SendResult::accepted);
    assertThat(outcomes.subList(10, 25)).allMatch(each -> each.status() == SendStatus.FAILED);
    never.countDown();
  }
}
