package com.huntaze.ratelimiter.examples.fallback;

import com.huntaze.ratelimiter.fallback.Replayer;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.sqs.SqsClients;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import software.amazon.awssdk.services.sqs.SqsClient;

/** Sends what is due to the queue, now. */
@Command(
    name = "replay",
    description = {
      "Send messages that are due to the queue now, oldest first.",
      "Stops when nothing is due or the queue fails. An encrypted message whose key is not given is"
          + " left alone for five minutes, as any replayer does."
    })
final class ReplayCommand extends StoreCommand {
  @Option(
      names = "--max",
      converter = Converters.Count.class,
      paramLabel = "N",
      description = "The most to replay. Default: 1000.")
  private int max = 1_000;

  @Option(
      names = "--pace",
      converter = Converters.Pace.class,
      paramLabel = "N/TIME",
      description = "How fast, spread evenly. Default: 100/1s.")
  private RateLimit pace = RateLimit.rolling(100, Duration.ofSeconds(1));

  ReplayCommand(FallbackCommand root) {
    super(root);
  }

  @Override
  int run(OpenStore opened, Output out) {
    if (opened.config().queue().isEmpty()) {
      throw new StoppedException(
          UNUSABLE, "SQS_RATE_LIMITER_QUEUE is unset; set it to the queue's name or URL");
    }
    try (SqsClient sqs = SqsClients.forSending(opened.config())) {
      WatchedSink sink = new WatchedSink(SqsMessageSink.builder(sqs, opened.config()).build());
      try (Replayer replayer = Replayer.builder(opened.store(), sink).pace(pace).build()) {
        return replay(opened, out, replayer, sink);
      }
    }
  }

  private int replay(OpenStore opened, Output out, Replayer replayer, WatchedSink sink) {
    int replayed = 0;
    int refusedBefore;
    do { // a refused message ends a replay early, and is dead then
      refusedBefore = sink.refused();
      replayed += replayer.replay(max - replayed);
    } while (replayed < max && sink.refused() > refusedBefore && sink.fault() == null);
    long waiting = opened.store().backlog().waiting();

    Map<String, @Nullable Object> document = new LinkedHashMap<>();
    document.put("replayed", replayed);
    document.put("refused", sink.refused());
    document.put("waiting", waiting);
    out.document(document);

    out.line(Texts.messages(replayed) + " replayed, " + waiting + " still waiting");
    if (sink.refused() > 0) {
      out.line(Texts.messages(sink.refused()) + " refused by the queue for good, now dead");
    }
    SinkException fault = sink.fault();
    if (fault != null) {
      throw new StoppedException(
          UNUSABLE, "the queue did not take all: " + fault.kind() + ": " + fault.getMessage());
    }
    return DONE;
  }
}
