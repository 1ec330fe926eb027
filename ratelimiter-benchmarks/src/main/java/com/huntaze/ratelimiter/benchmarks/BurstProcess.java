package com.huntaze.ratelimiter.benchmarks;

import com.huntaze.ratelimiter.benchmarks.AsyncSender.Outcome;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.stream.Collectors;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;

/** The main class of a JVM in which one contestant is sent far more than it can pass on. */
final class BurstProcess {
  private static final int THREADS = 4;
  private static final int PATIENCE_MINUTES = 3;
  private static final double MEGABYTE = 1e6;

  private final AsyncSender sender;
  private final int messages;
  private final CountDownLatch answers;
  private final LongAdder failed = new LongAdder();
  private final LongAdder noRoom = new LongAdder();

  private BurstProcess(AsyncSender sender, int messages) {
    this.sender = sender;
    this.messages = messages;
    this.answers = new CountDownLatch(messages);
  }

  /** Who is sent them. */
  enum Kind {
    OURS("ours, on Apache 5"),
    MANAGER("SqsAsyncBatchManager, the SDK's retries on"),
    MANAGER_ONCE("SqsAsyncBatchManager, retries off"),
    SPRING("Spring Cloud AWS, SqsTemplate over its batching, retries on");

    private final String title;

    Kind(String title) {
      this.title = title;
    }

    String title() {
      return title;
    }

    private AsyncSender open(SqsClients clients, SampleMessages to, CallCount calls) {
      return switch (this) {
        case OURS -> AsyncSender.ours(clients.blocking(Apache5HttpClient.builder(), calls), to);
        case MANAGER -> AsyncSender.batchManager(clients.retryingNetty(calls), to);
        case MANAGER_ONCE -> AsyncSender.batchManager(clients.netty(calls), to);
        case SPRING -> AsyncSender.spring(clients.retryingNetty(calls), to);
      };
    }
  }

  /** What came of it, as it passes from one JVM to the other. */
  record Report(
      long failed,
      long unfinished,
      long noRoom,
      double peakMegabytes,
      double aliveMegabytes,
      long calls,
      double seconds) {
    static Report parse(String line) {
      List<String> parts = Arrays.asList(line.split(" "));
      return new Report(
          Long.parseLong(parts.get(0)),
          Long.parseLong(parts.get(1)),
          Long.parseLong(parts.get(2)),
          Double.parseDouble(parts.get(3)),
          Double.parseDouble(parts.get(4)),
          Long.parseLong(parts.get(5)),
          Double.parseDouble(parts.get(6)));
    }

    private String line() {
      return List.of(failed, unfinished, noRoom, peakMegabytes, aliveMegabytes, calls, seconds)
          .stream()
          .map(Object::toString)
          .collect(Collectors.joining(" "));
    }
  }

  /**
   * Sends the messages and prints a {@link Report}.
   *
   * @param args a {@link Kind}, the server's address, the queue's and the number of messages
   * @throws InterruptedException never
   */
  public static void main(String[] args) throws InterruptedException {
    CallCount calls = new CallCount();
    AsyncSender sender =
        Kind.valueOf(args[0])
            .open(new SqsClients(URI.create(args[1])), new SampleMessages(args[2]), calls);
    System.out.println(new BurstProcess(sender, Integer.parseInt(args[3])).run(calls).line());
    System.exit(0); // What is unfinished would go on.
  }

  private Report run(CallCount calls) throws InterruptedException {
    Peak used = new Peak(MemoryPoolMXBean::getUsage);
    Peak alive = new Peak(MemoryPoolMXBean::getCollectionUsage);
    long start = System.nanoTime();
    for (int i = 0; i < THREADS; i++) {
      new Thread(this::sendShare, "burst-" + i).start();
    }
    long end = start + TimeUnit.MINUTES.toNanos(PATIENCE_MINUTES);
    boolean done = false;
    while (!done && System.nanoTime() < end) {
      done = answers.await(10, TimeUnit.MILLISECONDS);
      used.look();
      alive.look();
    }
    return new Report(
        failed.sum(),
        answers.getCount(),
        noRoom.sum(),
        used.bytes / MEGABYTE,
        alive.bytes / MEGABYTE,
        calls.sum(),
        (System.nanoTime() - start) / 1e9);
  }

  private void sendShare() {
    for (int i = 0; i < messages / THREADS; i++) {
      CompletableFuture<Outcome> answer = sender.send();
      while (answer.getNow(Outcome.TAKEN) == Outcome.NO_ROOM) {
        noRoom.increment();
        sleep();
        answer = sender.send();
      }
      CompletableFuture<Void> unused = answer.thenAccept(this::count);
    }
  }

  private void count(Outcome outcome) {
    if (outcome != Outcome.TAKEN) {
      failed.increment();
    }
    answers.countDown();
  }

  private static void sleep() {
    try {
      Thread.sleep(1);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The most bytes that the heap's pools were seen to hold together. For one thread. */
  private static final class Peak {
    private final Function<MemoryPoolMXBean, MemoryUsage> usage;
    private final List<MemoryPoolMXBean> pools =
        ManagementFactory.getMemoryPoolMXBeans().stream()
            .filter(pool -> pool.getType() == MemoryType.HEAP)
            .toList();
    private long bytes;

    private Peak(Function<MemoryPoolMXBean, MemoryUsage> usage) {
      this.usage = usage;
    }

    private void look() {
      long now = pools.stream().map(usage).mapToLong(MemoryUsage::getUsed).sum();
      bytes = Math.max(bytes, now);
    }
  }
}
