package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.InMemorySentLog;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.NotInHandException;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.SourceException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** What a dispatcher does with the messages it has in hand, on a clock that a test moves. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class DispatcherInHandTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  /** More than two thirds of the queue's visibility, and less than all of it. */
  private static final Duration MOST = Duration.ofSeconds(45);

  private final ManualTime time = new ManualTime();
  private final InMemoryQueue queue = new InMemoryQueue(100, time);
  private final WatchedQueue source = new WatchedQueue(queue);
  private final Turnstile bucket = new Turnstile();
  private final SentLog sentLog = new InMemorySentLog(time);
  private final List<String> called = new CopyOnWriteArrayList<>();
  private final CountDownLatch answer = new CountDownLatch(1);
  private Dispatcher dispatcher;

  private Dispatcher.Builder dispatcher(OnlyFansGateway gateway) {
    return Dispatcher.builder(source, bucket, gateway)
        .sentLog(sentLog)
        .ticker(time)
        .clock(time)
        .freshness(Duration.ofHours(1))
        .pollWait(Duration.ofMillis(20))
        .firstRetry(Duration.ofMillis(1));
  }

  private void start(OnlyFansGateway gateway) {
    dispatcher = dispatcher(gateway).build();
    dispatcher.start();
  }

  private GatewayResponse deliver(OutboundMessage message, Duration timeout) {
    called.add(message.messageId());
    return GatewayResponse.of(200);
  }

  /** A call that takes until the test says so. */
  private GatewayResponse deliverSlowly(OutboundMessage message, Duration timeout) {
    called.add(message.messageId());
    boolean interrupted = false;
    while (answer.getCount() > 0) {
      try {
        answer.await();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return GatewayResponse.of(200);
  }

  private void put(int count) {
    for (int i = 0; i < count; i++) {
      queue.send(OutboundMessage.builder("m" + i, "creator_" + i, Instant.EPOCH).build());
    }
  }

  @AfterEach
  void close() {
    answer.countDown();
    dispatcher.close();
  }

  private static void await(BooleanSupplier condition, String what) {
    long end = System.nanoTime() + LONG.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
    }
  }

  /** Closes the dispatcher on a thread of its own, and returns when that waits for its threads. */
  private CompletableFuture<Integer> closing() {
    CompletableFuture<Integer> left = new CompletableFuture<>();
    Thread closer =
        new Thread(() -> left.complete(dispatcher.close(Duration.ofHours(1))), "closer");
    closer.start();
    await(() -> closer.getState() == Thread.State.TIMED_WAITING || left.isDone(), "a stop");
    return left;
  }

  /** From here on the dispatcher finds no permit, and no receive of it is under way. */
  private void stopReceiving() {
    AtomicInteger looks = new AtomicInteger();
    bucket.onState =
        () -> {
          looks.incrementAndGet();
          return Turnstile.state(0, Duration.ofHours(1));
        };
    await(() -> looks.get() >= 2, "a look after the last receive");
  }

  @Test
  void a_message_that_waits_for_its_permit_is_never_handed_out_again() {
    put(3);
    start(this::deliver);
    await(() -> bucket.refused.size() >= 3, "three that wait");
    for (int round = 1; round <= 4; round++) {
      int renewals = 3 * round;
      time.advance(MOST);
      await(() -> source.renewed.size() >= renewals, "a renewal of each");
    }
    assertThat(queue.receive(10, Duration.ZERO)).isEmpty();
    bucket.open = true;
    await(() -> queue.depth().waiting() == 0, "an empty queue");
    assertThat(called).containsExactlyInAnyOrder("m0", "m1", "m2");
    assertThat(source.received).hasValue(3);
  }

  @Test
  void a_stop_lets_calls_finish_and_keeps_them_in_hand_until_they_have() throws Exception {
    bucket.open = true;
    put(1);
    start(this::deliverSlowly);
    await(() -> called.size() == 1, "a call");
    CompletableFuture<Integer> left = closing();
    for (int round = 1; round <= 3; round++) {
      int renewals = round;
      time.advance(MOST);
      await(() -> source.renewed.size() >= renewals, "a renewal during the stop");
    }
    assertThat(left).isNotDone();
    assertThat(queue.receive(10, Duration.ZERO)).isEmpty();
    answer.countDown();
    assertThat(left.get(60, TimeUnit.SECONDS)).isZero();
    assertThat(queue.depth().waiting()).isZero();
    assertThat(source.givenBack).isEmpty();
  }

  @Test
  void a_stop_gives_back_in_one_call_what_was_not_begun() {
    put(7);
    start(this::deliver);
    await(() -> bucket.refused.size() >= 7, "seven that wait");
    stopReceiving();
    assertThat(dispatcher.close(LONG)).isZero();
    assertThat(source.givenBack)
        .singleElement()
        .satisfies(
            all ->
                assertThat(all)
                    .containsExactlyInAnyOrder("m0", "m1", "m2", "m3", "m4", "m5", "m6"));
    assertThat(queue.depth().visible()).isEqualTo(7);
    assertThat(called).isEmpty();
  }

  @Test
  void a_stop_tries_once_more_what_was_not_given_back() {
    AtomicBoolean failed = new AtomicBoolean();
    source.onChange =
        changes ->
            failed.getAndSet(true)
                ? queue.changeVisibilityAll(changes)
                : List.of(
                    new MessageSource.NotDone(
                        changes.get(0).received(), new SourceException("throttled", null)),
                    new MessageSource.NotDone(
                        changes.get(1).received(), new NotInHandException("gone", null)));
    put(3);
    start(this::deliver);
    await(() -> bucket.refused.size() >= 3, "three that wait");
    stopReceiving();
    assertThat(dispatcher.close(LONG)).isZero();
    assertThat(source.givenBack).hasSize(2);
    assertThat(source.givenBack.get(1)).containsExactly(source.givenBack.get(0).get(0));
  }

  @Test
  void what_a_receive_brings_during_a_stop_goes_back_in_one_call() throws Exception {
    CountDownLatch took = new CountDownLatch(1);
    source.onReceive =
        received -> {
          if (!received.isEmpty()) {
            took.countDown();
            awaitUninterruptibly(answer);
          }
          return received;
        };
    bucket.open = true;
    put(3);
    start(this::deliver);
    assertThat(took.await(60, TimeUnit.SECONDS)).isTrue();
    CompletableFuture<Integer> left = closing();
    answer.countDown();
    assertThat(left.get(60, TimeUnit.SECONDS)).isZero();
    assertThat(source.givenBack).singleElement().satisfies(all -> assertThat(all).hasSize(3));
    assertThat(queue.depth().visible()).isEqualTo(3);
    assertThat(called).isEmpty();
  }

  @Test
  void a_stop_gives_back_after_its_last_receive_which_could_take_it_again() throws Exception {
    CountDownLatch receiving = new CountDownLatch(1);
    source.onReceive =
        received -> {
          if (received.isEmpty() && bucket.refused.size() == 2) {
            receiving.countDown();
            awaitUninterruptibly(answer);
          }
          return received;
        };
    put(2);
    start(this::deliver);
    assertThat(receiving.await(60, TimeUnit.SECONDS)).isTrue();
    CompletableFuture<Integer> left = closing();
    assertThat(source.givenBack).isEmpty();
    answer.countDown();
    assertThat(left.get(60, TimeUnit.SECONDS)).isZero();
    assertThat(source.givenBack).singleElement().satisfies(all -> assertThat(all).hasSize(2));
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void what_is_left_at_the_deadline_of_a_stop_is_reported() {
    bucket.open = true;
    put(2);
    start(this::deliverSlowly);
    await(() -> called.size() == 2, "two calls");
    assertThat(dispatcher.close(Duration.ofMillis(20))).isEqualTo(2);
  }

  @Test
  void a_message_whose_renewal_was_refused_is_not_begun_and_not_touched() {
    source.onChange =
        changes ->
            changes.stream()
                .map(
                    change ->
                        new MessageSource.NotDone(
                            change.received(), new NotInHandException("gone", null)))
                .toList();
    put(1);
    start(this::deliver);
    await(() -> bucket.refused.size() >= 1, "one that waits");
    time.advance(MOST);
    await(() -> dispatcher.inHand() == 0, "nothing in hand");
    bucket.open = true;
    assertThat(dispatcher.close(LONG)).isZero();
    assertThat(source.givenBack).isEmpty();
    assertThat(called).isEmpty();
    assertThat(sentLog.begin(new SentLog.Claim("m0", 0, "x"), LONG, InDoubtPolicy.HOLD))
        .isEqualTo(SentLog.Begin.STARTED);
  }

  @Test
  void a_message_that_lapsed_while_its_permit_was_asked_for_is_not_begun() {
    List<String> begun = new CopyOnWriteArrayList<>();
    AtomicBoolean lapsed = new AtomicBoolean();
    bucket.open = true;
    bucket.onAsked =
        () -> {
          if (!lapsed.getAndSet(true)) {
            time.advance(LONG); // as if the process had been stopped here
          }
        };
    put(1);
    dispatcher = dispatcher(this::deliver).sentLog(watched(begun, () -> {})).build();
    dispatcher.start();
    await(() -> queue.depth().waiting() == 0, "an empty queue");
    assertThat(source.received).as("the receive that lapsed and the one after it").hasValue(2);
    assertThat(begun).containsExactly("m0");
    assertThat(called).containsExactly("m0");
  }

  @Test
  void a_message_that_lapsed_while_the_sent_log_was_told_is_not_called_and_found_unbegun() {
    List<String> begun = new CopyOnWriteArrayList<>();
    AtomicBoolean lapsed = new AtomicBoolean();
    bucket.open = true;
    put(1);
    dispatcher =
        dispatcher(this::deliver)
            .sentLog(
                watched(
                    begun,
                    () -> {
                      if (!lapsed.getAndSet(true)) {
                        time.advance(LONG);
                      }
                    }))
            .build();
    dispatcher.start();
    await(() -> queue.depth().waiting() == 0, "an empty queue");
    assertThat(source.received).as("the receive that lapsed and the one after it").hasValue(2);
    assertThat(begun).containsExactly("m0", "m0");
    assertThat(called).containsExactly("m0");
    assertThat(queue.depth().deadLettered()).hasValue(0);
  }

  private SentLog watched(List<String> begun, Runnable onBegin) {
    return new SentLog() {
      @Override
      public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
        Begin begin = sentLog.begin(claim, lease, inDoubt);
        begun.add(claim.messageId());
        onBegin.run();
        return begin;
      }

      @Override
      public void sent(String messageId) {
        sentLog.sent(messageId);
      }

      @Override
      public void notSent(Claim claim) {
        sentLog.notSent(claim);
      }
    };
  }

  @Test
  void those_behind_one_that_goes_back_go_back_too_in_one_call() {
    bucket.open = true;
    for (Priority priority : Priority.values()) { // of one creator, all three in one receive
      queue.send(
          OutboundMessage.builder(priority.name(), "creator", Instant.EPOCH)
              .priority(priority)
              .build());
    }
    AtomicInteger calls = new AtomicInteger();
    start(
        (message, timeout) -> {
          called.add(message.messageId());
          return GatewayResponse.of(calls.incrementAndGet() <= 4 ? 500 : 200);
        });
    await(() -> source.givenBack.size() >= 2, "those behind are back");
    String first = source.givenBack.get(0).get(0);
    assertThat(List.copyOf(called).subList(0, 4)).containsOnly(first);
    assertThat(source.givenBack.get(1)).hasSize(2).doesNotContain(first);
    await(() -> queue.depth().waiting() == 1, "the others are delivered");
    assertThat(source.givenBack).hasSize(2);
  }

  @Test
  void a_permit_taken_meanwhile_is_not_counted_as_left() {
    CountDownLatch looked = new CountDownLatch(1);
    AtomicInteger looks = new AtomicInteger();
    bucket.open = true;
    bucket.onAsked = () -> awaitUninterruptibly(looked);
    bucket.onState =
        () -> {
          switch (looks.incrementAndGet()) {
            case 1 -> {
              return Turnstile.state(3, Duration.ZERO);
            }
            case 2 -> {
              looked.countDown(); // read before the three in hand had their permits, told after it
              await(() -> called.size() == 3, "three calls");
              return Turnstile.state(3, Duration.ZERO);
            }
            default -> {
              return Turnstile.state(0, Duration.ofHours(1));
            }
          }
        };
    put(10);
    start(this::deliver);
    await(() -> looks.get() >= 4, "two more looks");
    assertThat(source.received).hasValue(3);
  }

  @Test
  void renewals_that_fail_are_said_once_and_disturb_nobody() {
    ListAppender<ILoggingEvent> said = new ListAppender<>();
    Logger log = (Logger) LoggerFactory.getLogger(Dispatcher.class);
    said.start();
    log.addAppender(said);
    try {
      source.onChange =
          changes -> {
            throw new IllegalStateException("a broken source");
          };
      bucket.open = true;
      put(1);
      start(this::deliverSlowly);
      await(() -> called.size() == 1, "a call");
      time.advance(MOST);
      await(() -> source.renewed.size() >= 3, "a renewal tried again");
      answer.countDown();
      await(() -> queue.depth().waiting() == 0, "an empty queue");
      assertThat(said.list).hasSize(1);
    } finally {
      log.detachAppender(said);
    }
  }
}
