package com.huntaze.ratelimiter.cloudwatch;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class FlushThreadTest {
  private static final Duration LONG = Duration.ofMinutes(5);

  @Test
  void a_step_that_fails_is_said_once_and_the_next_one_is_made_all_the_same()
      throws InterruptedException {
    CountDownLatch steps = new CountDownLatch(3);
    try (LogLines log = new LogLines()) {
      FlushThread thread =
          new FlushThread(
              "flush-test",
              Duration.ofMillis(1),
              () -> {
                steps.countDown();
                throw new IllegalStateException("the clock stands");
              },
              () -> {});
      steps.await();

      assertThat(thread.end(LONG)).isTrue();
      assertThat(log.all())
          .containsExactly(
              "Metrics could not be flushed: java.lang.IllegalStateException; it is tried again,"
                  + " and not logged again");
    }
  }

  @Test
  void an_interrupt_does_not_end_it() throws InterruptedException {
    CountDownLatch steps = new CountDownLatch(3);
    FlushThread thread =
        new FlushThread(
            "flush-test",
            Duration.ofMillis(1),
            () -> {
              Thread.currentThread().interrupt();
              steps.countDown();
              return 0;
            },
            () -> {});
    steps.await();

    assertThat(thread.end(LONG)).isTrue();
  }

  @Test
  void the_last_step_is_made_once_and_without_the_mark_of_an_interrupt()
      throws InterruptedException {
    CountDownLatch stepping = new CountDownLatch(1);
    CountDownLatch ending = new CountDownLatch(1);
    AtomicInteger last = new AtomicInteger();
    FlushThread thread =
        new FlushThread(
            "flush-test",
            Duration.ofMillis(1),
            () -> {
              stepping.countDown();
              await(ending);
              Thread.currentThread().interrupt();
              return 0;
            },
            () -> last.addAndGet(Thread.currentThread().isInterrupted() ? 100 : 1));
    stepping.await();
    Thread closer = new Thread(() -> thread.end(LONG));
    closer.start();
    while (closer.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    ending.countDown();
    closer.join();

    assertThat(thread.end(LONG)).isTrue();
    assertThat(last).hasValue(1);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
