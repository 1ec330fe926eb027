package com.huntaze.ratelimiter.sqs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient.CloseReport;
import com.huntaze.ratelimiter.SendResult;
import com.huntaze.ratelimiter.SendStatus;
import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.FaultySqs;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import com.huntaze.ratelimiter.testkit.SqsFault;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.IntConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.Message;

/** Many sends at once over an SQS that keeps failing, and a close in the midst of them. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class AsyncLoadTest {
  @RegisterExtension static final LocalSqs sqs = LocalSqs.shared();

  private static final int SENDERS = 4;
  private static final int DRAINERS = 3;

  private static final int BUFFER = 10_000;

  /** More than the buffer takes, and few enough that what the queue holds is no matter. */
  private static final int MOST_UNSEEN = 12_000;

  /** Seconds; ElasticMQ keeps a message that was deleted until then. */
  private static final int VISIBLE_AGAIN = 3;

  private static final long MOST_HEAP = 64L << 20;
  private static final Duration TIME_TO_CLOSE = Duration.ofMillis(200);
  private static final Pattern ID = Pattern.compile("\"messageId\":\"m(\\d+)\"");

  /** Nothing that refuses a message or the caller: all of these are tried again. */
  private static final List<SqsFault> FAULTS =
      List.of(
          SqsFault.SERVICE_UNAVAILABLE,
          SqsFault.INTERNAL_ERROR,
          SqsFault.THROTTLED,
          SqsFault.RESET_BEFORE,
          SqsFault.RESET_AFTER_WRITE,
          SqsFault.GARBAGE,
          SqsFault.MD5_MISMATCH,
          SqsFault.PARTIAL_SERVICE_FAULT,
          SqsFault.OMITTED_ENTRY);

  private final FaultySqs faulty = FaultySqs.inFrontOf(sqs);
  private final SqsClient client = sqs.newClient(faulty.endpoint());
  private final SqsClient direct = sqs.newClient();
  private final String queue = sqs.createQueue("load");
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @AfterEach
  void close() {
    threads.shutdownNow();
    faulty.close();
    client.close();
    direct.close();
  }

  /** Keeps which messages were stored and nothing of them, so that it takes no heap. */
  private static final class IdStore implements FallbackStore {
    final AtomicIntegerArray stored;
    final IntConsumer seen;

    IdStore(int ids, IntConsumer seen) {
      this.stored = new AtomicIntegerArray(ids);
      this.seen = seen;
    }

    int size() {
      return count(stored);
    }

    @Override
    public void store(OutboundMessage message, String error) {
      stored.incrementAndGet(index(message.messageId()));
      seen.accept(index(message.messageId()));
    }

    @Override
    public void hold(OutboundMessage message, String reason) {
      throw new AssertionError("held: " + message.messageId());
    }

    @Override
    public List<StoredMessage> claim(int max, Duration lease) {
      return List.of();
    }

    @Override
    public int replayed(List<StoredMessage> claimed) {
      return 0;
    }

    @Override
    public boolean failed(StoredMessage claimed, String error, Duration retryIn) {
      return false;
    }

    @Override
    public boolean dead(StoredMessage claimed, String error) {
      return false;
    }

    @Override
    public Set<String> waiting(Set<String> creators) {
      return Set.of();
    }

    @Override
    public int release(List<StoredMessage> claimed, Duration retryIn) {
      return 0;
    }

    @Override
    public int purge(Duration age, int max) {
      return 0;
    }

    @Override
    public FallbackBacklog backlog() {
      return new FallbackBacklog(Map.of(), Optional.empty());
    }
  }

  /** One run: who sends, what was answered, and where messages were found, all by number. */
  private final class Load {
    final int until;
    final IdStore store;
    final AtomicReferenceArray<SendStatus> answers;
    final AtomicIntegerArray queued;
    final AtomicInteger next = new AtomicInteger();
    final AtomicInteger taken = new AtomicInteger();
    final AtomicInteger full = new AtomicInteger();
    final AtomicInteger refusedAfterClose = new AtomicInteger();
    final AtomicIntegerArray seen;
    final Semaphore unseen = new Semaphore(MOST_UNSEEN);
    final CountDownLatch enough = new CountDownLatch(1);
    final RateLimitedOnlyFansClient sdk;

    Load(int until) {
      this.until = until;
      int ids = 3 * until + 20_000; // more than are sent until the client is closed
      this.seen = new AtomicIntegerArray(ids);
      this.store = new IdStore(ids, this::seen);
      this.answers = new AtomicReferenceArray<>(ids);
      this.queued = new AtomicIntegerArray(ids);
      this.sdk = sdk(store);
    }

    /** Sends until the client is closed; every future must complete then. */
    Void send() throws Exception {
      Deque<CompletableFuture<SendResult>> waiting = new ArrayDeque<>();
      boolean open = true;
      while (open) {
        open = sendNext(next.getAndIncrement(), waiting);
        while (!waiting.isEmpty() && waiting.peek().isDone()) {
          waiting.remove();
        }
      }
      for (CompletableFuture<SendResult> each : waiting) {
        each.get(30, TimeUnit.SECONDS);
      }
      return null;
    }

    /** Room for one more, the first time that this message is found or is given up. */
    private void seen(int id) {
      if (seen.getAndIncrement(id) == 0) {
        unseen.release();
      }
    }

    /** Whether the client is open. Of five messages that find no room one is given up. */
    private boolean sendNext(int id, Deque<CompletableFuture<SendResult>> waiting)
        throws Exception {
      unseen.acquire();
      while (true) {
        CompletableFuture<SendResult> future;
        try {
          future = sdk.sendAsync(message(id));
        } catch (IllegalStateException e) {
          refusedAfterClose.incrementAndGet();
          seen(id);
          return false;
        }
        if (!isFull(future)) {
          waiting.add(future.whenComplete((result, e) -> answer(id, result, e)));
          int count = taken.incrementAndGet();
          if (count == until - BUFFER) {
            unseen.release(BUFFER); // so that the buffer is full when the client is closed
          } else if (count == until) {
            enough.countDown();
          }
          return true;
        }
        full.incrementAndGet();
        if (id % 5 == 0) {
          answer(id, future.join(), null);
          seen(id);
          return true;
        }
        if (!waiting.isEmpty()) {
          waiting.remove().get(60, TimeUnit.SECONDS);
        }
      }
    }

    private boolean isFull(CompletableFuture<SendResult> future) {
      return future.isDone() && future.join().status() == SendStatus.RATE_LIMITED;
    }

    private void answer(int id, SendResult result, Throwable e) {
      if (e != null || !result.messageId().equals("m" + id)) {
        throw new AssertionError("message " + id + ": " + result, e);
      }
      assertThat(answers.compareAndSet(id, null, result.status())).isTrue();
    }

    /** Empties the queue as it fills, so that it takes no heap; ends when told and it is empty. */
    Void drain(CountDownLatch allAnswered) {
      while (true) {
        boolean last = allAnswered.getCount() == 0;
        List<Message> messages =
            direct
                .receiveMessage(
                    request ->
                        request
                            .queueUrl(queue)
                            .maxNumberOfMessages(10)
                            .visibilityTimeout(VISIBLE_AGAIN)
                            .waitTimeSeconds(1))
                .messages();
        if (messages.isEmpty() && last) {
          return null;
        }
        List<DeleteMessageBatchRequestEntry> done = new ArrayList<>();
        for (Message message : messages) {
          Matcher id = ID.matcher(message.body());
          assertThat(id.find()).isTrue();
          queued.incrementAndGet(Integer.parseInt(id.group(1)));
          seen(Integer.parseInt(id.group(1)));
          done.add(
              DeleteMessageBatchRequestEntry.builder()
                  .id(Integer.toString(done.size()))
                  .receiptHandle(message.receiptHandle())
                  .build());
        }
        if (!done.isEmpty()) {
          direct.deleteMessageBatch(request -> request.queueUrl(queue).entries(done));
        }
      }
    }

    int answered(SendStatus status) {
      return (int)
          IntStream.range(0, answers.length()).filter(i -> answers.get(i) == status).count();
    }

    /** What is accepted is somewhere, what is somewhere was accepted. */
    void assertNothingIsLost() {
      List<String> wrong = new ArrayList<>();
      for (int i = 0; i < answers.length(); i++) {
        boolean accepted =
            answers.get(i) == SendStatus.QUEUED || answers.get(i) == SendStatus.STORED;
        boolean somewhere = queued.get(i) + store.stored.get(i) > 0;
        boolean asSaid = answers.get(i) != SendStatus.QUEUED || store.stored.get(i) == 0;
        if (accepted != somewhere || !asSaid) {
          wrong.add(
              "m%d: answered %s, %d times in the queue, %d times in the store"
                  .formatted(i, answers.get(i), queued.get(i), store.stored.get(i)));
        }
      }
      assertThat(wrong).isEmpty();
    }
  }

  private RateLimitedOnlyFansClient sdk(FallbackStore store) {
    return RateLimitedOnlyFansClient.builder()
        .sink(SqsMessageSink.builder(client).queue(queue).build())
        .fallbackStore(store)
        .retryBase(Duration.ofMillis(1))
        .breaker(10, Duration.ofMillis(50))
        .queueCapacity(BUFFER)
        .build();
  }

  private static OnlyFansMessage message(int id) {
    return OnlyFansMessage.builder()
        .messageId("m" + id)
        .userId("user-" + id % 100)
        .creatorId("creator-" + id % 10)
        .recipientId("fan-" + id)
        .content("Good evening, fan " + id + "!")
        .build();
  }

  private static int index(String messageId) {
    return Integer.parseInt(messageId.substring(1));
  }

  private static int count(AtomicIntegerArray numbers) {
    return (int) IntStream.range(0, numbers.length()).filter(i -> numbers.get(i) > 0).count();
  }

  private static long usedHeap() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  @Test
  void closing_amidst_sends_over_a_failing_queue_loses_none_and_the_heap_stays_flat()
      throws Exception {
    sendAndClose(20_000);
  }

  @Test
  @Tag("slow")
  void closing_amidst_a_hundred_thousand_sends_loses_none_and_the_heap_stays_flat()
      throws Exception {
    sendAndClose(100_000);
  }

  private void sendAndClose(int until) throws Exception {
    long seed = System.nanoTime();
    System.out.println("AsyncLoadTest seed " + seed);
    Load load = new Load(until);
    load.sdk.send(message(load.next.getAndIncrement()));
    load.answers.set(0, SendStatus.QUEUED);
    long start = System.nanoTime();
    long heap = usedHeap();
    long mostHeap = heap;

    faulty.failShare(0.3, seed, FAULTS);
    CountDownLatch allAnswered = new CountDownLatch(1);
    List<Future<Void>> senders = new ArrayList<>();
    List<Future<Void>> drainers = new ArrayList<>();
    for (int i = 0; i < SENDERS; i++) {
      senders.add(threads.submit(load::send));
    }
    for (int i = 0; i < DRAINERS; i++) {
      drainers.add(threads.submit(() -> load.drain(allAnswered)));
    }
    Future<CloseReport> closing =
        threads.submit(
            () -> {
              load.enough.await();
              return load.sdk.close(TIME_TO_CLOSE);
            });
    while (!load.enough.await(2, TimeUnit.SECONDS)) {
      mostHeap = Math.max(mostHeap, usedHeap());
      assertThat(System.nanoTime() - start).isLessThan(Duration.ofMinutes(5).toNanos());
    }
    CloseReport report = closing.get(60, TimeUnit.SECONDS);
    for (Future<Void> sender : senders) {
      sender.get(60, TimeUnit.SECONDS);
    }
    mostHeap = Math.max(mostHeap, usedHeap());
    allAnswered.countDown();
    for (Future<Void> drainer : drainers) {
      drainer.get(120, TimeUnit.SECONDS);
    }

    System.out.printf(
        "%d taken in %.1f s: %d queued, %d stored, %d refused for want of room;"
            + " %d of %d calls failed; heap %d MiB at the start, %d at most; %s%n",
        load.taken.get(),
        (System.nanoTime() - start) / 1e9,
        load.answered(SendStatus.QUEUED),
        load.answered(SendStatus.STORED),
        load.answered(SendStatus.RATE_LIMITED),
        faulty.failedCalls(),
        faulty.calls(),
        heap >> 20,
        mostHeap >> 20,
        report);
    assertThat(load.taken.get()).isGreaterThanOrEqualTo(until);
    assertThat(load.answered(SendStatus.QUEUED) + load.answered(SendStatus.STORED))
        .as("every message that was taken was answered once")
        .isEqualTo(load.taken.get() + 1);
    load.assertNothingIsLost();
    assertThat(load.answered(SendStatus.QUEUED)).isGreaterThan(until / 4);
    assertThat(load.answered(SendStatus.STORED))
        .as("the tail was stored")
        .isGreaterThan(BUFFER / 10);
    assertThat(load.refusedAfterClose.get()).isEqualTo(SENDERS);
    assertThat((double) faulty.failedCalls() / faulty.calls()).isBetween(0.25, 0.35);
    assertThat(mostHeap - heap).as("growth of the heap").isLessThan(MOST_HEAP);
    assertThat(report.lost()).isZero();
    assertThatThrownBy(() -> load.sdk.sendAsync(message(0)))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> load.sdk.send(message(0))).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> load.sdk.sendBatch(List.of(message(0))))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void closing_while_the_queue_hangs_stores_what_waits_answers_it_all_and_says_how_much() {
    int messages = 1_000;
    IdStore store = new IdStore(messages, id -> {});
    faulty.failAll(SqsFault.HANG);
    RateLimitedOnlyFansClient sdk = sdk(store);
    List<CompletableFuture<SendResult>> futures =
        IntStream.range(0, messages).mapToObj(i -> sdk.sendAsync(message(i))).toList();

    CloseReport report = sdk.close(Duration.ofMillis(200));

    assertThat(futures)
        .as("answered when the client is closed")
        .allMatch(CompletableFuture::isDone);
    assertThat(futures.stream().map(each -> each.join().status())).containsOnly(SendStatus.STORED);
    assertThat(store.size()).isEqualTo(messages);
    assertThat(report).isEqualTo(new CloseReport(messages, 0, 0));
  }
}
