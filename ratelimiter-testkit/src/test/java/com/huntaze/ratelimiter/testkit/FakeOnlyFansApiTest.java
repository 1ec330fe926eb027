package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class FakeOnlyFansApiTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final Duration LONG = Duration.ofMinutes(10);

  private final ManualTime time = new ManualTime();
  private final FakeOnlyFansApi api =
      FakeOnlyFansApi.builder().limit(10, MINUTE).ticker(time).start();
  private final HttpClient http = HttpClient.newHttpClient();

  @AfterEach
  void close() {
    api.close();
  }

  @Test
  void a_message_is_delivered_and_answered_with_its_id() throws Exception {
    HttpResponse<String> answer = send("m\"1\\");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo("{\"id\":\"m\\\"1\\\\\"}");
    assertThat(api.delivered("m\"1\\")).isTrue();
    assertThat(api.delivered("m2")).isFalse();
    assertThat(api.body("m\"1\\")).contains("{\"text\":\"hé\"}");
  }

  @Test
  void a_call_is_recorded_with_all_that_names_it() throws Exception {
    time.advance(Duration.ofNanos(42));
    http.send(
        request("m1", "c/1").header("traceparent", "00-abc-def-01").build(),
        BodyHandlers.ofString());

    assertThat(api.calls()).hasSize(1);
    ApiCall call = api.calls().get(0);
    assertThat(call.index()).isZero();
    assertThat(call.arrivalNanos()).isEqualTo(42);
    assertThat(call.messageId()).isEqualTo("m1");
    assertThat(call.creatorId()).isEqualTo("c/1");
    assertThat(call.recipientId()).isEqualTo("fan 7/ü+");
    assertThat(call.status()).isEqualTo(200);
    assertThat(call.traceparent()).contains("00-abc-def-01");
  }

  @Test
  void the_eleventh_call_of_a_window_is_refused_and_reported() throws Exception {
    sendAll(10);
    time.advance(Duration.ofMillis(20_500));

    HttpResponse<String> eleventh = send("m10");

    assertThat(eleventh.statusCode()).isEqualTo(429);
    assertThat(eleventh.headers().firstValue("Retry-After")).contains("40");
    assertThat(api.rejected429()).isEqualTo(1);
    assertThat(api.delivered("m10")).isFalse();
    assertThat(api.maxCallsInAnyWindow()).isEqualTo(11);
    assertThat(api.span()).isEqualTo(Duration.ofMillis(20_500));
    assertThatThrownBy(api::checkLimit)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("11 calls in a window of PT1M that allows 10")
        .hasMessageContaining("+PT20.5S call 10 message m10 creator c1 status 429");
  }

  @Test
  void a_burst_of_concurrent_calls_is_counted_exactly() {
    CompletableFuture<?>[] answers =
        IntStream.range(0, 11).mapToObj(i -> sendAsync("m" + i)).toArray(CompletableFuture[]::new);
    CompletableFuture.allOf(answers).join();

    assertThat(api.calls()).extracting(ApiCall::index).containsExactlyElementsOf(indexes(11));
    assertThat(api.maxCallsInAnyWindow()).isEqualTo(11);
    assertThat(api.rejected429()).isEqualTo(1);
    assertThat(api.deliveries()).hasSize(10);
  }

  @Test
  void a_window_ends_just_before_its_length_has_passed() throws Exception {
    sendAll(10);
    time.advance(MINUTE.minusNanos(1));
    HttpResponse<String> tooEarly = send("early");
    assertThat(tooEarly.statusCode()).isEqualTo(429);
    assertThat(tooEarly.headers().firstValue("Retry-After")).contains("1");
    assertThat(api.maxCallsInAnyWindow()).isEqualTo(11);

    time.advance(Duration.ofNanos(1));
    assertThat(send("on-time").statusCode()).isEqualTo(200);
    assertThat(api.maxCallsInAnyWindow()).isEqualTo(11);
  }

  @Test
  void calls_exactly_a_window_apart_keep_the_limit() throws Exception {
    sendAll(10);
    time.advance(MINUTE);
    sendAll(10);

    assertThat(api.rejected429()).isZero();
    assertThat(api.maxCallsInAnyWindow()).isEqualTo(10);
    assertThat(api.maxCallsInAnyWindow(MINUTE.plusNanos(1))).isEqualTo(20);
    assertThat(api.maxCallsInAnyWindow(MINUTE, call -> call.index() % 2 == 0)).isEqualTo(5);
    assertThatCode(api::checkLimit).doesNotThrowAnyException();
    assertThatThrownBy(() -> api.checkLimit(9, MINUTE)).isInstanceOf(AssertionError.class);
  }

  @Test
  void a_refused_call_uses_up_the_window_like_any_other() throws Exception {
    sendAll(10);
    time.advance(Duration.ofSeconds(30));
    send("refused");
    time.advance(Duration.ofSeconds(30));

    sendAll(9);
    assertThat(send("one too many").statusCode()).isEqualTo(429);
  }

  @Test
  void a_message_delivered_twice_is_a_duplicate() throws Exception {
    send("m1");
    send("m2");
    send("m1");

    assertThat(api.duplicates()).containsExactly("m1");
    assertThat(api.order("c1")).containsExactly("m1", "m2", "m1");
    assertThat(api.order("c2")).isEmpty();
  }

  @Test
  void a_message_refused_and_sent_again_is_no_duplicate() throws Exception {
    api.failNext(1, ApiFault.status(503));

    assertThat(send("m1").statusCode()).isEqualTo(503);
    assertThat(send("m1").statusCode()).isEqualTo(200);

    assertThat(api.duplicates()).isEmpty();
    assertThat(api.deliveries()).hasSize(1);
    assertThat(api.calls()).extracting(ApiCall::status).containsExactly(503, 200);
  }

  @Test
  void a_planned_429_says_when_to_come_back_in_whole_seconds() throws Exception {
    api.failNext(1, ApiFault.rateLimited(Duration.ofMillis(1001)));

    HttpResponse<String> answer = send("m1");

    assertThat(answer.statusCode()).isEqualTo(429);
    assertThat(answer.headers().firstValue("Retry-After")).contains("2");
    assertThat(api.rejected429()).isEqualTo(1);
  }

  @Test
  void a_fault_can_follow_one_message_until_it_is_healed() throws Exception {
    api.failWhen(call -> call.messageId().equals("poison"), ApiFault.status(400));

    assertThat(send("m1").statusCode()).isEqualTo(200);
    assertThat(send("poison").statusCode()).isEqualTo(400);
    assertThat(send("poison").statusCode()).isEqualTo(400);
    api.heal();
    assertThat(send("poison").statusCode()).isEqualTo(200);
  }

  @Test
  void a_connection_closed_before_delivery_leaves_the_fan_without_the_message() {
    api.failNext(1, ApiFault.resetBeforeDelivery());

    assertThatThrownBy(() -> send("m1")).isInstanceOf(IOException.class);

    assertThat(api.calls()).extracting(ApiCall::status).containsExactly(0);
    assertThat(api.deliveries()).isEmpty();
  }

  @Test
  void a_connection_closed_after_delivery_counts_as_delivered() {
    api.failNext(1, ApiFault.resetAfterDelivery());

    assertThatThrownBy(() -> send("m1")).isInstanceOf(IOException.class);

    assertThat(api.calls()).extracting(ApiCall::status).containsExactly(0);
    assertThat(api.delivered("m1")).isTrue();
  }

  @Test
  void an_answer_held_back_before_delivery_is_not_delivered() {
    api.failNext(1, ApiFault.hangBeforeDelivery(LONG));

    CompletableFuture<?> answer = sendAsync("m1");

    assertThat(api.awaitCalls(1, SOON)).isTrue();
    assertThat(api.calls()).extracting(ApiCall::status).containsExactly(504);
    assertThat(api.awaitDeliveries(1, Duration.ofMillis(200))).isFalse();
    assertThat(answer).isNotDone();
  }

  @Test
  void an_answer_held_back_after_delivery_is_delivered() {
    api.failNext(1, ApiFault.hangAfterDelivery(LONG));

    CompletableFuture<?> answer = sendAsync("m1");

    assertThat(api.awaitDeliveries(1, SOON)).isTrue();
    assertThat(api.delivered("m1")).isTrue();
    assertThat(answer).isNotDone();
  }

  @Test
  void a_caller_that_stops_waiting_is_recorded_all_the_same() throws Exception {
    send("warm-up");
    api.failNext(1, ApiFault.hangAfterDelivery(LONG));

    assertThatThrownBy(() -> sendWithin("m1", Duration.ofSeconds(2)))
        .isInstanceOf(HttpTimeoutException.class);

    assertThat(api.delivered("m1")).isTrue();
  }

  @Test
  void a_held_answer_comes_in_the_end() throws Exception {
    api.failNext(1, ApiFault.hangBeforeDelivery(Duration.ofMillis(50)));
    api.failNext(1, ApiFault.hangAfterDelivery(Duration.ofMillis(50)));

    assertThat(send("m1").statusCode()).isEqualTo(504);
    assertThat(send("m2").statusCode()).isEqualTo(200);
  }

  @Test
  void latency_delays_the_answer_and_not_the_delivery() {
    try (FakeOnlyFansApi slow = FakeOnlyFansApi.builder().latency(LONG).start()) {
      CompletableFuture<HttpResponse<Void>> answer =
          http.sendAsync(request(slow, "m1", "c1").build(), BodyHandlers.discarding());

      assertThat(slow.awaitDeliveries(1, SOON)).isTrue();
      assertThat(answer).isNotDone();
    }
  }

  @Test
  void waiting_for_deliveries_counts_messages_and_not_their_duplicates() throws Exception {
    send("m1");
    send("m1");

    assertThat(api.awaitDeliveries(1, Duration.ZERO)).isTrue();
    assertThat(api.awaitCalls(2, Duration.ZERO)).isTrue();
    assertThat(api.awaitCalls(3, Duration.ofMillis(10))).isFalse();
    assertThat(api.awaitDeliveries(2, Duration.ofMillis(10))).isFalse();
  }

  @Test
  void a_call_without_an_id_is_refused_and_still_counts() throws Exception {
    HttpRequest anonymous =
        HttpRequest.newBuilder(api.baseUri().resolve("/chats/fan/messages"))
            .POST(BodyPublishers.ofString("{}"))
            .build();

    assertThat(http.send(anonymous, BodyHandlers.discarding()).statusCode()).isEqualTo(400);
    assertThat(api.maxCallsInAnyWindow()).isEqualTo(1);
    assertThat(api.deliveries()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/chats//messages", "/chats/a/b/messages", "/chats/a/messages/"})
  void a_request_elsewhere_is_no_call(String path) throws Exception {
    HttpRequest elsewhere =
        HttpRequest.newBuilder(URI.create(api.baseUri() + path))
            .POST(BodyPublishers.ofString("{}"))
            .build();

    assertThat(http.send(elsewhere, BodyHandlers.discarding()).statusCode()).isEqualTo(404);
    assertThat(api.calls()).isEmpty();
    assertThat(api.unexpected()).containsExactly("POST " + path);
  }

  @Test
  void reading_messages_is_no_call() throws Exception {
    HttpRequest get =
        HttpRequest.newBuilder(api.baseUri().resolve("/chats/fan/messages")).GET().build();

    assertThat(http.send(get, BodyHandlers.discarding()).statusCode()).isEqualTo(404);
    assertThat(api.unexpected()).containsExactly("GET /chats/fan/messages");
  }

  @Test
  void closing_ends_every_thread_and_keeps_the_record() throws Exception {
    send("m1");
    api.close();
    api.close();

    String name = "fake-onlyfans-api-" + api.baseUri().getPort();
    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(thread -> thread.getName().startsWith(name));
    assertThat(api.delivered("m1")).isTrue();
    assertThatThrownBy(() -> send("m2")).isInstanceOf(IOException.class);
  }

  @Test
  void limits_and_faults_that_make_no_sense_are_refused() {
    FakeOnlyFansApi.Builder builder = FakeOnlyFansApi.builder();
    assertThatThrownBy(() -> builder.limit(0, MINUTE)).hasMessageContaining("calls");
    assertThatThrownBy(() -> builder.limit(1, Duration.ZERO)).hasMessageContaining("window");
    assertThatThrownBy(() -> ApiFault.status(200)).hasMessageContaining("status");
    assertThatThrownBy(() -> ApiFault.hangAfterDelivery(Duration.ofMillis(-1)))
        .hasMessageContaining("hold");
  }

  private void sendAll(int messages) throws Exception {
    for (int i = 0; i < messages; i++) {
      assertThat(send("m" + i).statusCode()).isEqualTo(200);
    }
  }

  private HttpResponse<String> send(String messageId) throws Exception {
    return http.send(request(messageId, "c1").build(), BodyHandlers.ofString());
  }

  private CompletableFuture<?> sendAsync(String messageId) {
    return http.sendAsync(request(messageId, "c1").build(), BodyHandlers.discarding());
  }

  private HttpResponse<String> sendWithin(String messageId, Duration timeout) throws Exception {
    return http.send(request(messageId, "c1").timeout(timeout).build(), BodyHandlers.ofString());
  }

  private HttpRequest.Builder request(String messageId, String creatorId) {
    return request(api, messageId, creatorId);
  }

  private static HttpRequest.Builder request(
      FakeOnlyFansApi to, String messageId, String creatorId) {
    return HttpRequest.newBuilder(to.baseUri().resolve("/chats/fan%207%2F%C3%BC+/messages"))
        .header("Idempotency-Key", messageId)
        .header("X-Creator-Id", creatorId)
        .POST(BodyPublishers.ofString("{\"text\":\"hé\"}"));
  }

  private static Iterable<Integer> indexes(int count) {
    return IntStream.range(0, count).boxed().toList();
  }
}
