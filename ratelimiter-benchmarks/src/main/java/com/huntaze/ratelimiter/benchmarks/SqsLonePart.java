package com.huntaze.ratelimiter.benchmarks;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import java.util.Map;
import java.util.concurrent.Callable;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.batchmanager.SqsAsyncBatchManager;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;

/** How long a message takes that is sent without waiting while no other is on its way. */
final class SqsLonePart {
  private static final int ROUNDS = 8;
  private static final int TURN = 10;
  private static final double TIME_OF_BARE = 1.1;

  private static final String BARE = "bare sendMessage";
  private static final String AGAIN = "bare sendMessage, again";
  private static final String OURS = "ours, sendAsync(...).get()";
  private static final String MANAGER = "SqsAsyncBatchManager";

  private final MeasuredSqs server;
  private final double seconds;

  SqsLonePart(MeasuredSqs server, double seconds) {
    this.server = server;
    this.seconds = seconds;
  }

  void run() throws Exception {
    SampleMessages messages = new SampleMessages(server.newQueue());
    turns(new AnsweringSqsClient(), messages).warmUp(SqsSendPart.WARM_UP_CALLS);
    Runnable afterRound = () -> server.empty(messages.queueUrl());
    try (SqsClient sqs = server.clients().blocking(Apache5HttpClient.builder(), new CallCount());
        SqsAsyncClient netty = server.clients().netty(new CallCount());
        SqsAsyncBatchManager manager = netty.batchManager()) {
      Map<String, Turns.Cost> costs =
          turns(sqs, messages).run(ROUNDS, seconds, Math.max(2, 5 * seconds), afterRound);
      // On its own: it waits for company, far longer than a turn of the others takes.
      costs.putAll(
          new Turns(1)
              .add(MANAGER, () -> manager.sendMessage(messages.request(messages.body())).get())
              .run(ROUNDS, seconds, seconds, afterRound));
      print(costs);
    }
  }

  private static Turns turns(SqsClient sqs, SampleMessages messages) {
    String body = messages.body();
    OnlyFansMessage message = messages.ours();
    RateLimitedOnlyFansClient client = AsyncSender.client(sqs, messages.queueUrl());
    Callable<SendMessageResponse> bare = () -> sqs.sendMessage(messages.request(body));
    return new Turns(TURN)
        .add(BARE, bare)
        .add(AGAIN, bare)
        .add(OURS, () -> SqsSendPart.accepted(client.sendAsync(message).get()));
  }

  private static void print(Map<String, Turns.Cost> costs) {
    Table table =
        Table.titled(
            "A lone message", "contestant", "median µs", "mean µs", "p99 µs", "median of bare");
    Turns.Cost bare = requireNonNull(costs.get(BARE));
    costs.forEach(
        (name, cost) ->
            table.row(
                name,
                cost.medianMicros.median(),
                cost.meanMicros.median(),
                cost.p99Micros.median(),
                cost.medianMicros.median() / bare.medianMicros.median()));
    System.out.printf(
        "%nNoise: the bare call's rounds lie %.1f %% of their median apart.%n",
        100 * bare.medianMicros.spread());
    Turns.Cost ours = requireNonNull(costs.get(OURS));
    Bars bars = new Bars("A lone message");
    bars.atMost("median, of bare", TIME_OF_BARE, ours.medianMicros, bare.medianMicros);
    bars.atMost("mean, of bare", TIME_OF_BARE, ours.meanMicros, bare.meanMicros);
  }
}
