package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class BatcherTest {
  private static final Duration LONG = Duration.ofHours(1);

  private final List<List<String>> batches = Collections.synchronizedList(new ArrayList<>());
  private final Semaphore begun = new Semaphore(0);
  private final Semaphore mayEnd = new Semaphore(0);
  private Batcher batcher = batcher(10_000, 1 << 20, LONG, LONG, false);

  private Batcher batcher(
      int messages, long bytes, Duration linger, Duration patience, boolean ordered) {
    return new Batcher(
        new Batcher.Limits(messages, bytes, linger, patience, ordered),
        Ticker.system(),
        this::send);
  }

  /** Tells that a batch is on its way, and waits until the test lets it end. */
  private List<SendResult> send(List<OutboundMessage> messages, long since) {
    batches.add(messages.stream().map(OutboundMessage::messageId).toList());
    begun.release();
    boolean interrupted = false;
    try {
      mayEnd.acquire();
    } catch (InterruptedException e) {
      interrupted = true;
    }
    boolean stored = interrupted;
    return messages.stream()
        .map(m -> stored ? stored(m) : new SendResult.Sent(m.messageId(), m.timestamp()))
        .toList();
  }

  private static List<SendResult> allStored(List<OutboundMessage> messages) {
    return messages.stream().map(BatcherTest::stored).toList();
  }

  private static SendResult stored(OutboundMessage message) {
    return new SendResult.Stored(message.messageId(), message.timestamp(), "spilled");
  }

  private static OutboundMessage message(int i, String content) {
    return OutboundMessage.builder("m" + i, "u", Instant.EPOCH).content(content).build();
  }

  private List<CompletableFuture<SendResult>> submit(int from, int to) {
    return IntStream.range(from, to).mapToObj(i -> batcher.submit(message(i, "c"))).toList();
  }

  private List<Integer> sizes() {
    synchronized (batches) {
      return batches.stream().map(List::size).sorted().toList();
    }
  }

  @AfterEach
  void close() {
    mayEnd.release(100_000);
    batcher.close(Duration.ofSeconds(10), BatcherTest::allStored);
  }

  @Test
  void a_lone_message_goes_at_once() throws Exception {
    CompletableFuture<SendResult> future = batcher.submit(message(1, "c"));
    begun.acquire();
    assertThat(future).isNotDone();
    mayEnd.release();
    assertThat(future.get(10, TimeUnit.SECONDS).status()).isEqualTo(SendStatus.SENT);
    assertThat(sizes()).containsExactly(1);
  }

  @Test
  void behind_a_batch_on_its_way_messages_go_in_tens_and_the_rest_when_none_is_left()
      throws Exception {
    submit(0, 1);
    begun.acquire();
    List<CompletableFuture<SendResult>> rest = submit(1, 26);
    begun.acquire(2);
    assertThat(sizes()).containsExactly(1, 10, 10);
    assertThat(begun.tryAcquire(20, TimeUnit.MILLISECONDS)).as("five still wait").isFalse();
    mayEnd.release(3);
    begun.acquire();
    assertThat(sizes()).containsExactly(1, 5, 10, 10);
    mayEnd.release();
    for (CompletableFuture<SendResult> future : rest) {
      assertThat(future.get(10, TimeUnit.SECONDS).status()).isEqualTo(SendStatus.SENT);
    }
  }

  @Test
  void behind_a_batch_that_hangs_a_message_goes_when_it_has_lingered() throws Exception {
    batcher = batcher(100, 1 << 20, Duration.ofMillis(5), LONG, false);
    submit(0, 1);
    begun.acquire();
    submit(1, 3);
    begun.acquire();
    assertThat(batches.get(1)).hasSizeBetween(1, 2);
  }

  @Test
  void a_sink_that_keeps_order_gets_one_batch_at_a_time() throws Exception {
    batcher = batcher(10_000, 1 << 20, Duration.ofNanos(1), LONG, true);
    submit(0, 1);
    begun.acquire();
    List<CompletableFuture<SendResult>> rest = submit(1, 101);
    assertThat(begun.tryAcquire(20, TimeUnit.MILLISECONDS)).isFalse();
    mayEnd.release(1_000);
    for (CompletableFuture<SendResult> future : rest) {
      future.get(10, TimeUnit.SECONDS);
    }
    assertThat(batches.stream().flatMap(List::stream))
        .isEqualTo(IntStream.range(0, 101).mapToObj(i -> "m" + i).toList());
  }

  @Test
  void a_full_buffer_makes_the_caller_wait_until_there_is_room() throws Exception {
    batcher = batcher(2, 1 << 20, LONG, LONG, false);
    submit(0, 1);
    begun.acquire();
    submit(1, 3);
    CompletableFuture<Boolean> third =
        CompletableFuture.supplyAsync(() -> batcher.submit(message(3, "c")) != null);
    assertThat(third.completeOnTimeout(null, 20, TimeUnit.MILLISECONDS).get()).isNull();
    mayEnd.release(2);
    begun.acquire();
    CompletableFuture<SendResult> next = batcher.submit(message(4, "c"));
    mayEnd.release(10);
    assertThat(next.get(10, TimeUnit.SECONDS).accepted()).isTrue();
  }

  @Test
  void a_buffer_that_stays_full_is_an_answer_by_count_and_by_bytes() throws Exception {
    batcher = batcher(2, 2_100, LONG, Duration.ofMillis(1), false);
    submit(0, 1);
    begun.acquire();
    assertThat(batcher.submit(message(1, "x".repeat(1_000)))).isNotNull();
    assertThat(batcher.submit(message(2, "x".repeat(1_000)))).as("bytes").isNull();
    assertThat(submit(3, 4).get(0)).isNotNull();
    assertThat(batcher.submit(message(4, ""))).as("count").isNull();
  }

  @Test
  void metadata_counts_towards_the_buffer() throws Exception {
    batcher = batcher(10, 2_000, LONG, Duration.ofMillis(1), false);
    submit(0, 1);
    begun.acquire();
    submit(1, 2);
    OutboundMessage heavy =
        OutboundMessage.builder("m2", "u", Instant.EPOCH)
            .metadata(Map.of("k", List.of(Map.of("deep", "x".repeat(1_000)))))
            .build();
    assertThat(batcher.submit(heavy)).isNull();
  }

  @Test
  void one_message_larger_than_the_buffer_still_passes() throws Exception {
    batcher = batcher(2, 100, LONG, LONG, false);
    CompletableFuture<SendResult> large = batcher.submit(message(1, "x".repeat(1_000)));
    mayEnd.release();
    assertThat(large.get(10, TimeUnit.SECONDS).accepted()).isTrue();
  }

  @Test
  void an_interrupted_caller_waits_no_longer_and_keeps_the_flag() throws Exception {
    batcher = batcher(1, 1 << 20, LONG, LONG, false);
    submit(0, 1);
    begun.acquire();
    submit(1, 2);
    Thread.currentThread().interrupt();
    assertThat(batcher.submit(message(2, "c"))).isNull();
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void a_callers_callback_that_finds_the_buffer_full_does_not_wait_for_itself() throws Exception {
    batcher = batcher(1, 1 << 20, LONG, LONG, false);
    CompletableFuture<SendResult> first = batcher.submit(message(0, "c"));
    begun.acquire();
    submit(1, 2);
    CompletableFuture<Boolean> full =
        first.thenApply(
            result ->
                batcher.submit(message(2, "c")) == null || batcher.submit(message(3, "c")) == null);
    mayEnd.release();
    assertThat(full.get(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void a_task_that_takes_its_time_holds_up_no_message() throws Exception {
    mayEnd.release(1_000);
    for (int i = 0; i < 50; i++) {
      batcher = batcher(10, 1 << 20, LONG, LONG, false);
      batcher.submit(message(0, "c")).get(10, TimeUnit.SECONDS); // one thread is there, and idle
      CountDownLatch answered = new CountDownLatch(1);
      batcher.execute(
          () -> {
            try {
              answered.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
      CompletableFuture<SendResult> future = batcher.submit(message(1, "c"));
      assertThat(future.get(10, TimeUnit.SECONDS).accepted()).isTrue();
      answered.countDown();
      batcher.close(Duration.ofSeconds(10), BatcherTest::allStored);
    }
  }

  @Test
  void an_interrupt_that_a_callback_leaves_behind_reaches_no_send() throws Exception {
    CompletableFuture<SendResult> first = batcher.submit(message(0, "c"));
    begun.acquire();
    CompletableFuture<Void> called = first.thenAccept(each -> Thread.currentThread().interrupt());
    CompletableFuture<SendResult> second = batcher.submit(message(1, "c"));
    mayEnd.release(2);
    called.get(10, TimeUnit.SECONDS);
    assertThat(second.get(10, TimeUnit.SECONDS).status()).isEqualTo(SendStatus.SENT);
  }

  @Test
  void closing_at_once_still_sends_everything_that_was_taken_in() throws Exception {
    mayEnd.release(100_000);
    List<CompletableFuture<SendResult>> futures = submit(0, 5_003);
    assertThat(batcher.close(Duration.ofSeconds(30), BatcherTest::allStored)).isEmpty();
    for (CompletableFuture<SendResult> future : futures) {
      assertThat(future.getNow(null).status()).isEqualTo(SendStatus.SENT);
    }
    assertThat(batches.stream().flatMap(List::stream)).hasSize(5_003).doesNotHaveDuplicates();
    assertThatThrownBy(() -> batcher.submit(message(1, "c")))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void what_hangs_at_the_deadline_is_spilled_and_counted_and_every_future_is_done()
      throws Exception {
    List<CompletableFuture<SendResult>> futures = submit(0, 1_005);
    begun.acquire(32);
    List<SendResult> left = batcher.close(Duration.ofMillis(20), BatcherTest::allStored);
    assertThat(left).hasSize(1_005).allMatch(each -> each.status() == SendStatus.STORED);
    assertThat(futures).allMatch(CompletableFuture::isDone);
    assertThat(batches.stream().flatMap(List::stream)).hasSizeLessThan(400);
  }

  @Test
  void a_call_that_does_not_even_heed_an_interrupt_is_spilled_too() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    CountDownLatch inCall = new CountDownLatch(1);
    batcher =
        new Batcher(
            new Batcher.Limits(10, 1 << 20, LONG, LONG, false),
            Ticker.system(),
            (messages, since) -> {
              inCall.countDown();
              while (true) {
                try {
                  never.await();
                  return messages.stream().map(BatcherTest::stored).toList();
                } catch (InterruptedException e) {
                  assertThat(Thread.interrupted()).isFalse(); // and on it waits
                }
              }
            });
    CompletableFuture<SendResult> future = batcher.submit(message(1, "c"));
    inCall.await();
    assertThat(batcher.close(Duration.ZERO, BatcherTest::allStored)).hasSize(1);
    assertThat(future.getNow(null).status()).isEqualTo(SendStatus.STORED);
    never.countDown();
  }

  @Test
  void whatever_callers_do_to_their_futures_no_message_is_lost_at_close() throws Exception {
    List<CompletableFuture<SendResult>> futures = submit(0, 50);
    begun.acquire();
    futures.get(0).cancel(true);
    futures.get(20).completeExceptionally(new IllegalStateException("timed out"));
    futures.get(49).complete(null);
    assertThat(batcher.close(Duration.ZERO, BatcherTest::allStored))
        .hasSize(50)
        .allMatch(SendResult::accepted);
    assertThat(futures).allMatch(CompletableFuture::isDone);
  }

  @Test
  void a_callback_that_waits_for_the_next_message_does_not_wait_for_itself() throws Exception {
    mayEnd.release(10);
    batcher = batcher(10, 1 << 20, LONG, LONG, true);
    CompletableFuture<SendResult> second =
        batcher.submit(message(0, "c")).thenApply(each -> batcher.submit(message(1, "c")).join());
    assertThat(second.get(10, TimeUnit.SECONDS).accepted()).isTrue();
  }

  @Test
  void a_callback_that_closes_keeps_what_was_sent_from_being_spilled() throws Exception {
    mayEnd.release(10);
    CompletableFuture<List<SendResult>> left =
        batcher
            .submit(message(0, "c"))
            .thenApply(each -> batcher.close(Duration.ofSeconds(30), BatcherTest::allStored));
    assertThat(left.get(10, TimeUnit.SECONDS)).isEmpty();
  }

  @Test
  void an_error_fails_its_own_batch_and_the_next_goes_on() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    batcher =
        new Batcher(
            new Batcher.Limits(10, 1 << 20, LONG, LONG, false),
            Ticker.system(),
            (messages, since) -> {
              if (calls.incrementAndGet() == 1) {
                throw new AssertionError("a bug");
              }
              return messages.stream().map(BatcherTest::stored).toList();
            });
    CompletableFuture<SendResult> first = batcher.submit(message(1, "c"));
    assertThat(first.get(10, TimeUnit.SECONDS).status()).isEqualTo(SendStatus.FAILED);
    assertThat(batcher.submit(message(2, "c")).get(10, TimeUnit.SECONDS).accepted()).isTrue();
  }
}
