package com.huntaze.ratelimiter.fallback;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class ReplayerTest {
  private final AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);
  private final InMemoryFallbackStore store = new InMemoryFallbackStore(now::get);
  private final List<String> sent = new ArrayList<>();
  private @Nullable Kind failure;

  private final MessageSink sink =
      message -> {
        if (failure != null) {
          throw new SinkException(failure, "scripted", null);
        }
        sent.add(message.messageId());
        return new SinkResult.Taken(Optional.empty());
      };

  private Replayer.Builder replayer() {
    return Replayer.builder(store, sink).pace(RateLimit.rolling(1_000_000, Duration.ofSeconds(1)));
  }

  private void store(int count) {
    for (int i = 0; i < count; i++) {
      store.store(OutboundMessage.builder("m" + i, "u", Instant.EPOCH).build(), "down");
    }
  }

  @Test
  void everything_that_is_due_is_replayed_once_and_in_order() {
    store(35);
    Replayer replayer = replayer().build();
    assertThat(replayer.replay(100)).isEqualTo(35);
    assertThat(sent).hasSize(35).doesNotHaveDuplicates().startsWith("m0", "m1").endsWith("m34");
    assertThat(store.backlog().count(StoredStatus.QUEUED)).isEqualTo(35);
    assertThat(replayer.replay(100)).isZero();
  }

  @Test
  void no_more_is_replayed_than_was_asked_for() {
    store(35);
    assertThat(replayer().build().replay(12)).isEqualTo(12);
    assertThat(store.backlog().waiting()).isEqualTo(23);
  }

  @Test
  void a_failing_sink_is_tried_with_one_batch_and_the_rest_is_left_alone() {
    store(35);
    failure = Kind.NOT_SENT;
    assertThat(replayer().build().replay(100)).isZero();
    assertThat(store.claim(100, Duration.ofSeconds(1))).hasSize(25);
  }

  @Test
  void a_failed_message_waits_longer_each_time_and_is_dead_in_the_end() {
    store(1);
    failure = Kind.NOT_SENT;
    Replayer replayer = replayer().maxAttempts(3).build();
    replayer.replay(1);
    assertThat(store.claim(1, Duration.ZERO)).as("it waits").isEmpty();
    for (int attempt = 2; attempt <= 3; attempt++) {
      now.updateAndGet(time -> time.plusSeconds(600));
      replayer.replay(1);
    }
    assertThat(store.backlog().count(StoredStatus.DEAD)).isEqualTo(1);
    assertThat(store.revive("m0")).isTrue();
    failure = null;
    assertThat(replayer.replay(1)).isEqualTo(1);
    assertThat(sent).containsExactly("m0");
  }

  @Test
  void a_message_the_queue_refuses_is_dead_at_once() {
    store(1);
    failure = Kind.MESSAGE_REFUSED;
    replayer().build().replay(1);
    assertThat(store.backlog().count(StoredStatus.DEAD)).isEqualTo(1);
  }
}
