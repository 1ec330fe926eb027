package com.huntaze.ratelimiter.lambda;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import com.huntaze.ratelimiter.testkit.SqsFault;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.model.Message;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RateLimiterHandlerTest {
  private final Deployment deployment = new Deployment(false, "5/60s");

  @AfterEach
  void close() {
    deployment.close();
  }

  private static String[] bodies(int count) {
    return IntStream.range(0, count).mapToObj(i -> Deployment.body("m" + i)).toArray(String[]::new);
  }

  private List<String> handle(RateLimiterHandler handler, List<Message> messages) {
    return Events.failures(handler, Events.of(deployment.entryName(), messages), new FakeContext());
  }

  private static List<String> handle(RateLimiterHandler handler, String event) {
    return Events.failures(handler, event.getBytes(UTF_8), new FakeContext());
  }

  @Test
  void an_event_of_ten_takes_one_round_trip_to_redis_and_two_calls_of_sqs() {
    RateLimiterHandler handler = new RateLimiterHandler(deployment.environment());
    handle(handler, deployment.received(Deployment.body("first"))); // connects, loads the script
    List<Message> ten = deployment.received(bodies(10));
    long scripts = deployment.scripts();
    int calls = deployment.faults.calls();

    List<String> failures = handle(handler, ten);

    assertThat(ten).hasSize(10);
    assertThat(failures).hasSize(6);
    assertThat(deployment.scripts() - scripts).as("scripts run by Redis").isEqualTo(1);
    assertThat(deployment.faults.calls() - calls).as("calls of SQS").isEqualTo(2);
    assertThat(deployment.faults.calls("SendMessageBatch")).isEqualTo(2);
    assertThat(deployment.faults.calls("ChangeMessageVisibilityBatch")).isEqualTo(1);
    assertThat(deployment.visible(deployment.workflow)).isEqualTo(5);
  }

  @Test
  void what_is_booked_is_listed_and_hidden_and_what_is_forwarded_is_not_listed() {
    RateLimiterHandler handler = new RateLimiterHandler(deployment.environment());
    List<Message> six = deployment.received(bodies(6));

    assertThat(handle(handler, six)).containsExactly(six.get(5).messageId());
    assertThat(deployment.visible(deployment.entry.url())).isZero();
    assertThat(deployment.inFlight(deployment.entry.url())).isEqualTo(6);

    Message forwarded = deployment.receive(deployment.workflow, 1).get(0);
    assertThat(PayloadCodec.workflow().decode(forwarded.body()).messageId())
        .isEqualTo(PayloadCodec.standard().decode(six.get(0).body()).messageId());
    assertThat(forwarded.messageAttributes())
        .containsOnlyKeys("rate_limit_timestamp", "tokens_remaining", "rate_limiter_version");
    assertThat(forwarded.messageAttributes().get("tokens_remaining").dataType())
        .isEqualTo("Number");
    assertThat(forwarded.messageAttributes().get("rate_limiter_version").stringValue())
        .startsWith("0.");
  }

  @Test
  void poison_is_in_the_dead_letters_with_its_reason_at_its_first_receive() {
    RateLimiterHandler handler = new RateLimiterHandler(deployment.environment());
    List<Message> messages =
        deployment.received("{\"no\":\"message\"", Deployment.body("m1"), "[\"secret\"]");

    assertThat(handle(handler, messages)).isEmpty();

    List<Message> dead = deployment.receive(deployment.entry.deadLetterUrl(), 2);
    assertThat(dead)
        .extracting(Message::body)
        .containsExactlyInAnyOrder("{\"no\":\"message\"", "[\"secret\"]");
    assertThat(dead)
        .extracting(message -> message.messageAttributes().get("reason").stringValue())
        .containsExactlyInAnyOrder("NOT_JSON", "NOT_AN_OBJECT");
    assertThat(deployment.visible(deployment.workflow)).isEqualTo(1);
  }

  @Test
  void poison_that_cannot_be_put_aside_is_listed() {
    RateLimiterHandler handler = new RateLimiterHandler(deployment.environment());
    List<Message> messages = deployment.received("no JSON", Deployment.body("m1"));
    String poison =
        messages.stream()
            .filter(m -> m.body().equals("no JSON"))
            .findFirst()
            .orElseThrow()
            .messageId();
    deployment.faults.failAll(SqsFault.SERVICE_UNAVAILABLE, "SendMessage");

    assertThat(handle(handler, messages)).containsExactly(poison);
    assertThat(deployment.visible(deployment.workflow)).isEqualTo(1);
  }

  @Test
  void each_bad_record_fails_alone_or_is_put_aside() {
    RateLimiterHandler handler = new RateLimiterHandler(deployment.environment());
    String deep = "[".repeat(5_000) + "]".repeat(5_000);
    List<Message> messages =
        deployment.received(
            "not JSON at all",
            "{\"messageId\":7,\"userId\":\"u\"}",
            "{\"userId\":\"u\"}",
            deep,
            "{\"messageId\":\"a\",\"messageId\":\"b\"}",
            "x".repeat(250_000),
            Deployment.body("well"));
    assertThat(handle(handler, messages)).isEmpty();
    assertThat(deployment.visible(deployment.entry.deadLetterUrl())).isEqualTo(6);
    assertThat(deployment.visible(deployment.workflow)).isEqualTo(1);
  }

  @Test
  void while_redis_is_down_the_whole_batch_goes_back_and_none_is_dead_lettered() {
    Map<String, String> environment = deployment.environment();
    environment.put("REDIS_URL", "redis://127.0.0.1:1");
    List<Message> three = deployment.received(bodies(3));

    assertThat(handle(new RateLimiterHandler(environment), three))
        .containsExactlyElementsOf(three.stream().map(Message::messageId).toList());

    assertThat(deployment.visible(deployment.workflow)).isZero();
    assertThat(deployment.visible(deployment.entry.deadLetterUrl())).isZero();
    assertThat(deployment.visible(deployment.entry.url())).isZero();
    assertThat(deployment.faults.calls("ChangeMessageVisibilityBatch")).isEqualTo(1);
  }

  @Test
  void what_could_not_be_forwarded_is_listed_and_keeps_its_grant() {
    RateLimiterHandler handler = new RateLimiterHandler(deployment.environment());
    List<Message> five = deployment.received(bodies(5));
    deployment.faults.failAll(SqsFault.SERVICE_UNAVAILABLE, "SendMessageBatch");
    assertThat(handle(handler, five)).hasSize(5);

    deployment.faults.heal();
    assertThat(handle(handler, five)).as("their grants are still theirs").isEmpty();
    assertThat(deployment.visible(deployment.workflow)).isEqualTo(5);
  }

  @Test
  void a_visibility_that_is_refused_is_asked_for_again_and_the_message_listed_all_the_same() {
    RateLimiterHandler handler = new RateLimiterHandler(deployment.environment());
    List<Message> six = deployment.received(bodies(6));
    deployment.faults.failNext(1, SqsFault.INTERNAL_ERROR, "ChangeMessageVisibilityBatch");
    assertThat(handle(handler, six)).containsExactly(six.get(5).messageId());
    assertThat(deployment.faults.calls("ChangeMessageVisibilityBatch")).isEqualTo(2);
  }

  @Test
  void an_event_that_is_none_of_sqs_fails_as_a_whole() {
    RateLimiterHandler handler = new RateLimiterHandler(deployment.environment());
    for (String event :
        List.of(
            "",
            "no JSON",
            "{}",
            "[]",
            "{\"Records\":7}",
            "{\"Records\":[]} {}",
            "{\"Records\":[7]}")) {
      assertThat(Events.failures(handler, event.getBytes(UTF_8), new FakeContext()))
          .as(event)
          .containsExactly("");
    }
  }

  @Test
  void beside_a_record_that_cannot_be_named_the_others_are_deleted_by_the_handler() {
    RateLimiterHandler handler = new RateLimiterHandler(deployment.environment());
    List<Message> two = deployment.received(bodies(2));
    String event = new String(Events.of(deployment.entryName(), two), UTF_8);
    String nameless = event.replace("\"" + two.get(1).messageId() + "\"", "null");

    assertThat(handle(handler, nameless)).containsExactly("");
    assertThat(deployment.visible(deployment.workflow)).isEqualTo(1);
    assertThat(deployment.inFlight(deployment.entry.url())).as("the nameless one").isEqualTo(1);

    List<Message> poison = deployment.received("no JSON");
    List<Message> both = List.of(poison.get(0), two.get(1));
    nameless =
        new String(Events.of(deployment.entryName(), both), UTF_8)
            .replace("\"" + two.get(1).messageId() + "\"", "null");
    handle(handler, nameless);
    assertThat(deployment.visible(deployment.entry.deadLetterUrl())).isEqualTo(1);
    assertThat(deployment.inFlight(deployment.entry.url())).as("still alone").isEqualTo(1);
  }

  @Test
  void without_time_nothing_is_begun_and_everything_is_listed() {
    RateLimiterHandler handler = new RateLimiterHandler(deployment.environment());
    List<Message> two = deployment.received(bodies(2));
    int calls = deployment.faults.calls();
    assertThat(
            Events.failures(
                handler,
                Events.of(deployment.entryName(), two),
                new FakeContext(() -> Duration.ofSeconds(2))))
        .hasSize(2);
    assertThat(deployment.faults.calls()).isEqualTo(calls);
  }

  @Test
  void without_a_workflow_queue_the_api_is_called_with_permits_of_the_edge() {
    try (FakeOnlyFansApi api = FakeOnlyFansApi.builder().limit(5, Duration.ofMinutes(1)).start()) {
      Map<String, String> environment = deployment.environment();
      environment.remove("SQS_WORKFLOW_QUEUE");
      environment.put("ONLYFANS_API_URL", api.baseUri().toString());
      RateLimiterHandler handler = new RateLimiterHandler(environment);
      List<Message> two = deployment.received(bodies(2));

      assertThat(handle(handler, two)).isEmpty();
      assertThat(handle(handler, two)).as("sent before").isEmpty();
      assertThat(api.deliveries()).hasSize(2);
      List<Message> three =
          deployment.received(Deployment.body("a"), Deployment.body("b"), Deployment.body("c"));
      assertThat(handle(handler, three)).as("what was sent before took no permit").isEmpty();
      assertThat(api.deliveries()).hasSize(5);
      api.checkLimit();
    }
  }

  @Test
  void bad_settings_are_told_by_name_value_and_what_is_allowed() {
    Map<String, String> environment = deployment.environment();
    environment.put("SQS_WORKFLOW_QUEUE", "standard-queue");
    environment.put("RATE_LIMIT", "many");
    assertThatThrownBy(() -> new RateLimiterHandler(environment))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(
            "SQS_WORKFLOW_QUEUE", "standard-queue", ".fifo", "RATE_LIMIT", "many", "10/60s");
    assertThatThrownBy(() -> new RateLimiterHandler(Map.of()))
        .hasMessageContainingAll("SQS_RATE_LIMITER_QUEUE", "REDIS_URL", "SQS_WORKFLOW_QUEUE");
  }
}
