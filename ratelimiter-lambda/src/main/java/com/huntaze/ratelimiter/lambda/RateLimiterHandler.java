package com.huntaze.ratelimiter.lambda;

import static java.util.Objects.requireNonNull;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.delivery.RateLimitGate.Outcome;
import com.huntaze.ratelimiter.lambda.EventReader.EventException;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.queue.MessageSource.NotDone;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.crac.Resource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * The function between the entry queue and the workflow queue: forwards the messages of an event
 * that may go, hides the others until the instant that is booked for them, and puts aside what
 * cannot be read.
 *
 * <p>Called by Lambda's runtime with events of SQS, for which the event source must be set to
 * {@code ReportBatchItemFailures}. Thread-safe. The settings are those of {@link
 * RateLimiterConfig}, of which {@code SQS_RATE_LIMITER_QUEUE}, {@code SQS_WORKFLOW_QUEUE} and
 * {@code REDIS_URL} are needed; {@code REDIS_AUTH_TOKEN_SECRET} and {@code ONLYFANS_API_KEY_SECRET}
 * name secrets, see {@link RotatingSecrets}. The function's time-out should be 30 s.
 *
 * <p><b>Failure:</b> an event never fails with an exception. What is not done with stays in its
 * queue: it is listed in the answer, and an event of which that cannot be told record by record
 * fails as a whole.
 */
public final class RateLimiterHandler implements RequestStreamHandler {
  static {
    JsonLogs.install(System.getenv());
  }

  private static final Logger log = LoggerFactory.getLogger(RateLimiterHandler.class);

  /** What writing the answer takes, and a pause of the collector. */
  private static final Duration MARGIN = Duration.ofMillis(500);

  private final Supplier<EntryQueues> entryQueues;
  private final String environment;
  private final OutputStream metrics;

  /** Held here, since its context does not. */
  @SuppressWarnings("unused")
  private final @Nullable Resource snapshot;

  /**
   * A handler with the settings of this process's environment.
   *
   * @throws IllegalArgumentException if settings are wrong or missing; the message names each
   */
  public RateLimiterHandler() {
    this(System.getenv());
  }

  /**
   * A handler with given settings. No connection is opened before the first event.
   *
   * @param environment names and texts, as in the environment
   * @throws IllegalArgumentException if settings are wrong or missing; the message names each
   */
  public RateLimiterHandler(Map<String, String> environment) {
    this(Settings.read(environment), Settings.secretIds(environment));
  }

  private RateLimiterHandler(RateLimiterConfig config, Map<String, String> secretIds) {
    this(new LazyParts(config, secretIds, Ticker.system()), config);
  }

  RateLimiterHandler(LazyParts parts, RateLimiterConfig config) {
    this.entryQueues = () -> parts.get().refreshed().entryQueues();
    this.environment = config.environment();
    this.metrics = StandardOut.STREAM;
    this.snapshot = Snapshot.register(parts, config);
  }

  /** A handler on parts of a test's own. */
  RateLimiterHandler(EntryQueues entryQueues, OutputStream metrics) {
    this.entryQueues = () -> entryQueues;
    this.environment = "test";
    this.metrics = metrics;
    this.snapshot = null;
  }

  @Override
  public void handleRequest(InputStream input, OutputStream output, Context context)
      throws IOException {
    MDC.put("requestId", String.valueOf(context.getAwsRequestId()));
    Failures failures = new Failures();
    try {
      List<EventRecord> records = EventReader.read(input);
      process(records, context, failures);
    } catch (EventException e) {
      log.error("The event cannot be read and fails as a whole: {}", e.getMessage());
      failures.addAll();
    } catch (RuntimeException | Error e) {
      log.error("The event fails as a whole: {}", e.getClass().getName(), e);
      failures.addAll();
    } finally {
      MDC.remove("requestId");
    }
    failures.writeTo(output);
  }

  private void process(List<EventRecord> records, Context context, Failures failures) {
    Supplier<Duration> remaining =
        () -> Duration.ofMillis(context.getRemainingTimeInMillis()).minus(MARGIN);
    List<Outcome> outcomes = new ArrayList<>();
    Map<EntryQueue, List<EventRecord>> byQueue = new LinkedHashMap<>();
    for (EventRecord record : records) {
      if (record.fault() != null) {
        leave(record, failures);
        outcomes.add(Outcome.RETRY);
      } else {
        byQueue
            .computeIfAbsent(entryQueues.get().of(record.queueArn()), any -> new ArrayList<>())
            .add(record);
      }
    }
    byQueue.forEach((queue, some) -> outcomes.addAll(process(queue, some, remaining, failures)));
    tell(outcomes);
  }

  /** A record that the event garbled: the message itself may be well, so it stays in its queue. */
  private static void leave(EventRecord record, Failures failures) {
    String id = record.messageId();
    log.atError()
        .addKeyValue("messageId", id)
        .log("A record of the event cannot be read and stays in its queue: {}", record.fault());
    if (id == null || id.isEmpty()) {
      failures.addAll(); // it cannot be listed
    } else {
      failures.add(id);
    }
  }

  private static List<Outcome> process(
      EntryQueue queue,
      List<EventRecord> records,
      Supplier<Duration> remaining,
      Failures failures) {
    List<ReceivedMessage> batch = new ArrayList<>();
    try {
      records.forEach(record -> batch.add(queue.source().adopt(record.message())));
      List<Outcome> outcomes = queue.work().process(batch, remaining);
      List<ReceivedMessage> done = new ArrayList<>();
      for (int i = 0; i < records.size(); i++) {
        switch (outcomes.get(i)) {
          case FORWARDED, DEAD_LETTERED -> done.add(batch.get(i));
          case BOOKED, RETRY -> failures.add(requireNonNull(records.get(i).messageId()));
        }
      }
      if (failures.isWhole()) {
        deleteOurselves(queue, done);
      }
      return outcomes;
    } finally {
      batch.forEach(queue.source()::letGo);
    }
  }

  /** Where the event fails as a whole, Lambda does not delete what is done with. */
  private static void deleteOurselves(EntryQueue queue, List<ReceivedMessage> done) {
    List<NotDone> notDone = queue.source().deleteAll(done);
    if (!notDone.isEmpty()) {
      log.warn(
          "{} messages that are done with could not be deleted and will come again",
          notDone.size());
    }
  }

  private void tell(List<Outcome> outcomes) {
    try {
      metrics.write(EmfLine.of(environment, Instant.now(), outcomes));
      metrics.flush();
    } catch (IOException | RuntimeException e) {
      log.warn("The metrics could not be written: {}", e.toString());
    }
  }
}
