package com.huntaze.ratelimiter.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.GatewayException;
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
import com.huntaze.ratelimiter.testkit.ApiFault;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import com.huntaze.ratelimiter.testkit.ManualTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

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
    return new DirectSink(edge, sentLog, to, ticker, () -> Duration.ofSeconds(30))
        .sendAll(List.of(ids).stream().map(DirectSinkTest::message).toList());
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
        new DirectSink(edge, log, silent, Ticker.system(), () -> Duration.ofSeconds(30));
    assertThat(kind(sink.sendAll(List.of(message("m1"))).get(0))).isEqualTo(Kind.AMBIGUOUS);
    time.advance(Duration.ofSeconds(61));
    DirectSink later =
        new DirectSink(edge, log, gateway, Ticker.system(), () -> Duration.ofSeconds(30));
    assertThat(kind(later.sendAll(List.of(message("m1"))).get(0))).isEqualTo(Kind.MESSAGE_REFUSED);
    assertThat(api.calls()).isEmpty();
  }

  @Test
  void a_permit_that_grew_old_before_the_call_is_not_used() {
    ManualTime time = new ManualTime();
    SentLog slow =
        new SentLog() {
          @Override
          public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
            time.advance(Duration.ofMillis(251));
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
    DirectSink sink = new DirectSink(edge, slow, gateway, time, () -> Duration.ofSeconds(30));
    assertThat(kind(sink.sendAll(List.of(message("m1"))).get(0))).isEqualTo(Kind.NOT_SENT);
    assertThat(api.calls()).isEmpty();
    assertThat(
            sentLog.begin(
                new SentLog.Claim("m1", 0, "x"), Duration.ofSeconds(9), InDoubtPolicy.HOLD))
        .isEqualTo(SentLog.Begin.STARTED);
  }

  @Test
  void without_time_for_the_call_none_is_begun() {
    DirectSink sink =
        new DirectSink(edge, sentLog, gateway, Ticker.system(), () -> Duration.ofSeconds(9));
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
}
