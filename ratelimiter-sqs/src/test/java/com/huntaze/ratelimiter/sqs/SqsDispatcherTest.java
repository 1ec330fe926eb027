package com.huntaze.ratelimiter.sqs;

import static com.huntaze.ratelimiter.sqs.Messages.message;
import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.InMemorySentLog;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.testkit.Faults;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.services.sqs.SqsClient;

/** What a dispatcher takes from a real queue, and how often it has to. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SqsDispatcherTest {
  @RegisterExtension static final LocalSqs sqs = LocalSqs.shared();

  private static final Duration LONG = Duration.ofSeconds(60);

  private final SqsClient client = sqs.newClient();
  private final SentLog sentLog = new InMemorySentLog();
  private final List<String> called = new CopyOnWriteArrayList<>();
  private final Map<String, Integer> receives = new ConcurrentHashMap<>();

  @AfterEach
  void closeClient() {
    client.close();
  }

  private void put(String queue, int count) {
    SqsMessageSink sink = SqsMessageSink.builder(client).queue(queue).build();
    List<OutboundMessage> messages =
        IntStream.range(0, count)
            .mapToObj(i -> message("m" + i).creatorId("creator-" + i).build())
            .toList();
    assertThat(sink.sendAll(messages)).hasSize(count);
  }

  private Dispatcher dispatcher(MessageSource source, TokenBucket bucket) {
    Dispatcher dispatcher =
        Dispatcher.builder(
                source,
                bucket,
                (message, timeout) -> {
                  called.add(message.messageId());
                  return GatewayResponse.of(200);
                })
            .sentLog(sentLog)
            .concurrency(20)
            .pollWait(Duration.ofSeconds(1))
            .build();
    dispatcher.start();
    return dispatcher;
  }

  /** A source that remembers how often each message was received. */
  private MessageSource counted(SqsMessageSource source) {
    return new MessageSource() {
      @Override
      public Duration visibility() {
        return source.visibility();
      }

      @Override
      public List<ReceivedMessage> receive(int max, Duration wait) {
        List<ReceivedMessage> received = source.receive(max, wait);
        received.forEach(
            each ->
                receives.merge(
                    each.message().orElseThrow().messageId(), each.receiveCount(), Math::max));
        return received;
      }

      @Override
      public void delete(ReceivedMessage received) {
        source.delete(received);
      }

      @Override
      public void changeVisibility(ReceivedMessage received, Duration visibility) {
        source.changeVisibility(received, visibility);
      }

      @Override
      public List<NotDone> changeVisibilityAll(List<VisibilityChange> changes) {
        return source.changeVisibilityAll(changes);
      }

      @Override
      public void deadLetter(ReceivedMessage received, String reason) {
        source.deadLetter(received, reason);
      }
    };
  }

  private static void await(BooleanSupplier condition, String what) {
    long end = System.nanoTime() + LONG.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  @Test
  void a_dispatcher_with_no_permit_left_receives_nothing() {
    String queue = sqs.createQueue("entry");
    put(queue, 10);
    TokenBucket real = InMemoryTokenBucket.of(RateLimit.rolling(3, Duration.ofHours(1)));
    Faults<TokenBucket> bucket = Faults.of(TokenBucket.class, real);
    SqsMessageSource source = SqsMessageSource.builder(client).queue(queue).build();
    try (Dispatcher dispatcher = dispatcher(source, bucket.part())) {
      await(() -> called.size() == 3, "three calls");
      int looks = bucket.calls("state");
      await(() -> bucket.calls("state") >= looks + 3, "looks at what the bucket has left");
      assertThat(dispatcher.inHand()).isZero();
    }
    int left = 0;
    List<ReceivedMessage> some = source.receive(10, Duration.ofSeconds(1));
    while (!some.isEmpty()) {
      left += some.size();
      assertThat(some).extracting(ReceivedMessage::receiveCount).containsOnly(1);
      some = source.receive(10, Duration.ofSeconds(1));
    }
    assertThat(left).isEqualTo(7);
  }

  @Test
  void messages_of_a_burst_are_received_at_most_twice() {
    String queue = sqs.createQueue("entry");
    put(queue, 30);
    TokenBucket bucket = InMemoryTokenBucket.of(RateLimit.rolling(10, Duration.ofSeconds(4)));
    MessageSource source =
        counted(
            SqsMessageSource.builder(client)
                .queue(queue)
                .visibility(Duration.ofSeconds(1))
                .build());
    try (Dispatcher one = dispatcher(source, bucket);
        Dispatcher other = dispatcher(source, bucket)) {
      await(() -> called.size() >= 30, "thirty calls");
      await(() -> one.inHand() + other.inHand() == 0, "nothing in hand");
    }
    assertThat(called).doesNotHaveDuplicates();
    assertThat(receives).hasSize(30);
    assertThat(receives.values()).allMatch(count -> count <= 2);
  }
}
