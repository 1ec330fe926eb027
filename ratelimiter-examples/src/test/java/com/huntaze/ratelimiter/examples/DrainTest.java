package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.fallback.NotQueued;
import com.huntaze.ratelimiter.fallback.Replayer;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.jdbc.JdbcFallbackStore;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkResult;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import com.huntaze.ratelimiter.testkit.FaultySqs;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import com.huntaze.ratelimiter.testkit.SqsFault;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.services.sqs.SqsClient;

/** What was stored while SQS was down is replayed when it is back. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
@Tag("slow")
class DrainTest {
  @RegisterExtension static final LocalSqs SQS = LocalSqs.shared();
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();

  private static final int CREATORS = 20;
  private static final int STORING = 4;
  private static final int PACE = 4_000;
  private static final long HEAP_GROWTH = 32L << 20;

  @Test
  void five_thousand_messages_are_drained_once_in_order_in_tens_and_at_the_pace() throws Exception {
    drain(5_000, Duration.ofMinutes(1));
  }

  @Test
  @Tag("slow")
  void the_heap_stays_flat_while_100_000_messages_are_drained() throws Exception {
    List<Long> heap = drain(100_000, Duration.ofMinutes(6));

    assertThat(heap).hasSize(3);
    assertThat(heap.get(1) - heap.get(0)).isLessThan(HEAP_GROWTH);
    assertThat(heap.get(2) - heap.get(0)).isLessThan(HEAP_GROWTH);
  }

  /** Returns the heap in use, in bytes, when a tenth, half and nine tenths were drained. */
  private static List<Long> drain(int messages, Duration within) throws Exception {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(POSTGRES.newDatabase().jdbcUrl());
    String queue = SQS.createQueue("drain");
    try (HikariDataSource pool = new HikariDataSource(config);
        FaultySqs faulty = FaultySqs.inFrontOf(SQS);
        SqsClient client = faulty.newClient(Duration.ofSeconds(10));
        SqsClient direct = SQS.newClient()) {
      JdbcFallbackStore store = JdbcFallbackStore.builder(pool).createSchema(true).build();
      long begun = System.nanoTime();
      store(store, messages);
      long stored = System.nanoTime();
      Recorder recorder =
          new Recorder(SqsMessageSink.builder(client).queue(queue).build(), messages);
      faulty.failAll(SqsFault.SERVICE_UNAVAILABLE);
      try (Replayer replayer =
          Replayer.builder(store, recorder)
              .pace(RateLimit.rolling(PACE, Duration.ofSeconds(1)))
              .idle(Duration.ofMillis(100))
              .lease(Duration.ofMinutes(1))
              .backoff(Duration.ofMillis(100), Duration.ofMillis(500))
              .build()) {
        replayer.start();
        await("it tries in vain", Duration.ofSeconds(30), () -> faulty.failedCalls() >= 5);
        assertThat(recorder.taken()).isZero();
        int callsBefore = faulty.calls();
        long back = System.nanoTime();
        faulty.heal();

        List<Long> heap = new ArrayList<>();
        for (int percent : new int[] {10, 50, 90, 100}) {
          await(
              percent + " % are drained",
              within,
              () -> {
                // The queue is in this JVM, and is not what is measured.
                direct.purgeQueue(request -> request.queueUrl(queue));
                return recorder.taken() >= (long) messages * percent / 100;
              });
          if (percent < 100) {
            heap.add(usedHeap());
          }
        }
        double seconds = (recorder.last() - back) / 1e9;
        int calls = faulty.calls() - callsBefore;
        await("all is recorded", within, () -> store.backlog().waiting() == 0);
        System.out.printf(
            "DrainTest: %d messages stored in %.1f s, drained in %.1f s, %.0f a second, by %.3f"
                + " calls a message; heap in MiB at 10, 50, 90 %%: %s%n",
            messages,
            (stored - begun) / 1e9,
            seconds,
            messages / seconds,
            (double) calls / messages,
            heap.stream().map(bytes -> bytes >> 20).toList());

        recorder.assertEachTakenOnceAndInOrder();
        assertThat((double) calls / messages).as("calls a message").isLessThanOrEqualTo(0.11);
        assertThat(recorder.mostInASecond()).isLessThanOrEqualTo(PACE * 11 / 10);
        assertThat(store.backlog().count(StoredStatus.QUEUED)).isEqualTo(messages);
        return heap;
      }
    }
  }

  /** Stores messages of many creators by turns, each creator's in the order of their numbers. */
  private static void store(JdbcFallbackStore store, int messages) throws Exception {
    store.backlog(); // makes the tables
    List<Callable<Void>> parts = new ArrayList<>();
    for (int part = 0; part < STORING; part++) {
      int first = part;
      parts.add(
          () -> {
            List<NotQueued> some = new ArrayList<>();
            for (int i = first; i < messages; i += STORING) {
              some.add(new NotQueued(message(i), "NOT_SENT: SQS was down"));
              if (some.size() == 100 || i + STORING >= messages) {
                store.storeAll(some);
                some.clear();
              }
            }
            return null;
          });
    }
    ExecutorService threads = Executors.newFixedThreadPool(STORING);
    try {
      for (Future<Void> done : threads.invokeAll(parts, 5, TimeUnit.MINUTES)) {
        done.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  /** The creator goes by the number, and so does who stores it. */
  private static OutboundMessage message(int number) {
    return OutboundMessage.builder(
            Integer.toString(number), "creator_" + number % CREATORS, Instant.EPOCH)
        .recipientId("fan_" + number)
        .content("We are back, and so is your message number " + number + ".")
        .build();
  }

  private static long usedHeap() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  private static void await(String what, Duration within, BooleanSupplier condition) {
    long end = System.nanoTime() + within.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
    }
  }

  /** Takes down what the sink behind it took, by numbers only. Thread-safe. */
  private static final class Recorder implements MessageSink {
    private final MessageSink sink;
    private final AtomicLong calls = new AtomicLong();
    private final AtomicLong last = new AtomicLong();
    private final AtomicInteger taken = new AtomicInteger();
    private final AtomicIntegerArray timesTaken;

    /** In which call and where in it each message was taken. */
    private final AtomicLongArray places;

    private final long start = System.nanoTime();
    private final AtomicIntegerArray perSecond = new AtomicIntegerArray(3_600);

    Recorder(MessageSink sink, int messages) {
      this.sink = sink;
      this.timesTaken = new AtomicIntegerArray(messages);
      this.places = new AtomicLongArray(messages);
    }

    @Override
    public SinkResult.Taken send(OutboundMessage message) {
      long call = calls.incrementAndGet();
      SinkResult.Taken result = sink.send(message);
      record(message, call, 0);
      return result;
    }

    @Override
    public List<SinkResult> sendAll(List<OutboundMessage> messages) {
      long call = calls.incrementAndGet();
      List<SinkResult> results = sink.sendAll(messages);
      for (int i = 0; i < results.size(); i++) {
        if (results.get(i) instanceof SinkResult.Taken) {
          record(messages.get(i), call, i);
        }
      }
      return results;
    }

    @Override
    public boolean keepsOrder() {
      return sink.keepsOrder();
    }

    private void record(OutboundMessage message, long call, int place) {
      int number = Integer.parseInt(message.messageId());
      timesTaken.incrementAndGet(number);
      places.set(number, (call << 20) + place);
      long now = System.nanoTime();
      perSecond.incrementAndGet((int) ((now - start) / 1_000_000_000));
      last.set(now);
      taken.incrementAndGet();
    }

    int taken() {
      return taken.get();
    }

    /** When the last message was taken, by {@link System#nanoTime}. */
    long last() {
      return last.get();
    }

    int mostInASecond() {
      int most = 0;
      for (int i = 0; i < perSecond.length(); i++) {
        most = Math.max(most, perSecond.get(i));
      }
      return most;
    }

    void assertEachTakenOnceAndInOrder() {
      List<String> faults = new ArrayList<>();
      for (int i = 0; i < timesTaken.length(); i++) {
        if (timesTaken.get(i) != 1) {
          faults.add(i + " was taken " + timesTaken.get(i) + " times");
        }
        if (i >= CREATORS && places.get(i) < places.get(i - CREATORS)) {
          faults.add(i + " overtook " + (i - CREATORS));
        }
      }
      assertThat(faults).isEmpty();
    }
  }
}
