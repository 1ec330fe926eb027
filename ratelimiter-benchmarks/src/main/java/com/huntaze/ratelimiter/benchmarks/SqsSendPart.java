package com.huntaze.ratelimiter.benchmarks;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.SendResult;
import java.util.Map;
import java.util.concurrent.Callable;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;

/**
 * What {@code send} costs on top of the bare call of SQS: one thread, the same client, the same
 * bytes and attributes.
 *
 * <p>The bare caller has its JSON ready and builds the request; ours gets one message again and
 * again, to which it gives a new id each time; what each does above the SDK's client is compiled
 * before it counts. The bare caller takes part twice: how far it is from itself is the noise.
 */
final class SqsSendPart {
  private static final int ROUNDS = 8;
  private static final int TURN = 10;

  /** Of the code above the SDK's client; at one call a round trip it would take too long. */
  static final int WARM_UP_CALLS = 50_000;

  private static final double TIME_OF_BARE = 1.05;
  private static final double BYTES_OVER_BARE = 2_048;

  private static final String BARE = "bare sendMessage";
  private static final String AGAIN = "bare sendMessage, again";
  private static final String OURS = "ours, send";

  private final MeasuredSqs server;
  private final double seconds;

  SqsSendPart(MeasuredSqs server, double seconds) {
    this.server = server;
    this.seconds = seconds;
  }

  void run() throws Exception {
    run("Apache 5", Apache5HttpClient.builder());
    run("URLConnection", UrlConnectionHttpClient.builder());
  }

  private void run(String http, SdkHttpClient.Builder<?> builder) throws Exception {
    SampleMessages messages = new SampleMessages(server.newQueue());
    turns(new AnsweringSqsClient(), messages).warmUp(WARM_UP_CALLS);
    try (SqsClient sqs = server.clients().blocking(builder, new CallCount())) {
      Runnable afterRound = () -> server.empty(messages.queueUrl());
      print(http, turns(sqs, messages).run(ROUNDS, seconds, Math.max(2, 5 * seconds), afterRound));
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
        .add(OURS, () -> accepted(client.send(message)));
  }

  static SendResult accepted(SendResult result) {
    if (!result.accepted()) {
      throw new IllegalStateException(result.toString());
    }
    return result;
  }

  private static void print(String http, Map<String, Turns.Cost> costs) {
    Table table =
        Table.titled(
            "send, one thread, over " + http,
            "contestant",
            "median µs",
            "mean µs",
            "p99 µs",
            "CPU µs",
            "bytes allocated a message",
            "median of bare",
            "mean of bare",
            "CPU of bare",
            "bytes over bare");
    Turns.Cost bare = requireNonNull(costs.get(BARE));
    costs.forEach(
        (name, cost) ->
            table.row(
                name,
                cost.medianMicros.median(),
                cost.meanMicros.median(),
                cost.p99Micros.median(),
                cost.cpuMicros.median(),
                cost.bytes.median(),
                cost.medianMicros.median() / bare.medianMicros.median(),
                cost.meanMicros.median() / bare.meanMicros.median(),
                cost.cpuMicros.median() / bare.cpuMicros.median(),
                cost.bytes.median() - bare.bytes.median()));
    System.out.printf(
        "%nNoise: the bare call's rounds lie %.1f %% of their median apart by medians, %.1f %% by"
            + " means; its second turn in the table would be 1 without any.%n",
        100 * bare.medianMicros.spread(), 100 * bare.meanMicros.spread());
    Turns.Cost ours = requireNonNull(costs.get(OURS));
    Bars bars = new Bars("send over " + http);
    bars.atMost("median, of bare", TIME_OF_BARE, ours.medianMicros, bare.medianMicros);
    bars.atMost("mean, of bare", TIME_OF_BARE, ours.meanMicros, bare.meanMicros);
    bars.atMost("bytes over bare", BYTES_OVER_BARE, ours.bytes.median() - bare.bytes.median());
  }
}
