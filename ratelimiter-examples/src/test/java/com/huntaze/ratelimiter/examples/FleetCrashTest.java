package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.SendResult;
import com.huntaze.ratelimiter.jdbc.JdbcSentLog;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import com.huntaze.ratelimiter.testkit.ApiCall;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.services.sqs.SqsClient;

/** Dispatcher processes that are killed at work, over real services. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class FleetCrashTest {
  @RegisterExtension static final LocalSqs SQS = LocalSqs.shared();
  @RegisterExtension static final LocalRedis REDIS = LocalRedis.shared();
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();

  private static final int MESSAGES = 60;
  private static final RateLimit LIMIT = RateLimit.rolling(10, Duration.ofSeconds(1));

  @Test
  @Tag("slow")
  void a_dispatcher_killed_at_work_loses_nothing_and_doubles_nothing() throws Exception {
    LocalSqs.QueueWithDeadLetters queue = SQS.createQueueWithDeadLetters("crash", 1_000);
    JdbcSentLog.builder(POSTGRES.dataSource()).build().createSchema();
    try (FakeOnlyFansApi api =
            FakeOnlyFansApi.builder()
                .limit(LIMIT.permits(), LIMIT.window())
                .latency(Duration.ofMillis(50))
                .start();
        SqsClient client = SQS.newClient();
        Fleet fleet =
            Fleet.start(
                3,
                new DispatcherProcess.Wiring(
                    SQS.endpoint(),
                    queue.url(),
                    REDIS.uri(),
                    POSTGRES.jdbcUrl(),
                    api.baseUri(),
                    LIMIT,
                    Duration.ofSeconds(2)));
        var sdk =
            RateLimitedOnlyFansClient.builder()
                .sink(SqsMessageSink.builder(client).queue(queue.url()).build())
                .build()) {
      List<OnlyFansMessage> messages = SampleMessages.good(0, MESSAGES);
      assertThat(sdk.sendBatch(messages)).allMatch(SendResult::accepted);

      assertThat(api.awaitDeliveries(7, Duration.ofSeconds(60))).isTrue();
      fleet.kill9(0);
      assertThat(api.awaitDeliveries(23, Duration.ofSeconds(60))).isTrue();
      fleet.kill9(1);

      Set<String> found = new HashSet<>();
      SqsMessageSource deadLetters =
          SqsMessageSource.builder(client)
              .queue(queue.deadLetterUrl())
              .visibility(Duration.ofHours(1))
              .build();
      long end = System.nanoTime() + Duration.ofSeconds(90).toNanos();
      while (found.size() < MESSAGES && System.nanoTime() < end) {
        for (ReceivedMessage held : deadLetters.receive(10, Duration.ofSeconds(1))) {
          found.add(held.message().map(OutboundMessage::messageId).orElseThrow());
        }
        api.deliveries().stream().map(ApiCall::messageId).forEach(found::add);
      }
      assertThat(found)
          .as("delivered, or held for an operator")
          .hasSize(MESSAGES)
          .isEqualTo(Set.copyOf(messages.stream().map(OnlyFansMessage::messageId).toList()));
      assertThat(api.duplicates()).isEmpty();
      api.checkLimit();
    }
  }
}
