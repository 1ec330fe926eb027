package com.huntaze.ratelimiter.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
@Tag("slow")
class LocalEventSourceTest {
  @RegisterExtension static final LocalSqs SQS = LocalSqs.shared();

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final String ONE_SECOND = "1";

  private final SqsClient client = SQS.newClient();
  private final BlockingQueue<JsonNode> events = new LinkedBlockingQueue<>();
  private final List<LocalEventSource> sources = new ArrayList<>();
  private final CountDownLatch release = new CountDownLatch(1);

  @AfterEach
  void close() {
    release.countDown();
    sources.forEach(LocalEventSource::kill);
    sources.forEach(LocalEventSource::close);
    client.close();
  }

  private LocalEventSource start(String queue, LocalEventSource.Invocation function) {
    return start(LocalEventSource.builder(client, queue, heard(function)));
  }

  private LocalEventSource start(LocalEventSource.Builder builder) {
    LocalEventSource source = builder.start();
    sources.add(source);
    return source;
  }

  private LocalEventSource.Invocation heard(LocalEventSource.Invocation function) {
    return (event, remaining) -> {
      events.add(JSON.readTree(event));
      return function.invoke(event, remaining);
    };
  }

  private static byte @Nullable [] allDone(byte[] event, Duration remaining) {
    return null;
  }

  private static String queue() {
    return SQS.createQueue(
        "event-source", Map.of(QueueAttributeName.VISIBILITY_TIMEOUT, ONE_SECOND));
  }

  private void send(String queue, String... bodies) {
    List<SendMessageBatchRequestEntry> entries =
        IntStream.range(0, bodies.length)
            .mapToObj(
                i ->
                    SendMessageBatchRequestEntry.builder()
                        .id("e" + i)
                        .messageBody(bodies[i])
                        .build())
            .toList();
    client.sendMessageBatch(request -> request.queueUrl(queue).entries(entries));
  }

  private void sendFifo(String queue, String group, String body) {
    client.sendMessage(
        request ->
            request
                .queueUrl(queue)
                .messageBody(body)
                .messageGroupId(group)
                .messageDeduplicationId(body));
  }

  private JsonNode event() throws InterruptedException {
    JsonNode event = events.poll(SOON.toMillis(), TimeUnit.MILLISECONDS);
    assertThat(event).as("an event in time").isNotNull();
    return event;
  }

  private static List<String> bodies(JsonNode event) {
    return records(event).stream().map(each -> each.get("body").textValue()).toList();
  }

  private static List<JsonNode> records(JsonNode event) {
    return StreamSupport.stream(event.get("Records").spliterator(), false).toList();
  }

  /** An answer that lists the messages with these bodies. */
  private static byte[] failing(byte[] event, String... bodies) throws IOException {
    List<String> listed =
        records(JSON.readTree(event)).stream()
            .filter(each -> List.of(bodies).contains(each.get("body").textValue()))
            .map(each -> "{\"itemIdentifier\":" + each.get("messageId") + "}")
            .toList();
    return ("{\"batchItemFailures\":[" + String.join(",", listed) + "]}").getBytes(UTF_8);
  }

  private int left(String queue) {
    return client
        .getQueueAttributes(
            request ->
                request
                    .queueUrl(queue)
                    .attributeNames(
                        QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES,
                        QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE))
        .attributes()
        .values()
        .stream()
        .mapToInt(Integer::parseInt)
        .sum();
  }

  private static void await(Await.Condition condition) {
    assertThat(Await.until(SOON, condition)).isTrue();
  }

  @Test
  void a_record_has_what_lambda_writes() throws Exception {
    String queue = queue();
    client.sendMessage(
        request ->
            request
                .queueUrl(queue)
                .messageBody("{\"a\":\"é\"}")
                .messageAttributes(
                    Map.of(
                        "userId",
                        MessageAttributeValue.builder().dataType("String").stringValue("u").build(),
                        "tokens",
                        MessageAttributeValue.builder().dataType("Number").stringValue("7").build(),
                        "raw",
                        MessageAttributeValue.builder()
                            .dataType("Binary")
                            .binaryValue(SdkBytes.fromByteArray(new byte[] {1, 2}))
                            .build())));
    start(queue, LocalEventSourceTest::allDone);

    JsonNode record = event().get("Records").get(0);

    assertThat(record.get("messageId").textValue()).isNotEmpty();
    assertThat(record.get("receiptHandle").textValue()).isNotEmpty();
    assertThat(record.get("body").textValue()).isEqualTo("{\"a\":\"é\"}");
    assertThat(record.get("md5OfBody").textValue()).hasSize(32);
    assertThat(record.get("eventSource").textValue()).isEqualTo("aws:sqs");
    assertThat(record.get("eventSourceARN").textValue())
        .isEqualTo(
            "arn:aws:sqs:us-east-1:000000000000:" + queue.substring(queue.lastIndexOf('/') + 1));
    assertThat(record.get("awsRegion").textValue()).isEqualTo("us-east-1");
    JsonNode attributes = record.get("attributes");
    assertThat(attributes.get("ApproximateReceiveCount").textValue()).isEqualTo("1");
    assertThat(attributes.get("SentTimestamp").textValue()).matches("[0-9]{13}");
    assertThat(attributes.get("ApproximateFirstReceiveTimestamp").textValue()).matches("[0-9]{13}");
    assertThat(attributes.get("SenderId").textValue()).isNotEmpty();
    JsonNode own = record.get("messageAttributes");
    assertThat(own.get("userId"))
        .isEqualTo(
            JSON.readTree(
                """
                {"stringValue":"u","stringListValues":[],"binaryListValues":[],"dataType":"String"}
                """));
    assertThat(own.get("tokens").get("dataType").textValue()).isEqualTo("Number");
    assertThat(own.get("raw").get("binaryValue").textValue()).isEqualTo("AQI=");
  }

  @Test
  void a_record_of_a_fifo_queue_names_group_and_deduplication_id() throws Exception {
    String queue = SQS.createFifoQueue("event-source");
    sendFifo(queue, "creator", "one");
    start(queue, LocalEventSourceTest::allDone);

    JsonNode attributes = event().get("Records").get(0).get("attributes");

    assertThat(attributes.get("MessageGroupId").textValue()).isEqualTo("creator");
    assertThat(attributes.get("MessageDeduplicationId").textValue()).isEqualTo("one");
  }

  @Test
  void what_is_not_listed_is_deleted_and_what_is_listed_comes_back() throws Exception {
    String queue = queue();
    send(queue, "good", "bad", "fine");
    LocalEventSource source =
        start(
            LocalEventSource.builder(
                    client, queue, heard((event, remaining) -> failing(event, "bad")))
                .maximumConcurrency(1));

    assertThat(bodies(event())).containsExactlyInAnyOrder("good", "bad", "fine");
    assertThat(bodies(event())).containsExactly("bad");

    assertThat(source.deleted()).isEqualTo(2);
    assertThat(left(queue)).isEqualTo(1);
    await(() -> source.receives().containsValue(2));
    assertThat(source.receives()).hasSize(3);
  }

  @Test
  void the_visibility_that_the_function_set_for_a_listed_message_is_left_alone() throws Exception {
    String queue = queue();
    send(queue, "later", "sooner");
    start(
        queue,
        (event, remaining) -> {
          for (JsonNode each : records(JSON.readTree(event))) {
            if (each.get("body").textValue().equals("later")) {
              client.changeMessageVisibility(
                  request ->
                      request
                          .queueUrl(queue)
                          .receiptHandle(each.get("receiptHandle").textValue())
                          .visibilityTimeout(600));
            }
          }
          return failing(event, "later", "sooner");
        });

    List<String> seen = new ArrayList<>();
    while (seen.stream().filter("sooner"::equals).count() < 3) {
      seen.addAll(bodies(event()));
    }

    assertThat(seen).containsOnlyOnce("later");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "null", "{}", "{\"batchItemFailures\":null}", "{\"batchItemFailures\":[]}"})
  void an_answer_that_lists_nothing_is_a_success(String answer) {
    assertThat(LambdaEvent.failures(answer.getBytes(UTF_8), Set.of("id"))).contains(Set.of());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "no json",
        "{\"batchItemFailures\":[",
        "\"done\"",
        "[]",
        "{\"batchItemFailure\":[]}",
        "{\"batchItemFailures\":\"none\"}",
        "{\"batchItemFailures\":[{\"itemIdentifier\":\"\"}]}",
        "{\"batchItemFailures\":[{\"itemIdentifier\":null}]}",
        "{\"batchItemFailures\":[{\"itemIdentifier\":7}]}",
        "{\"batchItemFailures\":[{\"messageId\":\"id\"}]}",
        "{\"batchItemFailures\":[{\"itemIdentifier\":\"id\"},{\"itemIdentifier\":\"no\"}]}",
        "{\"batchItemFailures\":[null]}"
      })
  void an_answer_that_lambda_does_not_take_is_a_failure_of_the_batch(String answer) {
    assertThat(LambdaEvent.failures(answer.getBytes(UTF_8), Set.of("id", "other"))).isEmpty();
  }

  @Test
  void no_answer_deletes_the_batch() throws Exception {
    String queue = queue();
    send(queue, "one", "two");
    LocalEventSource source = start(queue, LocalEventSourceTest::allDone);

    await(() -> source.deleted() == 2);
    assertThat(left(queue)).isZero();
    assertThat(source.failedInvocations()).isZero();
  }

  @Test
  void an_answer_that_lambda_does_not_take_deletes_nothing() throws Exception {
    String queue = queue();
    send(queue, "one", "two");
    LocalEventSource source =
        start(queue, (event, remaining) -> "{\"statusCode\":200}".getBytes(UTF_8));

    await(() -> source.receives().size() == 2 && !source.receives().containsValue(1));

    assertThat(source.deleted()).isZero();
    assertThat(left(queue)).isEqualTo(2);
    assertThat(source.failedInvocations()).isPositive();
  }

  @Test
  void a_function_that_throws_deletes_nothing() throws Exception {
    String queue = queue();
    send(queue, "one", "two");
    LocalEventSource source =
        start(
            LocalEventSource.builder(
                    client,
                    queue,
                    (event, remaining) -> {
                      throw new NoClassDefFoundError("an Error, too");
                    })
                .maximumConcurrency(1));

    await(() -> source.receives().size() == 2 && !source.receives().containsValue(1));
    assertThat(source.deleted()).isZero();
  }

  @Test
  void an_answer_that_comes_too_late_is_ignored() throws Exception {
    String queue = queue();
    send(queue, "one");
    AtomicInteger late = new AtomicInteger();
    AtomicInteger interruptions = new AtomicInteger();
    LocalEventSource source =
        start(
            LocalEventSource.builder(
                    client,
                    queue,
                    heard(
                        (event, remaining) -> {
                          assertThat(remaining).isEqualTo(Duration.ofMillis(100));
                          while (release.getCount() > 0) {
                            try {
                              release.await();
                            } catch (InterruptedException e) {
                              interruptions.incrementAndGet(); // and it goes on
                            }
                          }
                          late.incrementAndGet();
                          return null;
                        }))
                .timeout(Duration.ofMillis(100)));
    event();
    event();

    source.stop();
    release.countDown();

    await(() -> late.get() == source.invocations());
    assertThat(interruptions).hasValue(source.invocations());
    assertThat(source.failedInvocations()).isEqualTo(source.invocations());
    assertThat(source.deleted()).isZero();
    assertThat(left(queue)).isEqualTo(1);
  }

  @Test
  void the_queues_redrive_policy_makes_dead_letters_of_what_always_fails() throws Exception {
    LocalSqs.QueueWithDeadLetters queue = SQS.createQueueWithDeadLetters("event-source", 3);
    client.setQueueAttributes(
        request ->
            request
                .queueUrl(queue.url())
                .attributes(Map.of(QueueAttributeName.VISIBILITY_TIMEOUT, ONE_SECOND)));
    send(queue.url(), "bad");
    LocalEventSource source = start(queue.url(), (event, remaining) -> failing(event, "bad"));

    await(() -> left(queue.deadLetterUrl()) == 1);

    assertThat(source.receives()).containsValue(3).hasSize(1);
    assertThat(left(queue.url())).isZero();
  }

  @Test
  void no_more_invocations_are_under_way_than_are_allowed() throws Exception {
    String queue = SQS.createQueue("event-source");
    AtomicInteger underWay = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    CountDownLatch tooMany = new CountDownLatch(4);
    LocalEventSource source =
        start(
            LocalEventSource.builder(
                    client,
                    queue,
                    (event, remaining) -> {
                      int now = underWay.incrementAndGet();
                      most.accumulateAndGet(now, Math::max);
                      tooMany.countDown();
                      boolean unused = tooMany.await(500, TimeUnit.MILLISECONDS);
                      underWay.decrementAndGet();
                      return null;
                    })
                .batchSize(1)
                .maximumConcurrency(3));

    send(queue, "1", "2", "3", "4", "5", "6", "7", "8", "9");

    await(() -> source.deleted() == 9);
    assertThat(most).hasValue(3);
    assertThat(source.invocations()).isEqualTo(9);
  }

  @Test
  void a_group_in_flight_is_in_no_second_batch() throws Exception {
    String queue = SQS.createFifoQueue("event-source");
    sendFifo(queue, "held", "held-1");
    sendFifo(queue, "held", "held-2");
    LocalEventSource source =
        start(
            LocalEventSource.builder(
                    client,
                    queue,
                    heard(
                        (event, remaining) -> {
                          if (bodies(JSON.readTree(event)).contains("held-1")) {
                            release.await();
                          }
                          return null;
                        }))
                .batchSize(1));
    assertThat(bodies(event())).containsExactly("held-1");

    sendFifo(queue, "free", "free-1");

    assertThat(bodies(event())).containsExactly("free-1");
    assertThat(events).isEmpty();
    release.countDown();
    assertThat(bodies(event())).containsExactly("held-2");
    await(() -> source.deleted() == 3);
  }

  @Test
  void a_stop_settles_what_is_being_invoked_and_polls_no_more() throws Exception {
    String queue = SQS.createQueue("event-source");
    send(queue, "one");
    LocalEventSource source =
        start(
            queue,
            (event, remaining) -> {
              release.await();
              return null;
            });
    event();
    Thread stopping = new Thread(source::stop);
    stopping.start();

    release.countDown();
    stopping.join(SOON.toMillis());

    assertThat(stopping.isAlive()).isFalse();
    assertThat(source.deleted()).isEqualTo(1);
    send(queue, "two");
    assertThat(events).isEmpty();
    assertThat(source.invocations()).isEqualTo(1);
    assertThat(left(queue)).isEqualTo(1);
  }

  @Test
  void a_kill_settles_nothing_though_the_function_goes_on() throws Exception {
    String queue = SQS.createQueue("event-source");
    send(queue, "one");
    CountDownLatch answered = new CountDownLatch(1);
    LocalEventSource source =
        start(
            queue,
            (event, remaining) -> {
              release.await();
              answered.countDown();
              return null;
            });
    event();

    source.kill();
    release.countDown();

    assertThat(answered.await(SOON.toSeconds(), TimeUnit.SECONDS)).isTrue();
    source.stop();
    assertThat(source.deleted()).isZero();
    assertThat(left(queue)).isEqualTo(1);
  }

  @Test
  void a_queue_that_cannot_be_asked_is_asked_again() throws Exception {
    try (FaultySqs faulty = FaultySqs.inFrontOf(SQS);
        SqsClient through = faulty.newClient(SOON)) {
      faulty.failNext(3, SqsFault.SERVICE_UNAVAILABLE, "ReceiveMessage");
      String queue = queue();
      send(queue, "one");
      LocalEventSource source =
          start(LocalEventSource.builder(through, queue, LocalEventSourceTest::allDone));

      await(() -> source.deleted() == 1);
      source.stop();
    }
  }

  @Test
  void settings_out_of_range_are_refused_by_name() {
    var builder = LocalEventSource.builder(client, "http://q", LocalEventSourceTest::allDone);

    assertThatThrownBy(() -> builder.batchSize(11)).hasMessage("batchSize must be 1 to 10, was 11");
    assertThatThrownBy(() -> builder.maximumConcurrency(0))
        .hasMessage("maximumConcurrency must be 1 to 1000, was 0");
    assertThatThrownBy(() -> builder.timeout(Duration.ZERO))
        .hasMessage("timeout must be more than zero, was PT0S");
    assertThatThrownBy(() -> builder.pollWait(Duration.ofSeconds(21)))
        .hasMessage("pollWait must be 0 to 20 s, was PT21S");
  }
}
