package com.huntaze.ratelimiter.examples.browser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.huntaze.ratelimiter.delivery.GatewayException;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.ApiCall;
import com.huntaze.ratelimiter.testkit.ApiFault;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import com.huntaze.ratelimiter.testkit.TcpProxy;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** The gateway over a process that stands for a browser, on the page that is shipped. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class BrowserGatewayTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration SHORT = Duration.ofMillis(700);
  private static final String SECRET = "s3cr3t-content";

  private final FakeOnlyFansApi api =
      FakeOnlyFansApi.builder().limit(100, Duration.ofSeconds(1)).start();
  private final PageServer pages = PageServer.start(api.baseUri());
  private final TcpProxy wire = TcpProxy.to("127.0.0.1", pages.page().getPort());
  private final StandInBrowser.Made browsers =
      new StandInBrowser.Made(URI.create("http://127.0.0.1:" + wire.port() + "/"));
  private final BrowserGateway gateway = gateway(PATIENCE);
  private final ExecutorService callers = Executors.newCachedThreadPool();

  private BrowserGateway gateway(Duration freshness) {
    return BrowserGateway.builder(browsers).freshness(freshness).startTimeout(PATIENCE).build();
  }

  @AfterEach
  void close() {
    gateway.close();
    callers.shutdownNow();
    wire.close();
    pages.close();
    api.close();
    assertThat(browsers.all()).noneMatch(StandInBrowser::isAlive);
  }

  private static OutboundMessage message(String id) {
    return OutboundMessage.builder(id, "user", Instant.now())
        .creatorId("creator")
        .recipientId("fan")
        .content(SECRET)
        .build();
  }

  private GatewayException failure(String id, Duration timeout) {
    GatewayException failure =
        catchThrowableOfType(GatewayException.class, () -> gateway.call(message(id), timeout));
    assertThat(failure).as("the call of %s fails", id).isNotNull();
    assertThat(failure).hasMessageContaining(id);
    StringWriter trace = new StringWriter();
    failure.printStackTrace(new PrintWriter(trace));
    assertThat(trace.toString()).doesNotContain(SECRET);
    return failure;
  }

  private List<String> calls() {
    return api.calls().stream().map(ApiCall::messageId).toList();
  }

  @Test
  void what_the_page_shows_is_the_answer() {
    api.failNext(1, ApiFault.rateLimited(Duration.ofSeconds(7)));
    GatewayResponse limited = gateway.call(message("limited"), PATIENCE);
    assertThat(limited.outcome()).isEqualTo(GatewayResponse.Outcome.RATE_LIMITED);
    assertThat(limited.retryAfter()).contains(Duration.ofSeconds(7));
    api.failNext(1, ApiFault.status(500));
    assertThat(gateway.call(message("failed"), PATIENCE).statusCode()).isEqualTo(500);
    api.failNext(1, ApiFault.status(404));
    assertThat(gateway.call(message("refused"), PATIENCE).statusCode()).isEqualTo(404);
    assertThat(gateway.call(message("taken"), PATIENCE).outcome())
        .isEqualTo(GatewayResponse.Outcome.DELIVERED);
    assertThat(api.body("taken")).hasValueSatisfying(body -> assertThat(body).contains(SECRET));
    assertThat(api.calls().get(3).creatorId()).isEqualTo("creator");
    assertThat(browsers.count()).isEqualTo(1);
  }

  @Test
  void a_browser_killed_between_calls_fails_one_call_that_never_left_and_is_started_again() {
    gateway.call(message("before"), PATIENCE);
    browsers.last().crash();
    assertThat(failure("meanwhile", PATIENCE).isAmbiguous()).isFalse();
    assertThat(gateway.call(message("meanwhile"), PATIENCE).statusCode()).isEqualTo(200);
    assertThat(browsers.count()).isEqualTo(2);
    assertThat(calls()).containsExactly("before", "meanwhile");
  }

  @Test
  void a_browser_killed_after_the_press_leaves_its_call_ambiguous_and_is_started_again()
      throws Exception {
    gateway.warmUp();
    api.failNext(1, ApiFault.hangAfterDelivery(PATIENCE));
    Future<GatewayException> call = callers.submit(() -> failure("pressed", PATIENCE));
    assertThat(api.awaitDeliveries(1, PATIENCE)).isTrue();
    browsers.last().crash();
    assertThat(call.get(10, TimeUnit.SECONDS).isAmbiguous()).isTrue();
    assertThat(gateway.call(message("next"), PATIENCE).statusCode()).isEqualTo(200);
    assertThat(calls()).containsExactly("pressed", "next");
  }

  @Test
  void a_page_that_never_loads_fails_the_call_in_time_and_never_as_sent() {
    wire.stall();
    long start = System.nanoTime();
    assertThat(failure("unloaded", SHORT).isAmbiguous()).isFalse();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(SHORT.multipliedBy(4));
    wire.restore();
    assertThat(gateway.call(message("unloaded"), PATIENCE).statusCode()).isEqualTo(200);
    assertThat(calls()).containsExactly("unloaded");
  }

  @Test
  void an_answer_that_never_comes_is_ambiguous_in_time_and_the_browser_is_ended() {
    gateway.warmUp();
    StandInBrowser first = browsers.last();
    api.failNext(1, ApiFault.hangAfterDelivery(PATIENCE));
    long start = System.nanoTime();
    assertThat(failure("unanswered", SHORT).isAmbiguous()).isTrue();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(SHORT.multipliedBy(4));
    assertThat(gateway.call(message("next"), PATIENCE).statusCode()).isEqualTo(200);
    assertThat(first.isAlive()).isFalse();
    assertThat(calls()).containsExactly("unanswered", "next");
  }

  @Test
  void a_connection_to_the_api_that_is_cut_is_ambiguous() {
    api.failNext(1, ApiFault.resetAfterDelivery());
    assertThat(failure("cut", PATIENCE).isAmbiguous()).isTrue();
  }

  @Test
  void the_button_is_not_pressed_for_a_caller_that_has_left() {
    gateway.warmUp();
    CountDownLatch left = new CountDownLatch(1);
    browsers.before =
        step -> {
          if (step.equals("fill")) {
            await(left);
          }
        };
    assertThat(failure("abandoned", SHORT).isAmbiguous()).isFalse();
    left.countDown();
    browsers.before = step -> {};
    assertThat(gateway.call(message("next"), PATIENCE).statusCode()).isEqualTo(200);
    assertThat(calls()).containsExactly("next");
  }

  @Test
  void a_caller_that_is_interrupted_keeps_its_flag_and_nothing_is_pressed() throws Exception {
    gateway.warmUp();
    CountDownLatch filling = new CountDownLatch(1);
    CountDownLatch left = new CountDownLatch(1);
    browsers.before =
        step -> {
          filling.countDown();
          await(left);
        };
    CompletableFuture<Boolean> flag = new CompletableFuture<>();
    Thread caller =
        new Thread(
            () -> {
              boolean ambiguous = failure("interrupted", PATIENCE).isAmbiguous();
              flag.complete(!ambiguous && Thread.currentThread().isInterrupted());
            });
    caller.start();
    await(filling);
    caller.interrupt();
    assertThat(flag.get(10, TimeUnit.SECONDS)).isTrue();
    left.countDown();
    gateway.close();
    assertThat(calls()).isEmpty();
  }

  @Test
  void a_permit_too_old_at_the_button_is_not_used() {
    CountDownLatch late = new CountDownLatch(1);
    try (BrowserGateway strict = gateway(Duration.ofMillis(150))) {
      strict.warmUp();
      browsers.before =
          step -> {
            if (step.equals("fill")) {
              assertThat(notIn(late, Duration.ofMillis(200))).isTrue();
            }
          };
      assertThatThrownBy(() -> strict.call(message("late"), PATIENCE))
          .isInstanceOfSatisfying(
              GatewayException.class, e -> assertThat(e.isAmbiguous()).isFalse())
          .hasMessageContaining("permit");
      assertThat(calls()).isEmpty();
    }
  }

  @Test
  void many_callers_take_turns_on_the_one_thread_of_the_browser() throws Exception {
    Set<Thread> threads = ConcurrentHashMap.newKeySet();
    AtomicInteger sends = new AtomicInteger();
    browsers.before =
        step -> {
          threads.add(Thread.currentThread());
          if (step.equals("send")) {
            sends.incrementAndGet();
          }
        };
    List<Future<GatewayResponse>> calls = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      String id = "many-" + i;
      calls.add(callers.submit(() -> gateway.call(message(id), PATIENCE)));
    }
    for (Future<GatewayResponse> call : calls) {
      assertThat(call.get(30, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }
    assertThat(threads).singleElement().extracting(Thread::getName).isEqualTo("browser");
    assertThat(browsers.count()).isEqualTo(1);
    assertThat(sends).hasValue(40);
    assertThat(calls())
        .containsExactlyInAnyOrderElementsOf(
            IntStream.range(0, 40).mapToObj(i -> "many-" + i).toList());
  }

  @Test
  void warming_up_leaves_a_browser_ready_and_calls_nothing() {
    gateway.warmUp();
    assertThat(browsers.last().isAlive()).isTrue();
    List<String> steps = new ArrayList<>();
    browsers.before = steps::add;
    gateway.call(message("first"), PATIENCE);
    assertThat(steps).containsExactly("fill", "send");
    assertThat(calls()).containsExactly("first");
  }

  @Test
  void what_a_browser_throws_is_not_quoted_once_it_has_the_message() {
    gateway.warmUp();
    Logger logger = (Logger) LoggerFactory.getLogger(BrowserGateway.class);
    Level before = logger.getLevel();
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    lines.start();
    logger.addAppender(lines);
    logger.setLevel(Level.TRACE);
    try {
      browsers.before =
          step -> {
            browsers.before = next -> {};
            throw new IllegalStateException("could not fill in " + SECRET);
          };
      assertThat(failure("quoted", PATIENCE)).hasMessageContaining("IllegalStateException");
    } finally {
      logger.detachAppender(lines);
      logger.setLevel(before);
    }
    assertThat(lines.list)
        .allSatisfy(
            line -> {
              assertThat(line.getFormattedMessage()).doesNotContain(SECRET);
              assertThat(line.getThrowableProxy()).isNull();
            });
    assertThat(gateway.call(message("quoted"), PATIENCE).statusCode()).isEqualTo(200);
  }

  @Test
  void a_closed_gateway_ends_its_browser_and_sends_nothing() {
    gateway.warmUp();
    gateway.close();
    assertThat(browsers.last().isAlive()).isFalse();
    assertThat(failure("closed", PATIENCE).isAmbiguous()).isFalse();
    assertThat(calls()).isEmpty();
  }

  @Test
  void the_form_knows_one_action() {
    assertThat(gateway.supports(OutboundMessage.SEND_MESSAGE)).isTrue();
    assertThat(gateway.supports(OutboundMessage.GET_MESSAGES)).isFalse();
  }

  private static void await(CountDownLatch latch) {
    assertThat(notIn(latch, PATIENCE)).isFalse();
  }

  private static boolean notIn(CountDownLatch latch, Duration time) {
    try {
      return !latch.await(time.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
