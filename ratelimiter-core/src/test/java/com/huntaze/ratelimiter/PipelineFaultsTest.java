package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import com.huntaze.ratelimiter.CheckReport.Part;
import com.huntaze.ratelimiter.QueueStatus.Health;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.QueueDepth;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Breaker, credentials, status and check, through the client and on a clock set by hand. */
@Timeout(60)
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class PipelineFaultsTest {
  private final AtomicLong now = new AtomicLong();
  private final ScriptedSink sink = new ScriptedSink();
  private final InMemoryFallbackStore kept = new InMemoryFallbackStore();

  /** Hands nothing out, so that the calls a test counts are none of the replayer's. */
  private final FallbackStore store =
      new ForwardingStore(kept) {
        @Override
        public List<StoredMessage> claim(int max, Duration lease) {
          return List.of();
        }
      };

  private RateLimitedOnlyFansClient.Builder builder(MessageSink to) {
    return RateLimitedOnlyFansClient.builder()
        .sink(to)
        .ticker(now::get)
        .retryBase(Duration.ofNanos(1));
  }

  private static OnlyFansMessage message(String id) {
    return OnlyFansMessage.builder()
        .messageId(id)
        .userId("u")
        .recipientId("r")
        .content("c")
        .build();
  }

  private static List<OnlyFansMessage> messages(int count) {
    return IntStream.range(0, count).mapToObj(i -> message("m" + i)).toList();
  }

  private void pass(Duration time) {
    now.addAndGet(time.toNanos());
  }

  /** Counts its calls, and does with each as the test says. */
  private static final class CountedSink implements MessageSink {
    final AtomicInteger calls = new AtomicInteger();
    volatile Function<OutboundMessage, SinkResult.Taken> how;

    CountedSink(Function<OutboundMessage, SinkResult.Taken> how) {
      this.how = how;
    }

    @Override
    public SinkResult.Taken send(OutboundMessage message) {
      calls.incrementAndGet();
      return how.apply(message);
    }
  }

  private static SinkResult.Taken taken(OutboundMessage message) {
    return new SinkResult.Taken(Optional.empty());
  }

  private static SinkResult.Taken down(OutboundMessage message) {
    throw ScriptedSink.failure(Kind.NOT_SENT);
  }

  @Test
  void with_64_threads_waiting_exactly_one_probe_is_made_after_60_seconds() throws Exception {
    CountedSink far = new CountedSink(PipelineFaultsTest::down);
    ExecutorService threads = Executors.newFixedThreadPool(64);
    CountDownLatch answer = new CountDownLatch(1);
    CountDownLatch probing = new CountDownLatch(1);
    try (var client = builder(far).fallbackStore(store).build()) {
      client.send(message("a"));
      client.send(message("b"));
      assertThat(client.queueStatus().breaker()).isEqualTo(BreakerState.OPEN);
      int before = far.calls.get();
      far.how =
          message -> {
            probing.countDown();
            awaitUninterruptibly(answer);
            return taken(message);
          };
      pass(Duration.ofSeconds(60));
      List<Future<SendResult>> sends = new ArrayList<>();
      for (OnlyFansMessage each : messages(64)) {
        sends.add(threads.submit(() -> client.send(each)));
      }
      assertThat(probing.await(20, TimeUnit.SECONDS)).isTrue();
      // All but the one that probes are answered while it is still under way.
      long stored = 0;
      while (stored < 63) {
        stored = sends.stream().filter(Future::isDone).count();
      }
      assertThat(far.calls.get() - before).isEqualTo(1);
      answer.countDown();
      int queued = 0;
      for (Future<SendResult> each : sends) {
        queued += each.get(20, TimeUnit.SECONDS).status() == SendStatus.QUEUED ? 1 : 0;
      }
      assertThat(queued).isEqualTo(1);
      assertThat(client.queueStatus().breaker()).isEqualTo(BreakerState.CLOSED);
      assertThat(client.send(message("after")).status()).isEqualTo(SendStatus.QUEUED);
    } finally {
      answer.countDown();
      threads.shutdownNow();
    }
  }

  @Test
  void a_probe_that_never_returns_does_not_wedge_the_breaker() throws Exception {
    CountedSink far = new CountedSink(PipelineFaultsTest::down);
    CountDownLatch never = new CountDownLatch(1);
    CountDownLatch probing = new CountDownLatch(1);
    Thread hanging;
    try (var client = builder(far).fallbackStore(store).build()) {
      client.send(message("a"));
      client.send(message("b"));
      far.how =
          message -> {
            probing.countDown();
            awaitUninterruptibly(never);
            return taken(message);
          };
      pass(Duration.ofSeconds(60));
      hanging = new Thread(() -> client.send(message("hangs")));
      hanging.start();
      assertThat(probing.await(20, TimeUnit.SECONDS)).isTrue();
      far.how = PipelineFaultsTest::taken;
      assertThat(client.send(message("c")).status()).isEqualTo(SendStatus.STORED);
      pass(Duration.ofSeconds(5));
      assertThat(client.send(message("d")).status()).isEqualTo(SendStatus.QUEUED);
      assertThat(client.queueStatus().breaker()).isEqualTo(BreakerState.CLOSED);
      never.countDown();
      hanging.join();
    }
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    boolean interrupted = false;
    while (true) {
      try {
        latch.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void a_batch_probes_with_one_message_and_sends_the_rest_if_that_is_taken() {
    CountedSink far = new CountedSink(PipelineFaultsTest::down);
    try (var client = builder(far).fallbackStore(store).build()) {
      client.send(message("a"));
      client.send(message("b"));
      int before = far.calls.get();
      pass(Duration.ofSeconds(60));
      assertThat(client.sendBatch(messages(10)))
          .allMatch(result -> result.status() == SendStatus.STORED);
      assertThat(far.calls.get() - before).isEqualTo(1);
      pass(Duration.ofSeconds(60));
      far.how = PipelineFaultsTest::taken;
      assertThat(client.sendBatch(messages(10)))
          .allMatch(result -> result.status() == SendStatus.QUEUED);
    }
  }

  @Test
  void after_the_deadline_of_a_send_no_further_call_is_made() {
    CountedSink slow =
        new CountedSink(
            message -> {
              pass(Duration.ofSeconds(6));
              throw ScriptedSink.failure(Kind.AMBIGUOUS);
            });
    try (var client = builder(slow).fallbackStore(store).build()) {
      assertThat(client.send(message("m1")).status()).isEqualTo(SendStatus.STORED);
      assertThat(slow.calls).hasValue(1);
    }
  }

  @Test
  void a_message_the_queue_may_have_is_never_called_refused() {
    sink.failNext(Kind.AMBIGUOUS, Kind.MESSAGE_REFUSED);
    try (var client = builder(sink).fallbackStore(store).build()) {
      assertThat(client.send(message("m1")).status()).isEqualTo(SendStatus.STORED);
    }
    sink.failNext(Kind.AMBIGUOUS, Kind.BACK_PRESSURE);
    try (var client = builder(sink).maxRetries(1).build()) {
      SendResult result = client.send(message("m2"));
      assertThat(result.status()).isEqualTo(SendStatus.FAILED);
      assertThat(result.error()).get().asString().contains("the queue may have it all the same");
    }
  }

  @Test
  void a_queue_that_refuses_this_client_is_an_error_once_a_minute() {
    sink.failAlways(Kind.ACCESS_REFUSED);
    try (var client = builder(sink).fallbackStore(store).build();
        LogLines log = new LogLines(RateLimitedOnlyFansClient.class)) {
      messages(100).forEach(client::send);
      pass(Duration.ofSeconds(59));
      client.send(message("late"));
      assertThat(log.at(Level.ERROR)).singleElement().asString().contains("refuses this client");
      pass(Duration.ofSeconds(1));
      client.send(message("later"));
      assertThat(log.at(Level.ERROR)).hasSize(2);
    }
  }

  @Test
  void missing_credentials_are_one_warning_and_messages_are_stored_until_there_are_some() {
    sink.failAlways(Kind.NO_CREDENTIALS);
    try (var client = builder(sink).fallbackStore(store).build();
        LogLines log = new LogLines(RateLimitedOnlyFansClient.class)) {
      messages(10)
          .forEach(each -> assertThat(client.send(each).status()).isEqualTo(SendStatus.STORED));
      assertThat(sink.sends()).as("their provider may be slow").isEqualTo(1);
      pass(Duration.ofSeconds(60));
      client.send(message("still-none"));
      assertThat(sink.sends()).isEqualTo(2);
      assertThat(log.at(Level.WARN)).singleElement().asString().contains("Rate limiting is off");
      sink.failAlways(null);
      pass(Duration.ofSeconds(60));
      assertThat(client.send(message("found")).status()).isEqualTo(SendStatus.QUEUED);
      assertThat(client.queueStatus().health()).isEqualTo(Health.UP);
    }
  }

  @Test
  void missing_credentials_at_the_start_are_one_warning_too_and_the_host_starts() {
    MessageSink none =
        counted(
            new AtomicInteger(),
            n -> {
              throw ScriptedSink.failure(Kind.NO_CREDENTIALS);
            });
    try (LogLines log = new LogLines(RateLimitedOnlyFansClient.class);
        var client = builder(none).fallbackStore(store).startUpCheck(StartUpCheck.REPORT).build()) {
      assertThat(client.send(message("m1")).status()).isEqualTo(SendStatus.STORED);
      assertThat(log.at(Level.WARN)).singleElement().asString().contains("Rate limiting is off");
      assertThat(log.at(Level.ERROR)).isEmpty();
    }
  }

  @Test
  void missing_credentials_without_a_store_are_disabled_and_never_sent_past_the_limit() {
    sink.failAlways(Kind.NO_CREDENTIALS);
    try (var client = builder(sink).build()) {
      assertThat(client.send(message("m1")).status()).isEqualTo(SendStatus.DISABLED);
      assertThat(client.send(message("m2")).status()).isEqualTo(SendStatus.DISABLED);
      assertThat(client.queueStatus().health()).isEqualTo(Health.DOWN);
    }
  }

  @Test
  void a_store_that_heeds_interrupts_still_gets_an_interrupted_senders_message() {
    sink.failAlways(Kind.NOT_SENT);
    try (var client =
        builder(sink)
            .fallbackStore(
                new ForwardingStore(store) {
                  @Override
                  public void store(OutboundMessage message, String error) {
                    if (Thread.currentThread().isInterrupted()) {
                      throw new FallbackException(
                          "interrupted while waiting for a connection", null);
                    }
                    super.store(message, error);
                  }
                })
            .build()) {
      Thread.currentThread().interrupt();
      SendResult result = client.send(message("m1"));
      assertThat(Thread.interrupted()).isTrue();
      assertThat(result.status()).isEqualTo(SendStatus.STORED);
    }
    assertThat(kept.backlog().waiting()).isEqualTo(1);
  }

  @Test
  void a_message_that_is_in_a_batch_twice_is_sent_once_and_answered_twice() {
    try (var client = builder(sink).build()) {
      List<SendResult> results =
          client.sendBatch(List.of(message("m1"), message("m2"), message("m1")));
      assertThat(results).extracting(SendResult::messageId).containsExactly("m1", "m2", "m1");
      assertThat(results).allMatch(SendResult::accepted);
      assertThat(sink.ids()).containsExactly("m1", "m2");
    }
  }

  @Test
  void another_message_under_an_id_of_the_batch_is_invalid() {
    OnlyFansMessage other =
        OnlyFansMessage.builder()
            .messageId("m1")
            .userId("u")
            .recipientId("r")
            .content("other")
            .build();
    try (var client = builder(sink).build()) {
      List<SendResult> results = client.sendBatch(List.of(message("m1"), other));
      assertThat(results.get(0).status()).isEqualTo(SendStatus.QUEUED);
      assertThat(results.get(1).status()).isEqualTo(SendStatus.INVALID);
      assertThat(results.get(1).violations().get(0).field()).isEqualTo("messageId");
      assertThat(sink.ids()).containsExactly("m1");
    }
  }

  /** Sinks as careless lambdas and mocks make them. */
  private static MessageSink answering(SinkResult.Taken one, List<SinkResult> several) {
    return new MessageSink() {
      @Override
      public SinkResult.Taken send(OutboundMessage message) {
        return one;
      }

      @Override
      public List<SinkResult> sendAll(List<OutboundMessage> messages) {
        return several;
      }
    };
  }

  @Test
  void a_sink_that_gives_no_answer_for_each_message_has_none_of_them_for_certain() {
    SinkResult.Taken taken = new SinkResult.Taken(Optional.empty());
    for (List<SinkResult> several :
        Arrays.asList(
            null,
            List.<SinkResult>of(taken),
            List.<SinkResult>of(taken, taken, taken),
            Arrays.<SinkResult>asList(taken, null))) {
      try (var client = builder(answering(null, several)).fallbackStore(store).build()) {
        assertThat(client.send(message("m1")).status()).isEqualTo(SendStatus.STORED);
        List<SendResult> results = client.sendBatch(messages(2));
        assertThat(results.get(1).status()).isEqualTo(SendStatus.STORED);
        assertThat(results.get(1).error()).get().asString().contains("AMBIGUOUS");
      }
    }
  }

  @Test
  void an_error_of_a_sink_a_store_or_a_metrics_sink_is_an_outcome_too() {
    MessageSink broken =
        message -> {
          throw new NoClassDefFoundError("a jar is missing");
        };
    MetricsSink metrics =
        (MetricsSink)
            Proxy.newProxyInstance(
                MetricsSink.class.getClassLoader(),
                new Class<?>[] {MetricsSink.class},
                (self, method, args) -> {
                  throw new NoClassDefFoundError("a jar is missing");
                });
    try (var client = builder(broken).fallbackStore(store).metrics(metrics).build()) {
      assertThat(client.send(message("m1")).status()).isEqualTo(SendStatus.STORED);
    }
    try (var client = builder(sink).metrics(metrics).build()) {
      assertThat(client.send(message("m1")).status()).isEqualTo(SendStatus.QUEUED);
    }
  }

  @Test
  void the_words_of_a_foreign_exception_are_not_passed_on() {
    sink.failAlways(Kind.NOT_SENT);
    try (var client =
        builder(sink)
            .fallbackStore(
                new ForwardingStore(store) {
                  @Override
                  public void store(OutboundMessage message, String error) {
                    throw new IllegalStateException("Failing row contains " + message.content());
                  }

                  @Override
                  public FallbackBacklog backlog() {
                    throw new IllegalStateException("select from secret");
                  }
                })
            .build()) {
      assertThat(client.send(message("m1")).error())
          .get()
          .asString()
          .contains("IllegalStateException")
          .doesNotContain("row");
      assertThat(client.queueStatus().faults().toString()).doesNotContain("secret");
      assertThat(client.check().toString()).doesNotContain("secret");
    }
  }

  @Test
  void a_backlog_that_cannot_be_counted_is_asked_for_once_a_second_all_the_same() {
    AtomicInteger asked = new AtomicInteger();
    MessageSink uncounted =
        counted(
            asked,
            n -> {
              throw ScriptedSink.failure(Kind.ACCESS_REFUSED);
            });
    try (var client =
        builder(uncounted)
            .tokenBucket(InMemoryTokenBucket.of(RateLimit.rolling(2, Duration.ofMinutes(1))))
            .build()) {
      messages(200).forEach(client::send);
    }
    assertThat(asked.get()).isLessThanOrEqualTo(1);
  }

  @Test
  void what_a_caller_changes_after_an_asynchronous_send_changes_nothing() throws Exception {
    List<Object> nested = new ArrayList<>(List.of("before"));
    CountDownLatch changed = new CountDownLatch(1);
    CountedSink far =
        new CountedSink(
            message -> {
              awaitUninterruptibly(changed);
              assertThat(message.metadata()).isEqualTo(Map.of("k", List.of("before")));
              return taken(message);
            });
    try (var client = builder(far).build()) {
      var future =
          client.sendAsync(
              OnlyFansMessage.builder()
                  .userId("u")
                  .recipientId("r")
                  .content("c")
                  .metadata(Map.of("k", nested))
                  .build());
      nested.set(0, "after");
      changed.countDown();
      assertThat(future.get(20, TimeUnit.SECONDS).status()).isEqualTo(SendStatus.QUEUED);
    }
  }

  @Test
  void extreme_durations_are_refused_by_name_and_a_long_deadline_closes() {
    assertThatThrownBy(() -> builder(sink).breaker(5, Duration.ofDays(300_000)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("delay must be more than zero and at most");
    sink.failNext(Kind.THROTTLED);
    var client =
        builder(sink).retryBase(Duration.ofDays(300)).sendDeadline(Duration.ofMillis(5)).build();
    assertThat(client.send(message("m1")).messageId()).isEqualTo("m1");
    assertThat(client.close(Duration.ofDays(300_000)).lost()).isZero();
    assertThatThrownBy(() -> client.send(message("m2"))).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void a_direct_gateway_that_cannot_warm_up_keeps_nobody_from_starting() {
    OnlyFansGateway cold =
        new OnlyFansGateway() {
          @Override
          public GatewayResponse call(OutboundMessage message, Duration timeout) {
            return GatewayResponse.of(200);
          }

          @Override
          public void warmUp() {
            throw new IllegalStateException("the proxy is not ready");
          }
        };
    builder(sink)
        .tokenBucket(InMemoryTokenBucket.of(RateLimit.rolling(2, Duration.ofMinutes(1))))
        .directGateway(cold)
        .build()
        .close();
  }

  private static MessageSink counted(AtomicInteger asked, Function<Integer, QueueDepth> depth) {
    return new MessageSink() {
      @Override
      public SinkResult.Taken send(OutboundMessage message) {
        return taken(message);
      }

      @Override
      public QueueDepth depth() {
        return depth.apply(asked.incrementAndGet());
      }
    };
  }

  @Test
  void status_is_asked_for_once_a_second_at_most() {
    AtomicInteger asked = new AtomicInteger();
    MessageSink counting =
        counted(asked, n -> new QueueDepth(n, 0, 0, OptionalLong.empty(), Optional.empty()));
    try (var client = builder(counting).build()) {
      assertThat(client.queueStatus().queue().visible()).isEqualTo(1);
      pass(Duration.ofMillis(999));
      assertThat(client.queueStatus().queue().visible()).isEqualTo(1);
      pass(Duration.ofMillis(1));
      assertThat(client.queueStatus().queue().visible()).isEqualTo(2);
      assertThat(client.queueStatus().health()).isEqualTo(Health.UP);
    }
  }

  @Test
  void health_is_degraded_while_only_the_store_takes_messages_and_down_when_nothing_does() {
    sink.failAlways(Kind.NOT_SENT);
    try (var client = builder(sink).fallbackStore(store).build()) {
      messages(5).forEach(client::send);
      assertThat(client.queueStatus().health()).isEqualTo(Health.DEGRADED);
    }
    try (var client = builder(sink).build()) {
      messages(5).forEach(client::send);
      assertThat(client.queueStatus().health()).isEqualTo(Health.DOWN);
    }
  }

  @Test
  void the_check_reports_every_part_and_one_that_fails_hides_no_other() {
    MessageSink missing =
        counted(
            new AtomicInteger(),
            n -> {
              throw new SinkException(Kind.ACCESS_REFUSED, "queue entry: QueueDoesNotExist", null);
            });
    try (var client =
        builder(missing)
            .tokenBucket(InMemoryTokenBucket.of(RateLimit.rolling(2, Duration.ofMinutes(1))))
            .fallbackStore(
                new ForwardingStore(store) {
                  @Override
                  public List<String> check() {
                    return List.of("the schema is old");
                  }
                })
            .build()) {
      CheckReport report = client.check();
      assertThat(report.parts())
          .containsExactly(
              new Part("queue", CheckReport.Level.FAULT, List.of("queue entry: QueueDoesNotExist")),
              new Part("bucket", CheckReport.Level.OK, List.of()),
              new Part("fallback", CheckReport.Level.WARNING, List.of("the schema is old")));
      assertThat(report.level()).isEqualTo(CheckReport.Level.FAULT);
      assertThat(report.toString())
          .isEqualTo(
              "queue FAULT: queue entry: QueueDoesNotExist, bucket OK,"
                  + " fallback WARNING: the schema is old");
    }
  }

  @Test
  void a_failed_check_is_logged_and_fatal_only_where_it_is_required() {
    MessageSink broken =
        counted(
            new AtomicInteger(),
            n -> {
              throw ScriptedSink.failure(Kind.NOT_SENT);
            });
    try (LogLines log = new LogLines(RateLimitedOnlyFansClient.class)) {
      builder(broken).startUpCheck(StartUpCheck.REPORT).build().close();
      assertThat(log.at(Level.ERROR)).containsExactly("Start-up check: queue FAULT: scripted");
    }
    assertThatThrownBy(() -> builder(broken).startUpCheck(StartUpCheck.REQUIRE).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the start-up check failed: queue FAULT: scripted");
    builder(sink).startUpCheck(StartUpCheck.REQUIRE).build().close();
  }

  @Test
  void a_client_built_from_settings_takes_their_switch_and_checks_its_parts() {
    RateLimiterConfig config = RateLimiterConfig.from(Map.of());
    try (LogLines log = new LogLines(RateLimitedOnlyFansClient.class);
        var client = RateLimitedOnlyFansClient.builder(config).sink(sink).build()) {
      assertThat(client.send(message("m1")).status()).isEqualTo(SendStatus.DISABLED);
      assertThat(log.at(Level.INFO)).contains("Start-up check: queue OK");
    }
  }
}
