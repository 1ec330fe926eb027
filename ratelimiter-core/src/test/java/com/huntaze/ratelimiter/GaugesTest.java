package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.QueueDepth;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** What a client tells of what waits, without being asked. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class GaugesTest {
  private final BlockingQueue<Map.Entry<MetricName, Double>> told = new LinkedBlockingQueue<>();
  private final MetricsSink metrics =
      new MetricsSink() {
        @Override
        public void record(MetricName name, @Nullable Priority priority, double value) {
          told.add(Map.entry(name, value));
        }
      };

  private Map.@Nullable Entry<MetricName, Double> next() throws InterruptedException {
    return told.poll(10, TimeUnit.SECONDS);
  }

  private static OutboundMessage message(String id) {
    return OutboundMessage.builder(id, "u", Instant.EPOCH).build();
  }

  @Test
  void what_waits_in_queue_and_store_is_told_at_once_and_from_then_on() throws Exception {
    InMemoryQueue queue = new InMemoryQueue(1); // full, so that nothing is replayed
    queue.send(message("q1"));
    InMemoryFallbackStore store = new InMemoryFallbackStore();
    store.store(message("s1"), "down");
    try (RateLimitedOnlyFansClient client =
        RateLimitedOnlyFansClient.builder()
            .sink(queue)
            .fallbackStore(store)
            .metrics(metrics)
            .build()) {
      assertThat(client.queueStatus().faults()).isEmpty();
      assertThat(next()).isEqualTo(Map.entry(MetricName.QUEUE_DEPTH, 1.0));
      assertThat(next()).isEqualTo(Map.entry(MetricName.FALLBACK_DEPTH, 1.0));
      assertThat(next()).extracting(Map.Entry::getKey).isEqualTo(MetricName.FALLBACK_OLDEST_AGE);
    }
  }

  @SuppressWarnings("ReferenceEquality") // the other one is equal to it
  private static boolean isUnknown(QueueDepth depth) {
    return depth == QueueDepth.UNKNOWN;
  }

  @Test
  void an_empty_queue_is_told_as_zero_and_one_that_cannot_count_is_not_told() throws Exception {
    for (QueueDepth depth :
        new QueueDepth[] {
          QueueDepth.UNKNOWN, new QueueDepth(0, 0, 0, OptionalLong.empty(), Optional.empty())
        }) {
      MessageSink sink =
          new MessageSink() {
            @Override
            public SinkResult.Taken send(OutboundMessage message) {
              return new SinkResult.Taken(Optional.empty());
            }

            @Override
            public QueueDepth depth() {
              return depth;
            }
          };
      try (RateLimitedOnlyFansClient client =
          RateLimitedOnlyFansClient.builder()
              .sink(sink)
              .fallbackStore(new InMemoryFallbackStore())
              .metrics(metrics)
              .build()) {
        assertThat(client.queueStatus().queue()).isEqualTo(depth);
        assertThat(next())
            .isEqualTo(
                isUnknown(depth)
                    ? Map.entry(MetricName.FALLBACK_DEPTH, 0.0)
                    : Map.entry(MetricName.QUEUE_DEPTH, 0.0));
      }
      told.clear();
    }
  }

  @Test
  void a_breaker_that_is_open_is_told_at_each_look_also_for_lack_of_credentials() throws Exception {
    MessageSink none =
        new MessageSink() {
          @Override
          public SinkResult.Taken send(OutboundMessage message) {
            throw ScriptedSink.failure(SinkException.Kind.NO_CREDENTIALS);
          }

          @Override
          public List<String> check() {
            throw ScriptedSink.failure(SinkException.Kind.NO_CREDENTIALS);
          }
        };
    try (RateLimitedOnlyFansClient client =
        RateLimitedOnlyFansClient.builder()
            .sink(none)
            .startUpCheck(StartUpCheck.REPORT)
            .metrics(metrics)
            .build()) {
      assertThat(client.queueStatus().breaker()).isEqualTo(BreakerState.OPEN);
      assertThat(next()).isEqualTo(Map.entry(MetricName.CIRCUIT_BREAKER_OPEN, 1.0));
    }
  }

  @Test
  void a_look_under_way_is_not_interrupted_by_the_close_whose_leftovers_need_the_store()
      throws Exception {
    CountDownLatch looking = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    FallbackStore store =
        new ForwardingStore(new InMemoryFallbackStore()) {
          @Override
          public FallbackBacklog backlog() {
            looking.countDown();
            try {
              assertThat(closed.await(10, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
            return super.backlog();
          }
        };
    RateLimitedOnlyFansClient client =
        RateLimitedOnlyFansClient.builder()
            .sink(new InMemoryQueue(10))
            .fallbackStore(store)
            .metrics(metrics)
            .build();
    assertThat(looking.await(10, TimeUnit.SECONDS)).isTrue();
    client.close();
    closed.countDown();
    assertThat(next()).isEqualTo(Map.entry(MetricName.QUEUE_DEPTH, 0.0));
    assertThat(next()).isEqualTo(Map.entry(MetricName.FALLBACK_DEPTH, 0.0));
  }
}
