package com.huntaze.ratelimiter.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;

import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.NotInHandException;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SourceException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class HeartbeatTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  /** Keeps what it was asked, and answers as told, else that all was done. */
  private static final class Renewals implements MessageSource {
    final List<List<VisibilityChange>> calls = Collections.synchronizedList(new ArrayList<>());
    Function<List<VisibilityChange>, List<NotDone>> answer = changes -> List.of();

    @Override
    public Duration visibility() {
      return Duration.ofSeconds(60);
    }

    @Override
    public List<NotDone> changeVisibilityAll(List<VisibilityChange> changes) {
      calls.add(List.copyOf(changes));
      return answer.apply(changes);
    }

    @Override
    public List<ReceivedMessage> receive(int max, Duration wait) {
      return List.of();
    }

    @Override
    public void delete(ReceivedMessage received) {}

    @Override
    public void changeVisibility(ReceivedMessage received, Duration visibility) {}

    @Override
    public void deadLetter(ReceivedMessage received, String reason) {}

    List<ReceivedMessage> renewed() {
      return calls.stream().flatMap(List::stream).map(VisibilityChange::received).toList();
    }
  }

  private final AtomicLong nanos = new AtomicLong();
  private final Renewals source = new Renewals();
  private final Heartbeat heartbeat = new Heartbeat(source, nanos::get);
  private final ReceivedMessage first = received("m1");
  private final ReceivedMessage second = received("m2");

  private static ReceivedMessage received(String id) {
    return ReceivedMessage.of(
        "handle-" + id, OutboundMessage.builder(id, "user-1", Instant.EPOCH).build(), 1);
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  private static MessageSource.NotDone lost(ReceivedMessage received) {
    return new MessageSource.NotDone(received, new NotInHandException("gone", null));
  }

  private static MessageSource.NotDone failed(ReceivedMessage received) {
    return new MessageSource.NotDone(received, new SourceException("no answer", null));
  }

  @Test
  void a_message_is_renewed_when_two_thirds_of_its_visibility_have_passed_and_fresh_ones_are_not() {
    heartbeat.hold(List.of(first));
    pass(Duration.ofSeconds(20));
    heartbeat.hold(List.of(second));
    pass(Duration.ofSeconds(20).minusNanos(1));
    heartbeat.beat();
    assertThat(source.calls).isEmpty();
    pass(Duration.ofNanos(1));
    heartbeat.beat();
    assertThat(source.calls)
        .containsExactly(
            List.of(new MessageSource.VisibilityChange(first, Duration.ofSeconds(60))));
    pass(Duration.ofSeconds(20));
    heartbeat.beat();
    heartbeat.beat();
    assertThat(source.renewed()).containsExactly(first, second);
    pass(Duration.ofSeconds(39));
    assertThat(heartbeat.isHeld(first)).isTrue();
    assertThat(heartbeat.isHeld(second)).isTrue();
  }

  @Test
  void many_are_renewed_ten_a_call_and_those_with_the_least_time_first() {
    List<ReceivedMessage> many = IntStream.range(0, 20).mapToObj(i -> received("a" + i)).toList();
    List<ReceivedMessage> few = IntStream.range(0, 5).mapToObj(i -> received("b" + i)).toList();
    heartbeat.hold(many);
    pass(Duration.ofSeconds(30));
    heartbeat.hold(few);
    pass(Duration.ofSeconds(10));
    heartbeat.beat();
    assertThat(source.calls).extracting(List::size).containsExactly(10, 10);
    source.calls.clear();
    pass(Duration.ofSeconds(45)); // a beat that comes late: 15 seconds are left for many, 5 for few
    heartbeat.beat();
    assertThat(source.calls).extracting(List::size).containsExactly(10, 10, 5);
    assertThat(source.renewed().subList(0, 5)).isEqualTo(few);
    assertThat(source.renewed()).doesNotHaveDuplicates().hasSize(25);
  }

  @Test
  void a_message_that_was_ended_or_given_back_is_not_renewed() {
    heartbeat.hold(List.of(first, second));
    heartbeat.drop(first);
    assertThat(heartbeat.release(List.of(second))).containsExactly(second);
    pass(Duration.ofSeconds(45));
    heartbeat.beat();
    assertThat(source.calls).isEmpty();
    assertThat(heartbeat.isHeld(first)).isFalse();
    assertThat(heartbeat.release(List.of(first, second))).isEmpty();
  }

  @Test
  void giving_back_waits_for_a_renewal_that_is_under_way_and_ending_does_not() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch answer = new CountDownLatch(1);
    List<String> order = Collections.synchronizedList(new ArrayList<>());
    source.answer =
        changes -> {
          asked.countDown();
          awaitUninterruptibly(answer);
          order.add("renewed");
          return List.of();
        };
    heartbeat.hold(List.of(first, second));
    pass(Duration.ofSeconds(45));
    CompletableFuture<Void> beat = CompletableFuture.runAsync(heartbeat::beat);
    assertThat(asked.await(60, TimeUnit.SECONDS)).isTrue();
    heartbeat.drop(second);
    CountDownLatch releasing = new CountDownLatch(1);
    CompletableFuture<List<ReceivedMessage>> released = new CompletableFuture<>();
    Thread giver =
        new Thread(
            () -> {
              releasing.countDown();
              List<ReceivedMessage> mine = heartbeat.release(List.of(first));
              order.add("given back");
              released.complete(mine);
            },
            "giver");
    giver.start();
    assertThat(releasing.await(60, TimeUnit.SECONDS)).isTrue();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (giver.getState() != Thread.State.WAITING && order.isEmpty()) {
      assertThat(System.nanoTime()).isLessThan(end);
      Thread.onSpinWait();
    }
    answer.countDown();
    assertThat(released.get(60, TimeUnit.SECONDS)).containsExactly(first);
    beat.get(60, TimeUnit.SECONDS);
    assertThat(order).containsExactly("renewed", "given back");
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void a_refused_renewal_loses_the_message_and_no_neighbour() {
    heartbeat.hold(List.of(first, second));
    source.answer = changes -> List.of(lost(first));
    pass(Duration.ofSeconds(45));
    heartbeat.beat();
    assertThat(heartbeat.isHeld(first)).isFalse();
    pass(Duration.ofSeconds(30));
    assertThat(heartbeat.isHeld(second)).isTrue();
    pass(Duration.ofSeconds(15));
    heartbeat.beat();
    assertThat(source.renewed()).containsExactly(first, second, second);
    // What may be somebody else's is not given back either.
    assertThat(heartbeat.release(List.of(first, second))).containsExactly(second);
  }

  @Test
  void a_failed_renewal_is_tried_again_by_the_next_beat_whatever_the_source_throws() {
    heartbeat.hold(List.of(first));
    source.answer = changes -> List.of(failed(first));
    pass(Duration.ofSeconds(41));
    heartbeat.beat();
    source.answer =
        changes -> {
          throw new IllegalStateException("a broken source");
        };
    assertThatNoException().isThrownBy(heartbeat::beat);
    assertThat(heartbeat.isHeld(first)).isTrue();
    source.answer = changes -> List.of();
    heartbeat.beat();
    assertThat(source.calls).hasSize(3);
    pass(Duration.ofSeconds(59));
    assertThat(heartbeat.isHeld(first)).isTrue();
  }

  @Test
  void a_message_whose_time_passed_before_a_renewal_succeeded_is_lost_and_not_asked_for() {
    heartbeat.hold(List.of(first));
    source.answer = changes -> List.of(failed(first));
    pass(Duration.ofSeconds(59));
    heartbeat.beat();
    assertThat(heartbeat.isHeld(first)).isTrue();
    pass(SECOND);
    heartbeat.beat();
    assertThat(heartbeat.isHeld(first)).isFalse();
    assertThat(source.calls).hasSize(1);
    assertThat(heartbeat.release(List.of(first))).isEmpty();
  }

  @Test
  void a_renewal_counts_from_when_it_was_asked_and_not_from_its_answer() {
    heartbeat.hold(List.of(first));
    pass(Duration.ofSeconds(45));
    source.answer =
        changes -> {
          pass(Duration.ofSeconds(10));
          return List.of();
        };
    heartbeat.beat();
    pass(Duration.ofSeconds(50));
    assertThat(heartbeat.isHeld(first)).isFalse();
  }

  @Test
  void nothing_is_kept_beyond_the_twelve_hours_of_sqs() {
    heartbeat.hold(List.of(first));
    Duration kept = Duration.ZERO;
    while (heartbeat.isHeld(first)) {
      pass(SECOND);
      kept = kept.plus(SECOND);
      heartbeat.beat();
      List<MessageSource.VisibilityChange> last =
          source.calls.isEmpty() ? List.of() : source.calls.get(source.calls.size() - 1);
      for (MessageSource.VisibilityChange change : last) {
        assertThat(change.visibility()).isBetween(SECOND, Duration.ofSeconds(60));
      }
      assertThat(kept).isLessThan(Duration.ofHours(12));
    }
    assertThat(kept).isGreaterThan(Duration.ofHours(12).minusSeconds(120));
    assertThat(source.calls).hasSizeBetween(12 * 60, 12 * 90 + 2);
  }
}
