package com.huntaze.ratelimiter.sqs;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.SendResult;
import com.huntaze.ratelimiter.SendStatus;
import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.InMemorySentLog;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.testkit.FaultySqs;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import com.huntaze.ratelimiter.testkit.SqsFault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import software.amazon.awssdk.awscore.AwsRequestOverrideConfiguration;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.SendMessageRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;

/** The whole client over HTTP, with each way in which SQS can fail: once, twice and for good. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SendFaultsTest {
  @RegisterExtension static final LocalSqs sqs = LocalSqs.shared();

  private static final int FOR_GOOD = 1_000;
  private static final Duration PATIENT = Duration.ofSeconds(20);
  private static final Duration HASTY = Duration.ofMillis(600);

  /** How a message's id stands in the body of a call, which is JSON within JSON. */
  private static final Pattern ID = Pattern.compile("messageId\\\\\":\\\\\"m(\\d+)");

  /** HTTP calls, what the caller is told, and how often the queue has the message. */
  private static final String ONE_MESSAGE =
      """
      fault                 | once       | twice      | for good
      SERVICE_UNAVAILABLE   | 2 QUEUED 1 | 3 QUEUED 1 | 4 STORED 0
      INTERNAL_ERROR        | 2 QUEUED 1 | 3 QUEUED 1 | 4 STORED 0
      THROTTLED             | 2 QUEUED 1 | 3 QUEUED 1 | 4 STORED 0
      RESET_BEFORE          | 2 QUEUED 1 | 3 QUEUED 1 | 4 STORED 0
      HANG                  | 2 QUEUED 1 | 3 QUEUED 1 | 4 STORED 0
      PARTIAL_SERVICE_FAULT | 2 QUEUED 1 | 3 QUEUED 1 | 4 STORED 0
      RESET_AFTER_WRITE     | 2 QUEUED 2 | 3 QUEUED 3 | 4 STORED 4
      HANG_AFTER_WRITE      | 2 QUEUED 2 | 3 QUEUED 3 | 4 STORED 4
      GARBAGE               | 2 QUEUED 2 | 3 QUEUED 3 | 4 STORED 4
      MD5_MISMATCH          | 2 QUEUED 2 | 3 QUEUED 3 | 4 STORED 4
      OMITTED_ENTRY         | 2 QUEUED 2 | 3 QUEUED 3 | 4 STORED 4
      ACCESS_DENIED         | 1 STORED 0 | 1 STORED 0 | 1 STORED 0
      NO_SUCH_QUEUE         | 1 STORED 0 | 1 STORED 0 | 1 STORED 0
      PARTIAL_SENDER_FAULT  | 1 INVALID 0 | 1 INVALID 0 | 1 INVALID 0
      """;

  /**
   * The messages in each HTTP call, each message by its digit; then what the caller is told of each
   * in turn: queued, stored or invalid.
   */
  private static final String TEN_MESSAGES =
      """
      fault                 | once                 | twice                   | for good
      SERVICE_UNAVAILABLE   | all all : QQQQQQQQQQ | all all all: QQQQQQQQQQ | all all all all: SSSSSSSSSS
      INTERNAL_ERROR        | all all : QQQQQQQQQQ | all all all: QQQQQQQQQQ | all all all all: SSSSSSSSSS
      THROTTLED             | all all : QQQQQQQQQQ | all all all: QQQQQQQQQQ | all all all all: SSSSSSSSSS
      RESET_BEFORE          | all all : QQQQQQQQQQ | all all all: QQQQQQQQQQ | all all all all: SSSSSSSSSS
      HANG                  | all all : QQQQQQQQQQ | all all all: QQQQQQQQQQ | all all all all: SSSSSSSSSS
      RESET_AFTER_WRITE     | all all : QQQQQQQQQQ | all all all: QQQQQQQQQQ | all all all all: SSSSSSSSSS
      HANG_AFTER_WRITE      | all all : QQQQQQQQQQ | all all all: QQQQQQQQQQ | all all all all: SSSSSSSSSS
      GARBAGE               | all all : QQQQQQQQQQ | all all all: QQQQQQQQQQ | all all all all: SSSSSSSSSS
      MD5_MISMATCH          | all all : QQQQQQQQQQ | all all all: QQQQQQQQQQ | all all all all: SSSSSSSSSS
      ACCESS_DENIED         | all     : SSSSSSSSSS | all        : SSSSSSSSSS | all            : SSSSSSSSSS
      NO_SUCH_QUEUE         | all     : SSSSSSSSSS | all        : SSSSSSSSSS | all            : SSSSSSSSSS
      PARTIAL_SENDER_FAULT  | all     : IQQIQQIQQI | all        : IQQIQQIQQI | all            : IQQIQQIQQI
      PARTIAL_SERVICE_FAULT | all 0369: QQQQQQQQQQ | all 0369 09: QQQQQQQQQQ | all 0369 09 0  : SQQQQQQQQQ
      OMITTED_ENTRY         | all 0   : QQQQQQQQQQ | all 0 0    : QQQQQQQQQQ | all 0 0 0      : SQQQQQQQQQ
      """;

  private final FaultySqs faulty = FaultySqs.inFrontOf(sqs);
  private final SqsClient patient = faulty.newClient(PATIENT);
  private final SqsClient direct = sqs.newClient();
  private final String queue = sqs.createQueue("faults");
  private final ShelvedStore store = new ShelvedStore();
  private final List<String> calls = Collections.synchronizedList(new ArrayList<>());

  /** What is slow the first time must not look like a call that hangs. */
  @BeforeAll
  static void warmUp() {
    SendFaultsTest first = new SendFaultsTest();
    try (RateLimitedOnlyFansClient client = first.client(first.patient)) {
      client.send(message(0));
      client.sendBatch(messages(10));
    } finally {
      first.close();
    }
  }

  @AfterEach
  void close() {
    faulty.close();
    patient.close();
    direct.close();
  }

  private RateLimitedOnlyFansClient client(SqsClient by) {
    faulty.onCall(
        call ->
            calls.add(
                ID.matcher(call.body())
                    .results()
                    .map(id -> id.group(1))
                    .collect(Collectors.joining())));
    return RateLimitedOnlyFansClient.builder()
        .sink(SqsMessageSink.builder(by).queue(queue).build())
        .fallbackStore(store)
        .retryBase(Duration.ofMillis(1))
        .sendDeadline(Duration.ofMinutes(1))
        .breaker(100, Duration.ofMinutes(1))
        .replayPace(RateLimit.rolling(10_000, Duration.ofSeconds(1)))
        .build();
  }

  /** A client that fails so often. */
  private RateLimitedOnlyFansClient client(SqsFault fault, int times) {
    faulty.failNext(times, fault);
    return client(fault.name().startsWith("HANG") ? new Hasty(patient, times) : patient);
  }

  /** Gives up soon on its first calls, those that hang, and waits for the others. */
  private static final class Hasty implements SqsClient {
    private final SqsClient client;
    private final AtomicInteger soon;

    Hasty(SqsClient client, int soon) {
      this.client = client;
      this.soon = new AtomicInteger(soon);
    }

    @Override
    public SendMessageResponse sendMessage(SendMessageRequest request) {
      return client.sendMessage(request.toBuilder().overrideConfiguration(this::timeout).build());
    }

    @Override
    public SendMessageBatchResponse sendMessageBatch(SendMessageBatchRequest request) {
      return client.sendMessageBatch(
          request.toBuilder().overrideConfiguration(this::timeout).build());
    }

    @Override
    public String serviceName() {
      return client.serviceName();
    }

    @Override
    public void close() {}

    private void timeout(AwsRequestOverrideConfiguration.Builder settings) {
      settings.apiCallTimeout(soon.getAndDecrement() > 0 ? HASTY : PATIENT);
    }
  }

  private static OnlyFansMessage message(int i) {
    return OnlyFansMessage.builder()
        .messageId("m" + i)
        .userId("user-1")
        .creatorId("creator-" + i % 3)
        .recipientId("fan-" + i)
        .content(Messages.SECRET)
        .build();
  }

  private static List<OnlyFansMessage> messages(int count) {
    return IntStream.range(0, count).mapToObj(SendFaultsTest::message).toList();
  }

  /** The ids in the queue, each as often as it is there. */
  private List<String> queued() {
    SqsMessageSource source = SqsMessageSource.builder(direct).queue(queue).build();
    List<String> ids = new ArrayList<>();
    for (List<ReceivedMessage> some = source.receive(10, Duration.ZERO);
        !some.isEmpty();
        some = source.receive(10, Duration.ZERO)) {
      some.forEach(each -> ids.add(each.message().orElseThrow().messageId()));
    }
    return ids;
  }

  /** Who is told that a message is accepted finds it where it was said to be, and nowhere else. */
  private void assertEachIsWhereItWasSaid(List<SendResult> results, List<String> queued) {
    Set<String> stored = store.ids();
    for (SendResult result : results) {
      String id = result.messageId();
      switch (result.status()) {
        case QUEUED -> {
          assertThat(queued).as("queued").contains(id);
          assertThat(stored).as("stored, although queued").doesNotContain(id);
        }
        case STORED -> assertThat(stored).as("stored").contains(id);
        case INVALID -> {
          assertThat(queued).as("queued, although refused").doesNotContain(id);
          assertThat(stored).as("stored, although refused").doesNotContain(id);
        }
        default -> throw new AssertionError(result);
      }
    }
  }

  private static void await(BooleanSupplier isSo, String what) {
    long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!isSo.getAsBoolean()) {
      assertThat(System.nanoTime()).as("within 60 s: " + what).isLessThan(end);
      LockSupport.parkNanos(20_000_000);
    }
  }

  /** A case for each cell of a table. */
  private static Stream<Arguments> cases(String table) {
    return table
        .lines()
        .skip(1)
        .map(line -> line.split("\\|"))
        .flatMap(
            cells ->
                IntStream.rangeClosed(1, 3)
                    .mapToObj(
                        i ->
                            Arguments.of(
                                SqsFault.valueOf(cells[0].strip()),
                                i < 3 ? i : FOR_GOOD,
                                cells[i].strip())));
  }

  static Stream<Arguments> oneMessage() {
    return cases(ONE_MESSAGE);
  }

  static Stream<Arguments> tenMessages() {
    return cases(TEN_MESSAGES);
  }

  @Test
  void every_fault_has_a_row_in_both_tables() {
    assertThat(oneMessage().map(each -> each.get()[0]).distinct())
        .containsExactlyInAnyOrder((Object[]) SqsFault.values());
    assertThat(tenMessages().map(each -> each.get()[0]).distinct())
        .containsExactlyInAnyOrder((Object[]) SqsFault.values());
  }

  @ParameterizedTest(name = "{0} {1} times: {2}")
  @MethodSource("oneMessage")
  void a_message_is_tried_as_often_as_can_help_and_ends_where_its_caller_is_told(
      SqsFault fault, int times, String expected) {
    try (RateLimitedOnlyFansClient client = client(fault, times)) {
      SendResult result = client.send(message(0));
      List<String> queued = queued();

      assertThat(faulty.calls() + " " + result.status() + " " + queued.size()).isEqualTo(expected);
      assertThat(faulty.calls("SendMessage")).isEqualTo(faulty.calls());
      assertThat(result.messageId()).isEqualTo("m0");
      assertThat(calls).as("the same id each time").containsOnly("0");
      assertThat(queued).allMatch("m0"::equals);
      assertEachIsWhereItWasSaid(List.of(result), queued);
      if (result.status() != SendStatus.QUEUED) {
        assertThat(result.error()).isPresent().get().asString().doesNotContain(Messages.SECRET);
      }
    }
  }

  @ParameterizedTest(name = "{0} {1} times: {2}")
  @MethodSource("tenMessages")
  void of_a_batch_only_what_may_not_be_in_the_queue_is_tried_again(
      SqsFault fault, int times, String expected) {
    String[] callsAndResults = expected.split(":");
    List<String> expectedCalls =
        Stream.of(callsAndResults[0].strip().split(" "))
            .map(call -> call.replace("all", "0123456789"))
            .toList();
    try (RateLimitedOnlyFansClient client = client(fault, times)) {
      List<SendResult> results = client.sendBatch(messages(10));
      List<String> queued = queued();

      assertThat(calls).containsExactlyElementsOf(expectedCalls);
      assertThat(faulty.calls()).isEqualTo(expectedCalls.size()).isLessThanOrEqualTo(4);
      assertThat(results.stream().map(SendResult::messageId))
          .containsExactlyElementsOf(
              messages(10).stream().map(OnlyFansMessage::messageId).toList());
      assertThat(
              results.stream()
                  .map(result -> result.status().name().substring(0, 1))
                  .collect(Collectors.joining()))
          .isEqualTo(callsAndResults[1].strip());
      assertEachIsWhereItWasSaid(results, queued);
    }
  }

  @Test
  void what_the_queue_holds_twice_and_the_store_once_more_is_delivered_exactly_once() {
    List<SqsFault> ambiguous =
        List.of(
            SqsFault.RESET_AFTER_WRITE,
            SqsFault.GARBAGE,
            SqsFault.MD5_MISMATCH,
            SqsFault.OMITTED_ENTRY,
            SqsFault.SERVICE_UNAVAILABLE);
    Set<String> accepted = new HashSet<>();
    List<String> delivered = Collections.synchronizedList(new ArrayList<>());
    try (RateLimitedOnlyFansClient client = client(patient)) {
      List<OnlyFansMessage> messages = messages(ambiguous.size() * 3 * 10);
      for (int i = 0; i < ambiguous.size() * 3; i++) {
        faulty.failNext(List.of(1, 2, 4).get(i % 3), ambiguous.get(i / 3));
        List<SendResult> results = client.sendBatch(messages.subList(i * 10, i * 10 + 10));
        assertThat(results).allMatch(SendResult::accepted);
        results.forEach(result -> accepted.add(result.messageId()));
      }
      store.open();
      client.replayFailed(1_000);
      await(
          () -> client.queueStatus().fallback().orElseThrow().waiting() == 0,
          "the store has been replayed");
      assertThat(store.ids()).hasSizeGreaterThan(10);
      assertThat(client.queueStatus().queue().visible())
          .as("copies in the queue")
          .isGreaterThan(2L * accepted.size());

      try (Dispatcher dispatcher =
          Dispatcher.builder(
                  SqsMessageSource.builder(direct).queue(queue).build(),
                  InMemoryTokenBucket.builder(RateLimit.rolling(10_000, Duration.ofSeconds(1)))
                      .build(),
                  (message, timeout) -> {
                    delivered.add(message.messageId());
                    return GatewayResponse.of(200);
                  })
              .sentLog(new InMemorySentLog())
              .callTimeout(Duration.ofSeconds(1))
              .pollWait(Duration.ofSeconds(1))
              .build()) {
        dispatcher.start();
        await(() -> client.queueStatus().queue().waiting() == 0, "the queue is empty");
      }
    }
    assertThat(accepted).hasSize(ambiguous.size() * 3 * 10);
    assertThat(delivered).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(accepted);
  }
}
