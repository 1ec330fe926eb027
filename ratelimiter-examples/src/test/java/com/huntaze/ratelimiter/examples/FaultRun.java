package com.huntaze.ratelimiter.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import com.huntaze.ratelimiter.testkit.ApiFault;
import com.huntaze.ratelimiter.testkit.FaultySqs;
import com.huntaze.ratelimiter.testkit.LocalEventSource;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import com.huntaze.ratelimiter.testkit.SqsFault;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/**
 * A burst through the whole pipeline with two worker processes, while faults strike at random:
 * which, when and how comes from the seed. Afterwards everything is healed, and the invariants must
 * hold. One thread.
 */
final class FaultRun implements AutoCloseable {
  /** What can happen; each happens in about two of five runs. */
  enum Fault {
    /** Both workers are down for ten windows. */
    WORKERS_STOPPED,
    /** A worker is killed at work, and another one started. */
    WORKER_KILLED,
    /** A worker stands still between permit and call, for longer than a permit is fresh. */
    WORKER_FROZEN,
    /** No heartbeat of a worker arrives for so long that others get its messages. */
    HEARTBEAT_CUT,
    /** The handler dies after it has forwarded and before it has answered; also its pollers die. */
    HANDLER_KILLED,
    /** Redis dies and comes back empty. */
    REDIS_KILLED,
    /** What the handler puts into the workflow queue fails, in part and in doubt. */
    FIFO_FAILS,
    /** The same message is in the entry queue twice, and in the workflow queue twice. */
    DUPLICATES,
    /** The API answers 429, 5xx, late, or not at all. */
    API_FAILS
  }

  static final RateLimit LIMIT = RateLimit.rolling(25, Duration.ofSeconds(1));

  /** More than a busy build machine takes between a call and its arrival. */
  private static final Duration GUARD = Duration.ofMillis(500);

  private static final int CREATORS = 15;

  /** How often a worker is stopped between permit and call. */
  private static final int FREEZES = 3;

  private static final Duration STARTED = Duration.ofSeconds(60);
  private static final Duration DRAINED = Duration.ofSeconds(150);
  private static final List<SqsFault> FIFO_FAULTS =
      List.of(
          SqsFault.SERVICE_UNAVAILABLE,
          SqsFault.THROTTLED,
          SqsFault.RESET_BEFORE,
          SqsFault.RESET_AFTER_WRITE,
          SqsFault.PARTIAL_SERVICE_FAULT,
          SqsFault.OMITTED_ENTRY,
          SqsFault.GARBAGE);

  private final long seed;
  private final SplittableRandom random;
  private final Set<Fault> faults;
  private final int messages;
  private final LocalRedis redis;
  private final Pipeline pipeline;
  private final FaultySqs otherSqs = FaultySqs.inFrontOf(LocalSqs.shared());
  private final RunningWorker[] workers = new RunningWorker[2];
  private final ConcurrentLinkedQueue<String> struck = new ConcurrentLinkedQueue<>();
  private final AtomicInteger handlersToKill = new AtomicInteger();
  private final ConcurrentLinkedQueue<OutboundMessage> forwarded = new ConcurrentLinkedQueue<>();
  private final long start = System.nanoTime();

  FaultRun(LocalRedis redis, long seed, int messages, Set<Fault> faults) {
    this.seed = seed;
    this.random = new SplittableRandom(seed).split();
    this.faults = faults;
    this.messages = messages;
    this.redis = redis;
    this.pipeline = new Pipeline(redis, LIMIT);
    otherSqs.onCall(pipeline.timeLapse::hear);
  }

  /** What strikes in the run of a seed: at least one, and none of the others. */
  static Set<Fault> someFaults(SplittableRandom random, Set<Fault> but) {
    EnumSet<Fault> faults = EnumSet.noneOf(Fault.class);
    while (faults.isEmpty()) {
      for (Fault fault : Fault.values()) {
        if (random.nextInt(5) < 2 && !but.contains(fault)) {
          faults.add(fault);
        }
      }
    }
    return faults;
  }

  /** Runs to the end and checks; the failure names the seed. */
  void run() throws Exception {
    System.out.printf("fault run -Dseed=%d: %d messages, %s%n", seed, messages, faults);
    try {
      strikeAndDrain();
      PipelineJudge judge = pipeline.judge();
      judge.noneIsLost(DRAINED);
      judge.noWindowIsOverTheLimit();
      judge.nothingIsDeliveredTwice();
      judge.orderIsKept();
      System.out.printf(
          "fault run -Dseed=%d held in %.0f s: %d calls, %d delivered, %d put aside, %d of 429;%s%n",
          seed,
          (System.nanoTime() - start) / 1e9,
          pipeline.api.calls().size(),
          pipeline.api.deliveries().size(),
          judge.deadLetters().size(),
          pipeline.api.rejected429(),
          struck);
    } catch (AssertionError | Exception e) {
      String names = faults.stream().map(Fault::name).collect(Collectors.joining(","));
      throw new AssertionError(
          "fault run failed; replay with -Dseed=%d -Dmessages=%d -Dfaults=%s:%s"
              .formatted(seed, messages, names, struck),
          e);
    }
  }

  private void strikeAndDrain() throws Exception {
    boolean freezes = faults.contains(Fault.WORKER_FROZEN);
    workers[0] = startWorker(0, freezes ? 3 + random.nextInt(messages / 12) : 0);
    workers[1] = startWorker(1, 0);
    for (RunningWorker worker : workers) {
      if (!worker.awaitReady(STARTED)) {
        throw new IllegalStateException("a worker did not start");
      }
    }
    if (faults.contains(Fault.API_FAILS)) {
      failApi();
    }
    if (faults.contains(Fault.FIFO_FAILS)) {
      pipeline.handlerSqs.failShare(0.3, seed, FIFO_FAULTS, "SendMessage", "SendMessageBatch");
    }
    int concurrency = 1 + random.nextInt(2);
    LocalEventSource.Invocation function = mortal(pipeline.handler());
    pipeline.startHandler(function, concurrency);
    List<OnlyFansMessage> burst = PipelineTest.messages(messages, CREATORS);
    pipeline.send(burst);

    ExecutorService striking = Executors.newCachedThreadPool();
    List<Future<?>> strikes = new ArrayList<>();
    for (Fault fault : faults) {
      Duration at = Duration.ofMillis(500 + random.nextInt(5_000));
      SplittableRandom own = random.split();
      strikes.add(
          striking.submit(
              () -> {
                PipelineJudge.pause(at);
                strike(fault, own, burst, function, concurrency);
                return null;
              }));
    }
    try {
      for (Future<?> strike : strikes) {
        strike.get();
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException("a fault could not be made", e.getCause());
    } finally {
      striking.shutdownNow();
    }
    heal();
  }

  private void strike(
      Fault fault,
      SplittableRandom own,
      List<OnlyFansMessage> burst,
      LocalEventSource.Invocation function,
      int concurrency)
      throws IOException, InterruptedException {
    struck.add(" %s at %.1f s".formatted(fault, (System.nanoTime() - start) / 1e9));
    switch (fault) {
      case WORKERS_STOPPED -> stopWorkers(own.nextBoolean());
      case WORKER_KILLED -> {
        synchronized (workers) {
          workers[1].kill();
          workers[1] = startWorker(1, 0);
        }
      }
      case WORKER_FROZEN -> freeze(own);
      case HEARTBEAT_CUT -> {
        otherSqs.failAll(
            SqsFault.SERVICE_UNAVAILABLE,
            "ChangeMessageVisibility",
            "ChangeMessageVisibilityBatch");
        PipelineJudge.pause(Pipeline.WORKFLOW_VISIBILITY.plusMillis(own.nextInt(4_000)));
        otherSqs.heal();
      }
      case HANDLER_KILLED -> {
        handlersToKill.addAndGet(1 + own.nextInt(3));
        PipelineJudge.pause(Duration.ofMillis(own.nextInt(2_000)));
        List<LocalEventSource> sources = pipeline.eventSources();
        sources.get(sources.size() - 1).kill();
        pipeline.startHandler(function, concurrency);
      }
      case REDIS_KILLED -> {
        redis.kill9();
        PipelineJudge.pause(Duration.ofMillis(own.nextInt(3_000)));
        redis.restartEmpty();
      }
      case DUPLICATES -> duplicate(own, burst);
      case FIFO_FAILS, API_FAILS ->
          PipelineJudge.pause(Duration.ofMillis(2_000 + own.nextInt(4_000)));
    }
  }

  private void stopWorkers(boolean gracefully) throws IOException, InterruptedException {
    synchronized (workers) {
      for (RunningWorker worker : workers) {
        if (gracefully) {
          worker.stop();
        } else {
          worker.kill();
        }
      }
      PipelineJudge.pause(LIMIT.window().multipliedBy(10));
      for (int i = 0; i < workers.length; i++) {
        workers[i] = startWorker(i, 0);
      }
    }
  }

  /** Stops the process while one of its threads stands between permit and call. */
  private void freeze(SplittableRandom own) throws IOException, InterruptedException {
    RunningWorker worker = workers[0];
    for (int i = 0; i < FREEZES && worker.awaitPaused(Duration.ofSeconds(5)); i++) {
      worker.freeze();
      PipelineJudge.pause(Duration.ofMillis(600 + own.nextInt(own.nextBoolean() ? 1_000 : 7_000)));
      worker.thaw();
      worker.goOn(1);
    }
  }

  private void duplicate(SplittableRandom own, List<OnlyFansMessage> burst) {
    SqsMessageSink entry =
        SqsMessageSink.builder(pipeline.client).queue(pipeline.entry.url()).build();
    for (int i = 0; i < 10; i++) {
      OnlyFansMessage again = burst.get(own.nextInt(burst.size()));
      entry.send(
          OutboundMessage.builder(again.messageId(), again.userId(), Instant.now())
              .creatorId(again.creatorId())
              .recipientId(again.recipientId())
              .content(again.content())
              .build());
    }
    List<OutboundMessage> known = List.copyOf(forwarded);
    for (int i = 0; i < Math.min(10, known.size()); i++) {
      OutboundMessage again = known.get(own.nextInt(known.size()));
      pipeline.forwardCopy(again, "copy-" + i + "-" + again.messageId());
    }
  }

  private void failApi() {
    double share = 0.1 + random.nextDouble() * 0.2;
    List<ApiFault> kinds =
        List.of(
            ApiFault.rateLimited(Duration.ofSeconds(1)),
            ApiFault.status(503),
            ApiFault.status(500),
            ApiFault.hangBeforeDelivery(Duration.ofSeconds(10)),
            ApiFault.hangAfterDelivery(Duration.ofSeconds(10)),
            ApiFault.resetBeforeDelivery(),
            ApiFault.resetAfterDelivery());
    for (ApiFault kind : kinds) {
      SplittableRandom own = random.split();
      pipeline.api.failWhen(call -> own.nextDouble() < share / kinds.size(), kind);
    }
  }

  /** A function that can be killed when it has done all but answer. */
  private LocalEventSource.Invocation mortal(LocalEventSource.Invocation function) {
    return (event, remaining) -> {
      byte[] answer = function.invoke(event, remaining);
      if (handlersToKill.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
        throw new IllegalStateException("killed before it could answer");
      }
      String text = new String(answer, UTF_8);
      for (LambdaEvents.Received record : LambdaEvents.records(event)) {
        if (!text.contains(record.messageId())) {
          forwarded.add(PayloadCodec.decodeEither(record.body()));
        }
      }
      return answer;
    };
  }

  private RunningWorker startWorker(int number, int pauseEach) throws IOException {
    URI sqs = number == 0 ? pipeline.workerSqs.endpoint() : otherSqs.endpoint();
    return RunningWorker.start(
        new WorkerProcess.Wiring(
            sqs,
            pipeline.workflow.url(),
            pipeline.redis,
            pipeline.database.jdbcUrl(),
            pipeline.api.baseUri(),
            LIMIT,
            GUARD,
            pauseEach));
  }

  private void heal() {
    pipeline.api.heal();
    pipeline.handlerSqs.heal();
    pipeline.workerSqs.heal();
    otherSqs.heal();
    handlersToKill.set(0);
    if (faults.contains(Fault.WORKER_FROZEN)) {
      workers[0].goOn(messages); // however often it would still stop
    }
  }

  @Override
  public void close() {
    for (RunningWorker worker : workers) {
      if (worker != null) {
        worker.close();
      }
    }
    pipeline.close();
    otherSqs.close();
  }
}
