package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import com.huntaze.ratelimiter.testkit.ApiFault;
import com.huntaze.ratelimiter.testkit.LocalEventSource;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.Execution;

/** Client, queue, Lambda, FIFO queue and worker together, judged by what the API saw. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class PipelineTest {
  @RegisterExtension static final LocalSqs SQS = LocalSqs.shared();
  @RegisterExtension static final LocalRedis REDIS = LocalRedis.shared();
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();

  private static final Duration MINUTE = Duration.ofSeconds(3);
  private static final RateLimit TEN = RateLimit.rolling(10, MINUTE);
  private static final RateLimit HUNDRED = RateLimit.rolling(100, MINUTE);
  private static final Duration LONG = Duration.ofMinutes(2);

  static List<OnlyFansMessage> messages(int count, int creators) {
    String run = UUID.randomUUID().toString().substring(0, 8);
    return IntStream.range(0, count)
        .mapToObj(
            i ->
                OnlyFansMessage.builder()
                    .messageId(run + "-" + i)
                    .userId("agency")
                    .creatorId("creator_" + i % creators)
                    .recipientId("fan_" + i)
                    .content("Good evening, " + i + "!")
                    .build())
        .toList();
  }

  /** How many calls arrived from so long after the first, for so long. */
  private static long calls(Pipeline pipeline, Duration from, Duration length) {
    long first = pipeline.api.calls().get(0).arrivalNanos();
    return pipeline.api.calls().stream()
        .mapToLong(call -> call.arrivalNanos() - first - from.toNanos())
        .filter(after -> after >= 0 && after < length.toNanos())
        .count();
  }

  private static void twoWindows(RateLimit limit, int messages) throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, limit)) {
      pipeline.withoutTimeLapse(); // bookings may be long here
      pipeline.startHandler();
      pipeline.startWorker();
      pipeline.send(messages(messages, 4));

      pipeline.judge().noneIsLost(limit.window().multipliedBy(2).plusSeconds(60));

      assertThat(calls(pipeline, Duration.ZERO, limit.window())).isEqualTo(10);
      assertThat(calls(pipeline, limit.window(), limit.window())).isEqualTo(messages - 10);
      pipeline.judge().everythingHolds();
    }
  }

  @Test
  @Execution(CONCURRENT)
  void of_twenty_at_once_ten_go_in_the_first_window_and_ten_in_the_second() throws Exception {
    twoWindows(TEN, 20);
  }

  @Test
  @Tag("slow")
  @Execution(CONCURRENT)
  void of_fifteen_at_once_ten_go_in_the_first_window_and_five_in_the_second() throws Exception {
    twoWindows(TEN, 15);
  }

  @Test
  @Execution(CONCURRENT)
  @Tag("slow")
  void of_twenty_at_once_ten_go_in_the_first_minute_and_ten_in_the_second() throws Exception {
    twoWindows(RateLimit.rolling(10, Duration.ofMinutes(1)), 20);
  }

  @Test
  @Execution(CONCURRENT)
  void a_burst_is_delivered_whole_once_in_order_within_the_limit_and_in_good_time()
      throws Exception {
    burst(RateLimit.rolling(10, Duration.ofSeconds(2)), 60, Duration.ofSeconds(8));
  }

  @Test
  @Execution(CONCURRENT)
  @Tag("slow")
  void a_burst_of_500_is_delivered_whole_once_in_order_within_the_limit_and_in_good_time()
      throws Exception {
    burst(RateLimit.rolling(50, Duration.ofSeconds(10)), 500, Duration.ofSeconds(1));
  }

  @Test
  @Tag("slow")
  @Execution(CONCURRENT)
  void of_a_hundred_a_minute_offered_ten_a_minute_are_sent() throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, TEN)) {
      pipeline.withoutTimeLapse();
      pipeline.startHandler();
      pipeline.startWorker();
      List<OnlyFansMessage> offered = messages(100, 4);
      for (int i = 0; i < offered.size(); i += 10) {
        pipeline.send(offered.subList(i, i + 10));
        PipelineJudge.pause(MINUTE.dividedBy(10));
      }

      assertThat(pipeline.api.awaitCalls(31, LONG)).isTrue();

      pipeline.judge().noWindowIsOverTheLimit();
      assertThat(pipeline.api.span()).isBetween(MINUTE.multipliedBy(3), MINUTE.multipliedBy(5));
      assertThat(pipeline.judge().missing()).isNotEmpty();
    }
  }

  @Test
  @Execution(CONCURRENT)
  void calls_and_not_messages_keep_the_limit_when_every_first_answer_is_503() throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, TEN)) {
      Set<String> seen = ConcurrentHashMap.newKeySet();
      pipeline.api.failWhen(call -> seen.add(call.messageId()), ApiFault.status(503));
      pipeline.startHandler();
      pipeline.startWorker();
      pipeline.send(messages(10, 5));

      pipeline.judge().noneIsLost(LONG);

      assertThat(pipeline.api.calls()).hasSize(20);
      assertThat(pipeline.api.span()).isGreaterThanOrEqualTo(MINUTE);
      pipeline.judge().everythingHolds();
    }
  }

  @Test
  @Execution(CONCURRENT)
  void a_message_whose_processing_always_fails_becomes_a_dead_letter_and_no_other_does()
      throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, RateLimit.rolling(30, MINUTE))) {
      List<OnlyFansMessage> messages = messages(6, 3);
      String bad = messages.get(1).messageId();
      pipeline.api.failWhen(call -> call.messageId().equals(bad), ApiFault.status(500));
      pipeline.startHandler();
      pipeline.startWorker();
      pipeline.send(messages);

      PipelineJudge judge = pipeline.judge();
      judge.noneIsLost(LONG);

      assertThat(judge.deadLetters()).containsExactly(bad);
      assertThat(pipeline.api.deliveries()).hasSize(5);
      long calls =
          pipeline.api.calls().stream().filter(call -> call.messageId().equals(bad)).count();
      assertThat(calls).as("three receives of four calls").isEqualTo(12);
      judge.noWindowIsOverTheLimit();
      judge.nothingIsDeliveredTwice();
    }
  }

  @Test
  @Execution(CONCURRENT)
  void a_message_that_is_revived_soon_after_its_forward_is_delivered() throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, TEN)) {
      pipeline.api.failNext(1, ApiFault.resetBeforeDelivery());
      pipeline.startHandler();
      pipeline.startWorker();
      List<OnlyFansMessage> one = messages(1, 1);
      pipeline.send(one);
      SqsMessageSource held =
          SqsMessageSource.builder(pipeline.client)
              .queue(pipeline.workflow.deadLetterUrl())
              .build();
      List<ReceivedMessage> put = new ArrayList<>();
      assertThat(
              PipelineJudge.await(
                  LONG, () -> !put.isEmpty() || put.addAll(held.receive(1, Duration.ofSeconds(1)))))
          .as("held for an operator, since nobody knows whether it was delivered")
          .isTrue();
      assertThat(pipeline.api.deliveries()).isEmpty();

      SqsMessageSink.builder(pipeline.client)
          .queue(pipeline.entry.url())
          .build()
          .send(put.get(0).message().orElseThrow().withRevival(1));
      held.delete(put.get(0));

      pipeline.judge().noneIsLost(LONG);
      assertThat(pipeline.api.delivered(one.get(0).messageId())).isTrue();
      pipeline.judge().nothingIsDeliveredTwice();
    }
  }

  @Test
  @Tag("slow")
  @Execution(CONCURRENT)
  void a_worker_that_finds_300_granted_messages_waiting_keeps_the_limit() throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, HUNDRED)) {
      pipeline.forward(granted(pipeline, 300));
      pipeline.startWorker();

      pipeline.judge().noneIsLost(LONG);

      pipeline.judge().noWindowIsOverTheLimit();
      pipeline.judge().nothingIsDeliveredTwice();
      pipeline.judge().noPermitIsWasted(MINUTE);
    }
  }

  @Test
  @Tag("slow")
  @Execution(CONCURRENT)
  void the_seeds_worker_that_takes_no_permit_sends_all_300_at_once() throws Exception {
    RateLimit forgiving = RateLimit.rolling(1_000, MINUTE);
    try (Pipeline pipeline = new Pipeline(REDIS, HUNDRED, 1_000, forgiving);
        SeedsWorker worker = new SeedsWorker(pipeline)) {
      pipeline.forward(granted(pipeline, 300));
      worker.start();

      pipeline.judge().noneIsLost(LONG);

      assertThatThrownBy(() -> pipeline.judge().noWindowIsOverTheLimit())
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("that allows 100");
      int most = pipeline.api.maxCallsInAnyWindow(MINUTE);
      System.out.printf("without a permit at the edge, a window for 100 calls held %d%n", most);
      assertThat(most).isGreaterThan(200);
    }
  }

  /** Messages as the gate would have left them while the worker was stopped. */
  static List<OutboundMessage> granted(Pipeline pipeline, int count) {
    List<OnlyFansMessage> messages = messages(count, 10);
    messages.forEach(pipeline::accepted);
    return messages.stream()
        .map(
            message ->
                OutboundMessage.builder(message.messageId(), message.userId(), Instant.now())
                    .creatorId(message.creatorId())
                    .recipientId(message.recipientId())
                    .content(message.content())
                    .build())
        .toList();
  }

  @Test
  @Execution(CONCURRENT)
  @Tag("slow")
  void redis_down_for_fifteen_windows_dead_letters_nothing_and_brings_no_herd_back()
      throws Exception {
    RateLimit limit = RateLimit.rolling(50, Duration.ofSeconds(2));
    try (LocalRedis redis = LocalRedis.start();
        Pipeline pipeline = new Pipeline(redis, limit)) {
      pipeline.withoutTimeLapse();
      redis.kill9();
      pipeline.send(messages(200, 10));
      pipeline.startWorker();
      LocalEventSource source = pipeline.startHandler();
      PipelineJudge.pause(limit.window().multipliedBy(15));
      int during = source.invocations();
      redis.restartEmpty();
      PipelineJudge judge = pipeline.judge();

      judge.noneIsLost(Duration.ofMinutes(10));

      System.out.printf(
          "Redis was down for %s: %d invocations in that time, %d after it, receives %s%n",
          limit.window().multipliedBy(15),
          during,
          source.invocations() - during,
          source.receives().values().stream()
              .collect(Collectors.groupingBy(n -> n, TreeMap::new, Collectors.counting())));
      judge.nothingIsDeadLettered();
      judge.noWindowIsOverTheLimit();
      judge.nothingIsDeliveredTwice();
      judge.orderIsKept();
      assertThat(during).as("invocations while Redis was down").isLessThanOrEqualTo(200);
      assertThat(source.receives().values()).as("receives").allMatch(count -> count <= 4);
    }
  }

  private static void burst(RateLimit limit, int messages, Duration startUp) throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, limit)) {
      pipeline.withoutTimeLapse();
      pipeline.withLongEntryVisibility();
      pipeline.startHandler();
      pipeline.startWorker();
      pipeline.send(messages(messages, 5));

      pipeline.judge().noneIsLost(LONG.plus(LONG));

      pipeline.judge().everythingHolds();
      pipeline.judge().noPermitIsWasted(startUp);
      assertThat(pipeline.api.calls()).hasSize(messages);
    }
  }
}
