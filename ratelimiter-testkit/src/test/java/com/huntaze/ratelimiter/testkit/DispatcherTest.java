package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.DeliveryResult;
import com.huntaze.ratelimiter.delivery.DeliveryResult.ErrorType;
import com.huntaze.ratelimiter.delivery.DeliveryResult.Status;
import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.HttpOnlyFansGateway;
import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.InMemoryResultStore;
import com.huntaze.ratelimiter.delivery.InMemorySentLog;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** A dispatcher against an API that misbehaves on request, over real HTTP. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class DispatcherTest {
  private static final Duration WINDOW = Duration.ofSeconds(1);
  private static final Duration LONG = Duration.ofSeconds(60);

  private final FakeOnlyFansApi api = FakeOnlyFansApi.builder().limit(10, WINDOW).start();
  private final InMemoryQueue queue = new InMemoryQueue(1_000);
  private final InMemoryResultStore results = new InMemoryResultStore(1_000);
  private final SentLog sentLog = new InMemorySentLog();
  private final TokenBucket bucket = InMemoryTokenBucket.of(RateLimit.rolling(10, WINDOW));
  private Dispatcher dispatcher;

  private Dispatcher.Builder dispatcher(OnlyFansGateway gateway) {
    return Dispatcher.builder(queue, bucket, gateway)
        .sentLog(sentLog)
        .results(results)
        .callTimeout(Duration.ofMillis(500))
        .pollWait(Duration.ofMillis(50))
        .firstRetry(Duration.ofMillis(20));
  }

  private OnlyFansGateway gateway() {
    return HttpOnlyFansGateway.builder(api.baseUri()).build();
  }

  private void start(Dispatcher.Builder builder) {
    dispatcher = builder.build();
    dispatcher.start();
  }

  private void put(int count) {
    for (int i = 0; i < count; i++) {
      queue.send(
          OutboundMessage.builder("m" + i, "creator_" + i, Instant.now())
              .recipientId("fan")
              .content("c")
              .build());
    }
  }

  @AfterEach
  void close() {
    dispatcher.close();
    api.close();
  }

  /** Waits for something that will be true, and fails if it is not in time. */
  private static void await(BooleanSupplier condition, String what) {
    long end = System.nanoTime() + LONG.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  @Test
  void every_call_takes_a_permit_a_retry_too() {
    Set<String> called = ConcurrentHashMap.newKeySet();
    api.failWhen(call -> called.add(call.messageId()), ApiFault.status(503));
    put(10);
    start(dispatcher(gateway()));
    assertThat(api.awaitDeliveries(10, LONG)).isTrue();
    assertThat(api.calls()).hasSize(20);
    api.checkLimit();
    assertThat(api.duplicates()).isEmpty();
    assertThat(api.rejected429()).isZero();
  }

  @Test
  void an_error_of_the_gateway_or_the_source_stops_nothing_but_its_own_message() {
    Set<String> called = ConcurrentHashMap.newKeySet();
    AtomicInteger receives = new AtomicInteger();
    MessageSource failingAtFirst =
        (MessageSource)
            Proxy.newProxyInstance(
                MessageSource.class.getClassLoader(),
                new Class<?>[] {MessageSource.class},
                (self, method, args) -> {
                  if (method.getName().equals("receive") && receives.incrementAndGet() == 1) {
                    throw new NoClassDefFoundError("a jar is missing");
                  }
                  return method.invoke(queue, args);
                });
    put(6);
    start(
        Dispatcher.builder(
                failingAtFirst,
                bucket,
                (message, timeout) -> {
                  called.add(message.messageId());
                  if (called.size() <= 2) {
                    throw new NoClassDefFoundError("a jar is missing");
                  }
                  return GatewayResponse.of(200);
                })
            .sentLog(sentLog)
            .concurrency(2)
            .pollWait(Duration.ofMillis(50)));
    await(() -> called.size() == 6, "all six are called");
    await(() -> dispatcher.inHand() == 0, "and none stays in hand");
  }

  @Test
  void after_three_retries_a_server_error_leaves_the_message_in_the_queue() {
    api.failNext(4, ApiFault.status(500));
    put(1);
    start(dispatcher(gateway()));
    await(() -> !results.latest().isEmpty(), "a result");
    DeliveryResult result = results.latest().get(0);
    assertThat(result.status()).isEqualTo(Status.FAILURE);
    assertThat(result.error().orElseThrow().type()).isEqualTo(ErrorType.NETWORK);
    assertThat(result.response().orElseThrow().statusCode()).isEqualTo(500);
    await(() -> dispatcher.inHand() == 0, "nothing in hand");
    assertThat(api.calls()).hasSize(4);
    assertThat(queue.depth().waiting()).isEqualTo(1);
  }

  @Test
  void a_message_the_api_refuses_is_recorded_and_never_sent_again() {
    api.failNext(1, ApiFault.status(400));
    put(1);
    start(dispatcher(gateway()));
    await(() -> queue.depth().waiting() == 0, "an empty queue");
    assertThat(api.calls()).hasSize(1);
    assertThat(results.latest()).hasSize(1);
    assertThat(results.latest().get(0).error())
        .get()
        .extracting(e -> e.type())
        .isEqualTo(ErrorType.VALIDATION);
  }

  @Test
  void a_429_closes_the_limit_for_its_time_and_the_message_is_kept() {
    api.failNext(1, ApiFault.rateLimited(Duration.ofSeconds(2)));
    put(3);
    start(dispatcher(gateway()).concurrency(1));
    assertThat(api.awaitDeliveries(3, LONG)).isTrue();
    List<ApiCall> calls = api.calls();
    assertThat(calls).hasSize(4);
    assertThat(calls.get(0).status()).isEqualTo(429);
    assertThat(Duration.ofNanos(calls.get(1).arrivalNanos() - calls.get(0).arrivalNanos()))
        .isGreaterThanOrEqualTo(Duration.ofSeconds(2));
    assertThat(api.duplicates()).isEmpty();
  }

  @Test
  void a_call_without_an_answer_is_held_and_no_fan_gets_it_twice() {
    api.failNext(1, ApiFault.resetAfterDelivery());
    put(1);
    start(dispatcher(gateway()));
    await(() -> queue.depth().deadLettered().orElse(0) == 1, "a dead letter");
    assertThat(api.calls()).hasSize(1);
    assertThat(api.duplicates()).isEmpty();
    assertThat(queue.depth().waiting()).isZero();
  }

  @Test
  void a_call_that_times_out_is_held_too() {
    api.failNext(1, ApiFault.hangBeforeDelivery(Duration.ofSeconds(2)));
    put(1);
    start(dispatcher(gateway()));
    await(() -> queue.depth().deadLettered().orElse(0) == 1, "a dead letter");
    assertThat(api.calls()).hasSize(1);
  }

  @Test
  void told_to_resend_a_call_without_an_answer_is_made_again_with_a_permit_of_its_own() {
    api.failNext(1, ApiFault.resetBeforeDelivery());
    put(1);
    start(dispatcher(gateway()).inDoubt(InDoubtPolicy.RESEND));
    assertThat(api.awaitDeliveries(1, LONG)).isTrue();
    assertThat(api.calls()).hasSize(2);
  }

  @Test
  void a_call_that_never_left_is_tried_again() throws IOException {
    URI closed = URI.create("http://127.0.0.1:" + Loopback.free().getPort());
    OnlyFansGateway nobody = HttpOnlyFansGateway.builder(closed).build();
    OnlyFansGateway real = gateway();
    AtomicInteger calls = new AtomicInteger();
    put(1);
    start(
        dispatcher(
            (message, timeout) ->
                (calls.getAndIncrement() == 0 ? nobody : real).call(message, timeout)));
    assertThat(api.awaitDeliveries(1, LONG)).isTrue();
    assertThat(queue.depth().deadLettered()).hasValue(0);
  }

  @Test
  void a_message_whose_call_was_begun_by_somebody_who_vanished_is_held() {
    ManualTime time = new ManualTime();
    SentLog log = new InMemorySentLog(time);
    log.begin(new SentLog.Claim("m0", 0, "x"), Duration.ofSeconds(1), InDoubtPolicy.HOLD);
    time.advance(Duration.ofSeconds(2));
    put(1);
    start(dispatcher(gateway()).sentLog(log));
    await(() -> queue.depth().deadLettered().orElse(0) == 1, "a dead letter");
    assertThat(api.calls()).isEmpty();
  }

  @Test
  void a_message_that_was_sent_before_is_deleted_unsent() {
    sentLog.begin(new SentLog.Claim("m0", 0, "x"), LONG, InDoubtPolicy.HOLD);
    sentLog.sent("m0");
    put(2);
    start(dispatcher(gateway()));
    await(() -> queue.depth().waiting() == 0, "an empty queue");
    assertThat(api.calls()).hasSize(1);
    assertThat(api.delivered("m1")).isTrue();
  }

  @Test
  void while_the_bucket_cannot_be_asked_nothing_is_sent_and_nothing_is_lost() {
    Faults<TokenBucket> faults = Faults.of(TokenBucket.class, bucket);
    faults.failAll(() -> new TokenBucketException("down", null));
    put(3);
    dispatcher =
        Dispatcher.builder(queue, faults.part(), gateway()).pollWait(Duration.ofMillis(50)).build();
    dispatcher.start();
    await(() -> faults.calls() > 0, "the bucket is asked");
    assertThat(api.calls()).isEmpty();
    faults.heal();
    assertThat(api.awaitDeliveries(3, LONG)).isTrue();
    assertThat(api.duplicates()).isEmpty();
  }

  @Test
  void a_permit_that_grew_old_before_the_call_is_asked_anew() {
    ManualTime time = new ManualTime();
    AtomicInteger begun = new AtomicInteger();
    SentLog slow =
        new SentLog() {
          @Override
          public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
            if (begun.getAndIncrement() == 0) {
              time.advance(Duration.ofMillis(251)); // as if the process had been stopped here
            }
            return sentLog.begin(claim, lease, inDoubt);
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
    Faults<TokenBucket> counted = Faults.of(TokenBucket.class, bucket);
    put(1);
    dispatcher =
        Dispatcher.builder(queue, counted.part(), gateway()).sentLog(slow).ticker(time).build();
    dispatcher.start();
    assertThat(api.awaitDeliveries(1, LONG)).isTrue();
    assertThat(api.calls()).hasSize(1);
    assertThat(counted.calls("tryAcquire")).isEqualTo(2);
  }

  @Test
  void stopping_gives_back_what_waits_for_a_permit() {
    put(30);
    start(dispatcher(gateway()).concurrency(20));
    assertThat(api.awaitDeliveries(10, LONG)).isTrue();
    assertThat(dispatcher.close(LONG)).isZero();
    assertThat(queue.depth().waiting() + api.deliveries().size()).isEqualTo(30);
    assertThat(queue.depth().inFlight()).isZero();
    assertThat(api.duplicates()).isEmpty();
  }
}
