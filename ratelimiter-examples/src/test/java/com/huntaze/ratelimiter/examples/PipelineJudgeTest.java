package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import com.huntaze.ratelimiter.testkit.LocalEventSource;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.Execution;

/** Each check of an invariant catches a pipeline that breaks it. */
@Tag("slow")
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class PipelineJudgeTest {
  @RegisterExtension static final LocalSqs SQS = LocalSqs.shared();
  @RegisterExtension static final LocalRedis REDIS = LocalRedis.shared();
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();

  private static final RateLimit TEN = RateLimit.rolling(10, Duration.ofSeconds(2));
  private static final RateLimit MANY = RateLimit.rolling(50, Duration.ofSeconds(2));
  private static final Duration LONG = Duration.ofMinutes(1);

  private static void isCaught(String what, ThrowingCallable check) {
    assertThatThrownBy(check).isInstanceOf(AssertionError.class).hasMessageContaining(what);
  }

  @Test
  @Execution(CONCURRENT)
  void a_handler_that_does_not_list_what_it_booked_loses_it() throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, TEN)) {
      LocalEventSource.Invocation handler = pipeline.handler();
      pipeline.startHandler(
          (event, remaining) -> {
            handler.invoke(event, remaining);
            return LambdaEvents.answer(List.of());
          },
          2);
      pipeline.startWorker();
      pipeline.send(PipelineTest.messages(15, 3));
      assertThat(pipeline.api.awaitDeliveries(10, LONG)).isTrue();

      isCaught("neither delivered nor put aside", () -> noneIsLost(pipeline, 5));
    }
  }

  private static void noneIsLost(Pipeline pipeline, int seconds) {
    pipeline.judge().noneIsLost(Duration.ofSeconds(seconds));
  }

  @Test
  @Execution(CONCURRENT)
  void a_gate_that_bounces_instead_of_booking_receives_too_often_and_dead_letters()
      throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, TEN, 3, TEN)) {
      pipeline.startHandler(bouncing(pipeline), 2);
      pipeline.startWorker();
      pipeline.send(PipelineTest.messages(40, 4));

      noneIsLost(pipeline, 60);

      isCaught("dead letters", () -> pipeline.judge().nothingIsDeadLettered());
      isCaught("more than 2 times", () -> pipeline.judge().nothingIsReceivedMoreOftenThan(2));
      System.out.printf(
          "retry by visibility dead-lettered %d of 40%n", pipeline.judge().deadLetters().size());
    }
  }

  /** The seeds' gate: what may not go now is received again a second later, and again. */
  private static LocalEventSource.Invocation bouncing(Pipeline pipeline) {
    RedisTokenBucket bucket = pipeline.bucket(true, Pipeline.GUARD);
    return (event, remaining) -> {
      List<LambdaEvents.Received> failed = new ArrayList<>();
      List<OutboundMessage> granted = new ArrayList<>();
      for (LambdaEvents.Received record : LambdaEvents.records(event)) {
        OutboundMessage message = PayloadCodec.decodeEither(record.body());
        PermitRequest request = PermitRequest.of(message.messageId(), Scope.global());
        if (bucket.tryAcquire(request) instanceof Permit.Granted) {
          granted.add(message);
        } else {
          failed.add(record);
          pipeline.client.changeMessageVisibility(
              change ->
                  change
                      .queueUrl(pipeline.entry.url())
                      .receiptHandle(record.receiptHandle())
                      .visibilityTimeout(1));
        }
      }
      pipeline.forward(granted);
      return LambdaEvents.answer(failed);
    };
  }

  @Test
  @Execution(CONCURRENT)
  void a_worker_that_takes_no_permit_exceeds_the_limit() throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, TEN)) {
      pipeline.forward(copies(pipeline, 15));
      TokenBucket loose =
          InMemoryTokenBucket.builder(RateLimit.rolling(100_000, Duration.ofSeconds(1))).build();
      pipeline.startWorker(loose, pipeline.sentLog(), source -> source);
      assertThat(pipeline.api.awaitCalls(15, LONG)).isTrue();

      isCaught("that allows 10", () -> pipeline.judge().noWindowIsOverTheLimit());
    }
  }

  private static List<OutboundMessage> copies(Pipeline pipeline, int count) {
    return PipelineTest.granted(pipeline, count);
  }

  @Test
  @Execution(CONCURRENT)
  void a_sent_log_that_always_gives_leave_lets_a_copy_be_delivered_twice() throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, MANY)) {
      SentLog forgetful =
          new SentLog() {
            @Override
            public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
              return Begin.STARTED;
            }

            @Override
            public void sent(String messageId) {}

            @Override
            public void notSent(Claim claim) {}
          };
      pipeline.startWorker(pipeline.bucket(false, Pipeline.GUARD), forgetful, source -> source);
      List<OutboundMessage> messages = copies(pipeline, 5);
      pipeline.forward(messages);
      pipeline.forwardCopy(messages.get(2), "copy");
      assertThat(pipeline.api.awaitCalls(6, LONG)).isTrue();

      isCaught("delivered more than once", () -> pipeline.judge().nothingIsDeliveredTwice());
    }
  }

  @Test
  @Execution(CONCURRENT)
  void a_worker_that_turns_batches_round_breaks_the_order() throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, MANY)) {
      pipeline.startHandler();
      List<OnlyFansMessage> messages = PipelineTest.messages(20, 1);
      pipeline.send(messages);
      assertThat(PipelineJudge.await(LONG, () -> pipeline.depth(pipeline.workflow.url()) == 20))
          .isTrue();
      pipeline.startWorker(
          pipeline.bucket(false, Pipeline.GUARD),
          pipeline.sentLog(),
          PipelineJudgeTest::turnedRound);
      noneIsLost(pipeline, 60);

      isCaught("overtakings", () -> pipeline.judge().orderIsKept());
    }
  }

  private static MessageSource turnedRound(MessageSource source) {
    return (MessageSource)
        Proxy.newProxyInstance(
            MessageSource.class.getClassLoader(),
            new Class<?>[] {MessageSource.class},
            (proxy, method, arguments) -> {
              Object answer;
              try {
                answer = method.invoke(source, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
              if (method.getName().equals("receive")) {
                List<?> received = new ArrayList<>((List<?>) answer);
                Collections.reverse(received);
                return received;
              }
              return answer;
            });
  }

  @Test
  @Execution(CONCURRENT)
  void a_worker_with_half_the_limit_wastes_permits() throws Exception {
    try (Pipeline pipeline = new Pipeline(REDIS, TEN)) {
      pipeline.forward(copies(pipeline, 20));
      TokenBucket half = InMemoryTokenBucket.builder(RateLimit.rolling(5, TEN.window())).build();
      pipeline.startWorker(half, pipeline.sentLog(), source -> source);
      noneIsLost(pipeline, 60);

      isCaught(
          "from first to last", () -> pipeline.judge().noPermitIsWasted(Duration.ofSeconds(3)));
    }
  }
}
