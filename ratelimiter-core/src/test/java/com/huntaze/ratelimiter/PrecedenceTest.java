package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a store that hangs or fails costs those who ask it who has earlier messages. */
@Timeout(60)
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class PrecedenceTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  /** With this one, an answer is waited for during 20 ms. */
  private static final Duration DEADLINE = Duration.ofMillis(100);

  private final AtomicLong now = new AtomicLong();
  private final InMemoryFallbackStore kept = new InMemoryFallbackStore();
  private final List<Set<String>> asked = new CopyOnWriteArrayList<>();
  private final List<Thread> askers = new CopyOnWriteArrayList<>();
  private final Semaphore released = new Semaphore(0);
  private final Semaphore answered = new Semaphore(0);
  private volatile boolean hangs;
  private volatile @Nullable RuntimeException fault;

  private final ForwardingStore store =
      new ForwardingStore(kept) {
        @Override
        public Set<String> waiting(Set<String> creators) {
          asked.add(creators);
          askers.add(Thread.currentThread());
          try {
            if (hangs) {
              released.acquire();
            }
            if (fault != null) {
              throw fault;
            }
            return super.waiting(creators);
          } catch (InterruptedException e) {
            throw new FallbackException("interrupted", e);
          } finally {
            answered.release();
          }
        }
      };

  private final Precedence precedence = new Precedence(store, now::get, DEADLINE);

  /** Waits for an answer during a second, as by default. */
  private final Precedence patient = new Precedence(store, now::get, SECOND.multipliedBy(5));

  @AfterEach
  void close() {
    precedence.close();
    patient.close();
  }

  private static OutboundMessage message(String creator) {
    return OutboundMessage.builder("id of " + creator, creator, Instant.EPOCH).build();
  }

  private Set<String> ahead(String creator) {
    return precedence.ahead(List.of(message(creator)));
  }

  private Set<String> patientlyAhead(String creator) {
    while (patient.isAsking()) {
      Thread.onSpinWait(); // its thread is not back from the last question yet
    }
    return patient.ahead(List.of(message(creator)));
  }

  private void passes(Duration time) {
    now.addAndGet(time.toNanos());
  }

  private void awaitTheAskersEnd() throws InterruptedException {
    for (Thread asker : askers) {
      asker.join();
    }
  }

  @Test
  void a_store_that_hangs_keeps_one_question_and_nobody_asks_while_it_does() {
    kept.store(message("a"), "down");
    hangs = true;
    assertThat(ahead("a")).isEmpty();
    for (int i = 0; i < 50; i++) {
      passes(SECOND.multipliedBy(40));
      assertThat(ahead("a")).isEmpty();
    }
    assertThat(asked).hasSize(1);
  }

  @Test
  void a_store_that_hung_is_asked_again_after_the_pause_and_order_is_kept_again()
      throws InterruptedException {
    kept.store(message("a"), "down");
    hangs = true;
    patientlyAhead("a");
    hangs = false;
    released.release();
    answered.acquire();
    asked.clear();
    assertThat(patientlyAhead("a")).as("in the pause").isEmpty();
    assertThat(asked).isEmpty();
    passes(SECOND);
    assertThat(patientlyAhead("a")).containsExactly("a");
    assertThat(patientlyAhead("b")).isEmpty();
    assertThat(asked).containsExactly(Set.of("a"), Set.of("b"));
  }

  @Test
  void a_store_that_throws_is_left_alone_for_a_second_then_twice_as_long_and_30_s_at_most() {
    fault = new FallbackException("down", null);
    List<Long> askedAt = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      int before = asked.size();
      patientlyAhead("a");
      if (asked.size() > before) {
        askedAt.add(now.get() / 100_000_000);
      }
      passes(Duration.ofMillis(100));
    }
    assertThat(askedAt).containsExactly(0L, 10L, 30L, 70L, 150L, 310L, 610L, 910L);
  }

  @Test
  void one_send_makes_the_trial_and_the_others_go_on_meanwhile() {
    fault = new FallbackException("down", null);
    patientlyAhead("a");
    passes(SECOND);
    asked.clear();
    hangs = true;
    CompletableFuture<Set<String>> trial =
        CompletableFuture.supplyAsync(() -> patientlyAhead("trial"));
    while (asked.isEmpty()) {
      Thread.onSpinWait();
    }
    for (int i = 0; i < 10; i++) {
      patient.ahead(List.of(message("other")));
    }
    released.release(100);
    trial.join();
    hangs = false;
    fault = null;
    passes(SECOND.multipliedBy(2));
    patientlyAhead("later");
    assertThat(asked).containsExactly(Set.of("trial"), Set.of("later"));
  }

  @Test
  void many_sends_share_one_thread_and_one_question_and_each_hears_of_its_own_creator()
      throws InterruptedException {
    kept.store(message("c3"), "down");
    hangs = true;
    List<CompletableFuture<Set<String>>> answers = new ArrayList<>();
    List<Thread> senders = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      OutboundMessage message = message("c" + i);
      CompletableFuture<Set<String>> answer = new CompletableFuture<>();
      answers.add(answer);
      Thread sender = new Thread(() -> answer.complete(patient.ahead(List.of(message))));
      senders.add(sender);
      sender.start();
    }
    for (Thread sender : senders) {
      while (sender.getState() != Thread.State.TIMED_WAITING) {
        Thread.onSpinWait();
      }
    }
    hangs = false;
    released.release();
    for (int i = 0; i < 20; i++) {
      assertThat(answers.get(i).join()).isEqualTo(i == 3 ? Set.of("c3") : Set.of());
    }
    assertThat(asked).hasSizeLessThanOrEqualTo(2);
    assertThat(Set.copyOf(askers)).hasSize(1);
    patient.close();
    awaitTheAskersEnd();
  }

  @Test
  void the_close_ends_the_thread_even_if_the_store_hangs() throws InterruptedException {
    hangs = true;
    ahead("a");
    precedence.close();
    awaitTheAskersEnd();
    assertThat(askers)
        .singleElement()
        .satisfies(
            asker -> {
              assertThat(asker.getName()).isEqualTo("ratelimiter-order");
              assertThat(asker.isDaemon()).isTrue();
            });
    assertThat(ahead("a")).as("after the close").isEmpty();
  }

  @Test
  void an_interrupted_send_still_hears_who_is_ahead_and_stays_interrupted() {
    kept.store(message("a"), "down");
    Thread.currentThread().interrupt();
    assertThat(patient.ahead(List.of(message("a")))).containsExactly("a");
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void sends_go_to_a_healthy_queue_while_the_store_hangs_and_no_thread_is_left()
      throws InterruptedException {
    hangs = true;
    AtomicInteger taken = new AtomicInteger();
    MessageSink sink =
        new MessageSink() {
          @Override
          public SinkResult.Taken send(OutboundMessage message) {
            taken.incrementAndGet();
            return new SinkResult.Taken(Optional.empty());
          }

          @Override
          public boolean keepsOrder() {
            return true;
          }
        };
    try (RateLimitedOnlyFansClient client =
        RateLimitedOnlyFansClient.builder()
            .sink(sink)
            .fallbackStore(store)
            .ticker(now::get)
            .sendDeadline(DEADLINE)
            .build()) {
      for (int i = 0; i < 100; i++) {
        OnlyFansMessage message =
            OnlyFansMessage.builder().userId("u").recipientId("r").content("c").build();
        SendResult result = i % 2 == 0 ? client.send(message) : client.sendAsync(message).join();
        assertThat(result.status()).isEqualTo(SendStatus.QUEUED);
      }
    }
    assertThat(taken).hasValue(100);
    assertThat(asked).hasSize(1);
    awaitTheAskersEnd();
  }
}
