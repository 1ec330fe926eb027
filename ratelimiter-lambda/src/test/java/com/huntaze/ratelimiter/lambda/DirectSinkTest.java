package com.huntaze.ratelimiter.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.GatewayException;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.HttpOnlyFansGateway;
import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.InMemorySentLog;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import com.huntaze.ratelimiter.testkit.ApiCall;
import com.huntaze.ratelimiter.testkit.ApiFault;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import com.huntaze.ratelimiter.testkit.ManualTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class DirectSinkTest {
  private final FakeOnlyFansApi api =
      FakeOnlyFansApi.builder().limit(2, Duration.ofMinutes(1)).start();
  private final OnlyFansGateway gateway = HttpOnlyFansGateway.builder(api.baseUri()).build();
  private final TokenBucket edge =
      InMemoryTokenBucket.of(RateLimit.rolling(2, Duration.ofMinutes(1)));
  private final SentLog sentLog = new InMemorySentLog();

  @AfterEach
  void close() {
    api.close();
  }

  private static OutboundMessage message(String id) {
    return OutboundMessage.builder(id, "creator", Instant.EPOCH)
        .recipientId("fan")
        .content("c")
        .build();
  }

  private List<SinkResult> send(OnlyFansGateway to, Ticker ticker, String... ids) {
    return new DirectSink(edge, sentLog, to, ticker, () -> Duration.ofSeconds(30), false)
        .sendAll(List.of(ids).stream().map(DirectSinkTest::message).toList());
  }

  private SentLog.Begin begun(String id) {
    return sentLog.begin(new SentLog.Claim(id, 0, "x"), Duration.ofSeconds(9), InDoubtPolicy.HOLD);
  }

  /** An edge that answers as told. */
  private static TokenBucket edge(Function<PermitRequest, Permit> answer) {
    return new GrantingBucket() {
      @Override
      public List<Permit> tryAcquireAll(List<PermitRequest> requests) {
        return requests.stream().map(answer).toList();
      }
    };
  }

  private static Kind kind(SinkResult result) {
    return ((SinkResult.NotTaken) result).reason().kind();
  }

  @Test
  void each_call_takes_a_permit_of_the_edge_and_none_is_made_without() {
    gateway.warmUp();
    List<SinkResult> results = send(gateway, Ticker.system(), "m1", "m2", "m3");
    assertThat(results.subList(0, 2)).allMatch(SinkResult.Taken.class::isInstance);
    assertThat(kind(results.get(2))).isEqualTo(Kind.NOT_SENT);
    assertThat(api.calls()).hasSize(2);
    api.checkLimit();
  }

  @Test
  void what_was_sent_is_taken_and_not_sent_again() {
    gateway.warmUp();
    send(gateway, Ticker.system(), "m1");
    assertThat(send(gateway, Ticker.system(), "m1").get(0)).isInstanceOf(SinkResult.Taken.class);
    assertThat(api.calls()).hasSize(1);
  }

  @Test
  void a_429_closes_the_scope_for_everybody() {
    gateway.warmUp();
    api.failNext(1, ApiFault.rateLimited(Duration.ofSeconds(30)));
    assertThat(kind(send(gateway, Ticker.system(), "m1").get(0))).isEqualTo(Kind.THROTTLED);
    Permit next = edge.tryAcquire(PermitRequest.of("other"));
    assertThat(((Permit.Refused) next).retryAfter()).isGreaterThan(Duration.ofSeconds(25));
  }

  @Test
  void an_ambiguous_call_is_held_and_not_made_again() {
    OnlyFansGateway silent =
        (message, timeout) -> {
          throw new GatewayException("no answer", true, null);
        };
    ManualTime time = new ManualTime();
    SentLog log = new InMemorySentLog(time);
    DirectSink sink =
        new DirectSink(edge, log, silent, Ticker.system(), () -> Duration.ofSeconds(30), false);
    assertThat(kind(sink.sendAll(List.of(message("m1"))).get(0))).isEqualTo(Kind.AMBIGUOUS);
    time.advance(Duration.ofSeconds(61));
    DirectSink later =
        new DirectSink(edge, log, gateway, Ticker.system(), () -> Duration.ofSeconds(30), false);
    assertThat(kind(later.sendAll(List.of(message("m1"))).get(0))).isEqualTo(Kind.MESSAGE_REFUSED);
    assertThat(api.calls()).isEmpty();
  }

  @Test
  void a_permit_that_grew_old_before_the_call_is_not_used() {
    ManualTime time = new ManualTime();
    TokenBucket slow =
        edge(
            request -> {
              time.advance(Duration.ofMillis(251));
              return edge.tryAcquire(request);
            });
    DirectSink sink =
        new DirectSink(slow, sentLog, gateway, time, () -> Duration.ofSeconds(30), false);
    assertThat(kind(sink.sendAll(List.of(message("m1"))).get(0))).isEqualTo(Kind.NOT_SENT);
    assertThat(api.calls()).isEmpty();
    assertThat(begun("m1")).isEqualTo(SentLog.Begin.STARTED);
  }

  @Test
  void without_time_for_the_call_none_is_begun() {
    DirectSink sink =
        new DirectSink(edge, sentLog, gateway, Ticker.system(), () -> Duration.ofSeconds(9), false);
    assertThat(kind(sink.sendAll(List.of(message("m1"))).get(0))).isEqualTo(Kind.NOT_SENT);
    assertThat(api.calls()).isEmpty();
  }

  @Test
  void a_refusal_for_good_ends_the_message_and_a_server_error_does_not() {
    gateway.warmUp();
    api.failNext(1, ApiFault.status(400));
    assertThat(send(gateway, Ticker.system(), "m1").get(0)).isInstanceOf(SinkResult.Taken.class);
    api.failNext(1, ApiFault.status(503));
    assertThat(kind(send(gateway, Ticker.system(), "m2").get(0))).isEqualTo(Kind.NOT_SENT);
  }

  @ParameterizedTest
  @CsvSource({
    "401, credentials_refused",
    "403, credentials_refused",
    "407, proxy_refused",
    "302, no_answer_of_the_api",
    "0, no_call_possible"
  })
  void an_answer_that_says_nothing_of_the_message_puts_it_aside_unsent(int status, String reason) {
    SinkResult result =
        send((message, timeout) -> GatewayResponse.of(status), Ticker.system(), "m1").get(0);
    assertThat(kind(result)).isEqualTo(Kind.MESSAGE_REFUSED);
    assertThat(((SinkResult.NotTaken) result).reason()).hasMessageContaining(reason);
    assertThat(begun("m1")).isEqualTo(SentLog.Begin.STARTED);
  }

  @Test
  void a_message_that_will_not_be_called_takes_no_permit() {
    gateway.warmUp();
    send(gateway, Ticker.system(), "m1");
    assertThat(begun("held")).isEqualTo(SentLog.Begin.STARTED);
    List<SinkResult> results = send(gateway, Ticker.system(), "m1", "held", "m2");
    assertThat(results.get(0)).isInstanceOf(SinkResult.Taken.class);
    assertThat(kind(results.get(1))).isEqualTo(Kind.NOT_SENT);
    assertThat(results.get(2)).as("the second of two permits").isInstanceOf(SinkResult.Taken.class);
    assertThat(api.calls()).hasSize(2);
    api.checkLimit();
  }

  @Test
  void a_message_without_a_permit_can_be_begun_again_at_once() {
    TokenBucket full = edge(request -> new Permit.Refused(request.id(), Duration.ofMinutes(1)));
    DirectSink sink =
        new DirectSink(
            full, sentLog, gateway, Ticker.system(), () -> Duration.ofSeconds(30), false);
    assertThat(kind(sink.sendAll(List.of(message("m1"))).get(0))).isEqualTo(Kind.NOT_SENT);
    assertThat(begun("m1")).isEqualTo(SentLog.Begin.STARTED);
  }

  @Test
  void a_call_that_the_wait_for_its_permit_left_no_time_for_is_not_begun() {
    Duration[] left = {Duration.ofSeconds(30)};
    TokenBucket slow =
        edge(
            request -> {
              left[0] = Duration.ofMillis(6_999);
              return edge.tryAcquire(request);
            });
    DirectSink sink = new DirectSink(slow, sentLog, gateway, Ticker.system(), () -> left[0], false);
    assertThat(kind(sink.sendAll(List.of(message("m1"))).get(0))).isEqualTo(Kind.NOT_SENT);
    assertThat(api.calls()).isEmpty();
    assertThat(begun("m1")).isEqualTo(SentLog.Begin.STARTED);
  }

  @Test
  void where_order_is_kept_a_creators_later_messages_wait_for_one_that_was_not_taken() {
    gateway.warmUp();
    List<OutboundMessage> messages =
        List.of(
            message("m1"),
            message("m2"),
            OutboundMessage.builder("o1", "other", Instant.EPOCH)
                .recipientId("fan")
                .content("c")
                .build());
    api.failNext(1, ApiFault.status(503));
    DirectSink ordered =
        new DirectSink(edge, sentLog, gateway, Ticker.system(), () -> Duration.ofSeconds(30), true);
    List<SinkResult> results = ordered.sendAll(messages);
    assertThat(kind(results.get(0))).isEqualTo(Kind.NOT_SENT);
    assertThat(kind(results.get(1))).isEqualTo(Kind.NOT_SENT);
    assertThat(results.get(2)).isInstanceOf(SinkResult.Taken.class);
    assertThat(api.deliveries()).extracting(ApiCall::messageId).containsExactly("o1");
  }

  @Test
  void what_is_refused_for_good_keeps_nobody_waiting_and_says_why_in_a_word() {
    gateway.warmUp();
    OutboundMessage read =
        OutboundMessage.builder("r1", "creator", Instant.EPOCH)
            .action(OutboundMessage.GET_MESSAGES)
            .build();
    OutboundMessage unknown =
        OutboundMessage.builder("u1", "creator", Instant.EPOCH).action("dance").build();
    DirectSink ordered =
        new DirectSink(edge, sentLog, gateway, Ticker.system(), () -> Duration.ofSeconds(30), true);
    List<SinkResult> results = ordered.sendAll(List.of(read, unknown, message("m1")));
    assertThat(results.subList(0, 2))
        .allMatch(each -> kind(each) == Kind.MESSAGE_REFUSED)
        .extracting(each -> ((SinkResult.NotTaken) each).reason().getMessage())
        .containsExactly("no_result_store", "unknown_action");
    assertThat(results.get(2)).isInstanceOf(SinkResult.Taken.class);
    assertThat(api.calls()).hasSize(1);
  }
}
