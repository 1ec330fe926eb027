package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.delivery.DeliveryResult;
import com.huntaze.ratelimiter.delivery.DeliveryResult.ErrorType;
import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.delivery.GatewayException;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.InMemorySentLog;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.delivery.SentLogException;
import com.huntaze.ratelimiter.delivery.WorkflowWorker;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** What becomes of a message, whatever the gateway answers; and whose turn it is. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class WorkerRulesTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final GatewayResponse OK = GatewayResponse.of(200);

  private final ManualTime time = new ManualTime();
  private final InMemoryQueue queue = new InMemoryQueue(1_000, time);
  private final ListSource list = new ListSource();
  private final Turnstile bucket = new Turnstile();
  private final SentLog sentLog = new InMemorySentLog(time);
  private final List<DeliveryResult> results = new CopyOnWriteArrayList<>();
  private final List<String> called = new CopyOnWriteArrayList<>();
  private final Queue<Object> answers = new ConcurrentLinkedQueue<>();
  private final List<Duration> timeouts = new CopyOnWriteArrayList<>();
  private Dispatcher dispatcher;

  /** Answers what the test planned, and then 200. */
  private GatewayResponse answer(OutboundMessage message, Duration timeout) {
    called.add(message.messageId());
    timeouts.add(timeout);
    Object answer = answers.poll();
    if (answer instanceof RuntimeException fault) {
      throw fault;
    }
    return answer == null ? OK : (GatewayResponse) answer;
  }

  /** The sent-log, which fails and takes its time as a test says. */
  private final class WatchedLog implements SentLog {
    final AtomicInteger asked = new AtomicInteger();
    final AtomicInteger failNotSent = new AtomicInteger();
    volatile boolean down;
    volatile Runnable onBegin = () -> {};

    private void ask(boolean fails) {
      asked.incrementAndGet();
      if (fails) {
        throw new SentLogException("down", null);
      }
    }

    @Override
    public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
      ask(down);
      onBegin.run();
      return sentLog.begin(claim, lease, inDoubt);
    }

    @Override
    public void sent(String messageId) {
      ask(down);
      sentLog.sent(messageId);
    }

    @Override
    public void notSent(Claim claim) {
      boolean fails = !called.isEmpty() && failNotSent.getAndUpdate(n -> Math.max(0, n - 1)) > 0;
      ask(down || fails);
      sentLog.notSent(claim);
    }
  }

  private static GatewayResponse tooMany(Duration retryAfter) {
    return new GatewayResponse(429, Optional.of(retryAfter), Optional.empty());
  }

  private static GatewayException noAnswer(boolean ambiguous) {
    return new GatewayException("no answer", ambiguous, null);
  }

  private Dispatcher.Builder settings(OnlyFansGateway gateway) {
    return Dispatcher.builder(queue, bucket, gateway)
        .sentLog(sentLog)
        .results(results::add)
        .ticker(time)
        .clock(time)
        .freshness(Duration.ofHours(1))
        .pollWait(Duration.ofMillis(20))
        .firstRetry(Duration.ofMillis(1));
  }

  private void start(Dispatcher.Builder settings) {
    bucket.open = true;
    dispatcher = settings.build();
    dispatcher.start();
  }

  private static OutboundMessage.Builder message(String id, String creator) {
    return OutboundMessage.builder(id, creator, Instant.EPOCH);
  }

  @AfterEach
  void close() {
    if (dispatcher != null) {
      dispatcher.close();
    }
  }

  private static void await(BooleanSupplier condition, String what) {
    long end = System.nanoTime() + LONG.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
    }
  }

  private boolean isDone() {
    return queue.depth().waiting() == 0 && dispatcher.inHand() == 0;
  }

  @Test
  void five_429s_in_a_row_pause_all_work_for_a_minute_and_lose_nothing() {
    for (int i = 0; i < 5; i++) {
      answers.add(tooMany(Duration.ZERO));
    }
    queue.send(message("a", "c1").build());
    queue.send(message("b", "c2").build());
    AtomicInteger pauses = new AtomicInteger();
    MetricsSink metrics =
        new MetricsSink() {
          @Override
          public void deliveryPaused() {
            pauses.incrementAndGet();
          }
        };
    // Beside one sender's call another's could be on its way by then.
    start(settings(this::answer).metrics(metrics).concurrency(1));
    await(() -> !dispatcher.health().pausing().isZero(), "a pause");
    assertThat(called).hasSize(5);
    assertThat(bucket.blocked).hasSize(5).last().asString().isEqualTo("global PT1M");
    time.advance(Duration.ofSeconds(59));
    assertThat(dispatcher.health().pausing()).isEqualTo(Duration.ofSeconds(1));
    assertThat(dispatcher.health().isHealthy()).isTrue();
    assertThat(called).hasSize(5);
    time.advance(Duration.ofSeconds(2));
    await(this::isDone, "both delivered");
    assertThat(called).hasSize(7);
    assertThat(pauses).hasValue(1);
  }

  @Test
  void an_answer_in_between_begins_the_count_of_429s_anew() {
    for (int i = 0; i < 4; i++) {
      answers.add(tooMany(Duration.ZERO));
    }
    answers.add(OK);
    for (int i = 0; i < 4; i++) {
      answers.add(tooMany(Duration.ZERO));
    }
    queue.send(message("a", "c1").build());
    queue.send(message("b", "c1").build());
    start(settings(this::answer));
    await(this::isDone, "both delivered");
    assertThat(called).hasSize(10);
    assertThat(bucket.blocked).hasSize(8).noneMatch(each -> each.contains("PT1M"));
  }

  @Test
  void a_bucket_without_a_limit_for_all_serves_everybody_and_a_429_closes_the_creators() {
    bucket.onState =
        () -> {
          throw new IllegalArgumentException("no limit for all");
        };
    bucket.limitsAll = false;
    answers.add(tooMany(Duration.ofSeconds(7)));
    list.put(message("a", "c1").build());
    start(onList(this::answer));
    await(() -> list.deleted.contains("a"), "delivered");
    assertThat(bucket.blocked).containsExactly(Scope.creator("c1").key() + " PT7S");
  }

  @Test
  void time_outs_grow_from_30_to_60_to_120_seconds() {
    for (int i = 0; i < 3; i++) {
      answers.add(noAnswer(false));
    }
    queue.send(message("a", "c").build());
    start(settings(this::answer));
    await(this::isDone, "delivered");
    assertThat(timeouts).extracting(Duration::toSeconds).containsExactly(30L, 60L, 120L, 120L);
  }

  @Test
  void what_only_reads_is_repeated_when_nobody_knows_whether_it_was_done() {
    answers.add(noAnswer(true));
    queue.send(message("a", "c").action(OutboundMessage.GET_MESSAGES).build());
    sentLog.begin(new SentLog.Claim("b", 0, "gone"), Duration.ofSeconds(1), InDoubtPolicy.HOLD);
    time.advance(Duration.ofSeconds(2));
    queue.send(message("b", "c").action(OutboundMessage.SCRAPE_PROFILE).build());
    start(settings(this::answer));
    await(this::isDone, "both read");
    assertThat(called).containsExactly("a", "a", "b");
    assertThat(queue.depth().deadLettered()).hasValue(0);
  }

  @Test
  void what_was_read_has_ended_only_when_its_result_is_stored() {
    AtomicInteger puts = new AtomicInteger();
    queue.send(message("a", "c").action(OutboundMessage.SCRAPE_PROFILE).build());
    start(
        settings(this::answer)
            .results(
                result -> {
                  if (puts.incrementAndGet() == 1) {
                    throw new IllegalStateException("no place");
                  }
                }));
    await(this::isDone, "read and stored");
    assertThat(called).containsExactly("a", "a");
    assertThat(puts).hasValue(2);
  }

  @Test
  void what_was_sent_is_not_sent_again_because_its_result_could_not_be_stored() {
    queue.send(message("a", "c").build());
    start(
        settings(this::answer)
            .results(
                result -> {
                  throw new IllegalStateException("no place");
                }));
    await(this::isDone, "sent");
    assertThat(called).containsExactly("a");
  }

  @Test
  void an_action_the_gateway_does_not_know_is_put_aside_without_permit_or_call() {
    AtomicInteger asked = new AtomicInteger();
    bucket.onAsked = asked::incrementAndGet;
    list.put(message("a", "c").action("brew_coffee").build());
    OnlyFansGateway sends =
        new OnlyFansGateway() {
          @Override
          public GatewayResponse call(OutboundMessage message, Duration timeout) {
            return answer(message, timeout);
          }

          @Override
          public boolean supports(String action) {
            return action.equals(OutboundMessage.SEND_MESSAGE);
          }
        };
    start(onList(sends));
    await(() -> list.deadLetters.containsKey("a"), "put aside");
    assertThat(list.deadLetters).containsEntry("a", "unknown_action");
    assertThat(asked).hasValue(0);
    assertThat(called).isEmpty();
    assertThat(results).singleElement().satisfies(each -> failed(each, ErrorType.VALIDATION));
  }

  private static void failed(DeliveryResult result, ErrorType type) {
    assertThat(result.status()).isEqualTo(DeliveryResult.Status.FAILURE);
    assertThat(result.error().orElseThrow().type()).isEqualTo(type);
  }

  @Test
  void a_message_refused_for_its_credentials_is_put_aside_and_may_go_once_they_are_mended() {
    answers.add(GatewayResponse.of(401));
    list.put(message("a", "c").build());
    start(onList(this::answer));
    await(() -> list.deadLetters.containsKey("a"), "put aside");
    assertThat(list.deadLetters).containsEntry("a", "credentials_refused");
    assertThat(list.deleted).isEmpty();
    assertThat(results).singleElement().satisfies(each -> failed(each, ErrorType.AUTH));
    list.put(message("a", "c").build());
    await(() -> list.deleted.contains("a"), "sent after all");
    assertThat(called).containsExactly("a", "a");
  }

  private Dispatcher.Builder onList(OnlyFansGateway gateway) {
    return Dispatcher.builder(list, bucket, gateway)
        .sentLog(sentLog)
        .results(results::add)
        .ticker(time)
        .clock(time)
        .freshness(Duration.ofHours(1))
        .pollWait(Duration.ofMillis(20))
        .firstRetry(Duration.ofMillis(1));
  }

  @Test
  void a_message_in_doubt_is_held_in_the_store_until_an_operator_revives_it() {
    InMemoryFallbackStore store = new InMemoryFallbackStore();
    answers.add(noAnswer(true));
    queue.send(message("a", "c").build());
    start(settings(this::answer).heldIn(store));
    await(this::isDone, "held");
    assertThat(store.find("a").orElseThrow().status()).isEqualTo(StoredStatus.DEAD);
    assertThat(queue.depth().deadLettered()).hasValue(0);

    time.advance(Duration.ofMinutes(5)); // its lease has ended
    queue.send(message("a", "c").build()); // a copy that nobody revived
    await(this::isDone, "held again");
    assertThat(called).containsExactly("a");

    queue.send(message("a", "c").revival(1).build());
    await(() -> called.size() == 2, "sent again");
    await(this::isDone, "ended");
    queue.send(message("a", "c").revival(2).build());
    await(this::isDone, "and never again");
    assertThat(called).containsExactly("a", "a");
  }

  @Test
  void with_the_store_down_a_message_in_doubt_goes_to_the_dead_letters() {
    Faults<com.huntaze.ratelimiter.fallback.FallbackStore> down =
        Faults.of(
            com.huntaze.ratelimiter.fallback.FallbackStore.class, new InMemoryFallbackStore());
    down.failAll(() -> new IllegalStateException("down"));
    answers.add(noAnswer(true));
    queue.send(message("a", "c").build());
    start(settings(this::answer).heldIn(down.part()));
    await(() -> queue.depth().deadLettered().orElse(0) == 1, "a dead letter");
    assertThat(called).containsExactly("a");
  }

  @Test
  void a_creators_slow_call_keeps_nobody_else_waiting_and_its_own_messages_in_order()
      throws Exception {
    CountDownLatch slow = new CountDownLatch(1);
    for (int i = 0; i < 3; i++) {
      queue.send(message("slow" + i, "c1").build());
      queue.send(message("fast" + i, "c2").build());
    }
    start(
        settings(
            (message, timeout) -> {
              called.add(message.messageId());
              if (message.messageId().equals("slow0")) {
                awaitUninterruptibly(slow);
              }
              return OK;
            }));
    await(() -> called.contains("fast2"), "the other's are delivered");
    assertThat(called).doesNotContain("slow1", "slow2");
    slow.countDown();
    await(this::isDone, "all");
    assertThat(called)
        .filteredOn(id -> id.startsWith("slow"))
        .containsExactly("slow0", "slow1", "slow2");
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void nobody_waits_behind_anothers_burst() {
    for (int i = 0; i < 40; i++) {
      list.put(message("burst" + i, "c1").build());
    }
    list.put(message("other", "c2").build());
    start(onList(this::answerBurstsAfterTheOther).concurrency(2).mostInHand(50));
    await(() -> list.deleted.size() == 41, "all delivered");
    assertThat(called).startsWith("other");
  }

  /** As slow as it takes for the other creator to have its turn. */
  private GatewayResponse answerBurstsAfterTheOther(OutboundMessage message, Duration timeout) {
    if (!message.messageId().equals("other")) {
      await(() -> called.contains("other"), "the other's turn");
    }
    called.add(message.messageId());
    return OK;
  }

  @Test
  void from_a_queue_without_order_one_creators_messages_go_side_by_side() {
    CountDownLatch both = new CountDownLatch(2);
    list.put(message("a", "c").build());
    list.put(message("b", "c").build());
    start(
        onList(
            (message, timeout) -> {
              both.countDown();
              awaitUninterruptibly(both);
              return OK;
            }));
    await(() -> list.deleted.size() == 2, "both delivered");
  }

  @Test
  void permits_that_come_free_within_a_second_are_worth_a_receive_and_later_ones_are_not() {
    Queue<Duration> next = new ArrayDeque<>(List.of(Duration.ofSeconds(5), Duration.ofMillis(900)));
    list.put(message("a", "c").build());
    List<Integer> receivesBefore = new CopyOnWriteArrayList<>();
    bucket.onState =
        () -> {
          synchronized (next) {
            receivesBefore.add(list.asked.size());
            Duration until = next.size() > 1 ? next.poll() : next.element();
            return Turnstile.state(0, until);
          }
        };
    start(onList(this::answer));
    await(() -> list.deleted.contains("a"), "delivered");
    assertThat(receivesBefore.get(1)).as("receives after the look that said 5 s").isZero();
  }

  @Test
  void a_sent_log_that_is_down_costs_neither_receives_nor_permits() {
    WatchedQueue watched = new WatchedQueue(queue);
    AtomicInteger asked = new AtomicInteger();
    bucket.onAsked = asked::incrementAndGet;
    WatchedLog log = new WatchedLog();
    log.down = true;
    queue.send(message("a", "c").build());
    queue.send(message("b", "c").build());
    bucket.open = true;
    dispatcher =
        Dispatcher.builder(watched, bucket, this::answer)
            .sentLog(log)
            .ticker(time)
            .clock(time)
            .freshness(Duration.ofHours(1))
            .pollWait(Duration.ofMillis(20))
            .build();
    dispatcher.start();
    await(() -> log.asked.get() >= 4, "the log is asked again and again");
    assertThat(asked.get()).as("permits").isLessThanOrEqualTo(1);
    assertThat(watched.givenBack).isEmpty();
    log.down = false;
    await(this::isDone, "both are delivered");
    assertThat(called).containsExactly("a", "b");
    assertThat(watched.received).hasValue(2);
  }

  @Test
  void a_sent_log_that_is_slow_makes_no_second_permit_old() {
    AtomicInteger asked = new AtomicInteger();
    bucket.onAsked = asked::incrementAndGet;
    WatchedLog slow = new WatchedLog();
    slow.onBegin = () -> time.advance(Duration.ofMillis(300));
    queue.send(message("a", "c").build());
    start(settings(this::answer).sentLog(slow).freshness(Duration.ofMillis(250)));
    await(this::isDone, "delivered");
    assertThat(called).containsExactly("a");
    assertThat(asked).hasValue(2);
  }

  @Test
  void a_call_whose_end_could_not_be_recorded_is_made_again_by_the_same_hand() {
    WatchedQueue watched = new WatchedQueue(queue);
    WatchedLog log = new WatchedLog();
    answers.add(GatewayResponse.of(503));
    queue.send(message("a", "c").build());
    bucket.open = true;
    log.failNotSent.set(1);
    dispatcher =
        Dispatcher.builder(watched, bucket, this::answer)
            .sentLog(log)
            .ticker(time)
            .clock(time)
            .freshness(Duration.ofHours(1))
            .pollWait(Duration.ofMillis(20))
            .firstRetry(Duration.ofMillis(1))
            .build();
    dispatcher.start();
    await(this::isDone, "delivered");
    assertThat(called).containsExactly("a", "a");
    assertThat(log.failNotSent).hasValue(0);
    assertThat(watched.givenBack).isEmpty();
  }

  @Test
  void a_message_that_fails_too_often_is_put_aside_and_takes_nobody_along() {
    for (int i = 0; i < 4; i++) {
      answers.add(GatewayResponse.of(503));
    }
    for (String id : List.of("a", "b", "c")) {
      list.put(message(id, "creator").build());
    }
    start(onList(this::answer).concurrency(1).mostReceives(1));
    await(() -> list.deleted.size() == 2, "the others are delivered");
    assertThat(list.deadLetters).containsOnlyKeys("a").containsValue("failed_too_often");
    assertThat(called).containsExactly("a", "a", "a", "a", "b", "c");
  }

  @Test
  void a_long_id_is_sent_as_any_other_and_an_illegal_creator_put_aside() {
    list.put(message("x".repeat(200), "c1").build());
    list.put(message("odd", "c".repeat(300)).build());
    start(onList(this::answer));
    await(() -> list.deleted.size() == 1 && list.deadLetters.size() == 1, "both have ended");
    assertThat(list.deadLetters).containsEntry("odd", "illegal_id");
    assertThat(called).containsExactly("x".repeat(200));
  }

  @Test
  void an_answer_that_is_not_the_apis_puts_a_message_aside_and_deletes_none() {
    for (int status : List.of(301, 407, 403)) {
      answers.add(GatewayResponse.of(status));
    }
    answers.add(GatewayResponse.notCalled());
    for (String id : List.of("a", "b", "c", "d")) {
      list.put(message(id, "creator").build());
    }
    start(onList(this::answer).concurrency(1));
    await(() -> list.deadLetters.size() == 4, "all are put aside");
    assertThat(list.deadLetters)
        .containsEntry("a", "no_answer_of_the_api")
        .containsEntry("b", "proxy_refused")
        .containsEntry("c", "credentials_refused")
        .containsEntry("d", "no_call_possible");
    assertThat(list.deleted).isEmpty();
  }

  @Test
  void what_would_be_read_for_nobody_is_put_aside_without_a_call() {
    list.put(message("a", "c").action(OutboundMessage.GET_MESSAGES).build());
    start(
        Dispatcher.builder(list, bucket, this::answer)
            .sentLog(sentLog)
            .pollWait(Duration.ofMillis(20)));
    await(() -> list.deadLetters.containsKey("a"), "put aside");
    assertThat(list.deadLetters).containsEntry("a", "no_result_store");
    assertThat(called).isEmpty();
  }

  @Test
  void a_permit_that_was_granted_for_later_is_not_used_once_the_api_has_closed() {
    AtomicInteger grants = new AtomicInteger();
    CountDownLatch second = new CountDownLatch(1);
    bucket.delay =
        () -> {
          boolean first = grants.getAndIncrement() == 0;
          if (!first) {
            second.countDown();
          }
          return first ? Duration.ZERO : Duration.ofMillis(500);
        };
    list.put(message("a", "c1").build());
    list.put(message("b", "c2").build());
    start(
        onList(
            (message, timeout) -> {
              called.add(message.messageId());
              awaitUninterruptibly(second); // the other has its permit by now
              return called.size() == 1 ? tooMany(Duration.ofHours(1)) : OK;
            }));
    await(() -> !dispatcher.health().pausing().isZero(), "closed");
    await(() -> grants.get() >= 2, "a grant for later");
    LockSupport.parkNanos(Duration.ofMillis(700).toNanos()); // past that instant
    assertThat(called).hasSize(1);
  }

  @Test
  void a_call_that_hangs_beyond_all_its_time_outs_is_unhealthy() {
    CountDownLatch hung = new CountDownLatch(1);
    queue.send(message("a", "c").build());
    start(
        settings(
            (message, timeout) -> {
              called.add("a");
              awaitUninterruptibly(hung);
              return OK;
            }));
    await(() -> !called.isEmpty(), "a call");
    time.advance(Duration.ofSeconds(30));
    assertThat(dispatcher.health().stuck()).isFalse();
    time.advance(Duration.ofMinutes(10));
    assertThat(dispatcher.health().stuck()).isTrue();
    assertThat(dispatcher.health().isHealthy()).isFalse();
    hung.countDown();
  }

  @Test
  void a_message_is_the_same_whether_its_creator_is_named_or_is_the_user() {
    OutboundMessage message = message("a", "user").recipientId("r").content("c").build();
    PayloadCodec workflow = PayloadCodec.workflow();
    assertThat(workflow.decode(workflow.encode(message)).isSameAs(message)).isTrue();
  }

  @Test
  void a_worker_needs_a_source_in_order_a_sent_log_and_a_place_for_results() {
    assertThatThrownBy(() -> new WorkflowWorker(list, bucket, this::answer, sentLog, results::add))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("order");
    assertThatThrownBy(() -> new WorkflowWorker(Dispatcher.builder(queue, bucket, this::answer)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("sentLog");
    assertThatThrownBy(() -> settings(this::answer).concurrency(0)).hasMessageContaining("was 0");
    assertThatThrownBy(() -> settings(this::answer).mostInHand(0)).hasMessageContaining("was 0");
    assertThatThrownBy(() -> settings(this::answer).callTimeout(Duration.ZERO))
        .hasMessageContaining("PT0S");
  }

  @Test
  void health_says_whether_it_looks_for_work_and_what_keeps_it_from_it() {
    dispatcher = settings(this::answer).build();
    assertThat(dispatcher.health().isHealthy()).as("not started").isFalse();
    start(settings(this::answer));
    assertThat(dispatcher.health().isHealthy()).isTrue();
    bucket.onState =
        () -> {
          throw new com.huntaze.ratelimiter.limit.TokenBucketException("down", null);
        };
    await(() -> dispatcher.health().fault().isPresent(), "a fault");
    assertThat(dispatcher.health().isHealthy()).as("a restart would not mend it").isTrue();
    CountDownLatch hung = new CountDownLatch(1);
    bucket.onState =
        () -> {
          awaitUninterruptibly(hung);
          return Turnstile.state(0, LONG);
        };
    await(
        () -> {
          time.advance(LONG);
          return !dispatcher.health().isHealthy();
        },
        "stuck");
    hung.countDown();
    dispatcher.close();
    assertThat(dispatcher.health().running()).isFalse();
  }
}
