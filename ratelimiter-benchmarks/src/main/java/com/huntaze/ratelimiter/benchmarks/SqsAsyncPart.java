package com.huntaze.ratelimiter.benchmarks;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;

/**
 * Messages a second that are sent without waiting, 400 in flight from four threads, ours beside the
 * peers that batch by themselves.
 *
 * <p>The peers are on Netty; ours is measured on it too, besides on a blocking client. Each round
 * gives every contestant its time on an empty queue, in an order that moves on from round to round.
 */
final class SqsAsyncPart {
  private static final int ROUNDS = 10;
  private static final double OF_BETTER_PEER = 1;
  private static final double CALLS_A_MESSAGE = 0.12;

  private static final String OURS_NETTY = "ours, on Netty";
  private static final String OURS = "ours, on Apache 5";
  private static final String MANAGER = "SqsAsyncBatchManager, on Netty";
  private static final String SPRING = "Spring Cloud AWS, SqsTemplate over its batching, on Netty";

  private final MeasuredSqs server;
  private final double seconds;
  private final Map<String, Contestant> contestants = new LinkedHashMap<>();

  SqsAsyncPart(MeasuredSqs server, double seconds) {
    this.server = server;
    this.seconds = seconds;
  }

  /** A sender with a client and a queue of its own, and what it did in all rounds. */
  private static final class Contestant {
    private final SampleMessages messages;
    private final CallCount calls = new CallCount();
    private final Samples throughput = new Samples();
    private final Samples cpuMicros = new Samples();
    private final Histogram nanos = new Histogram(3);
    private long sent;
    private long notTaken;
    private long callsBefore;
    private AsyncSender sender;

    private Contestant(MeasuredSqs server, Opening opening) {
      this.messages = new SampleMessages(server.newQueue());
      this.sender = opening.open(messages, calls);
    }

    private double callsAMessage() {
      return (double) (calls.sum() - callsBefore) / sent;
    }

    private double micros(double percentile) {
      return nanos.getValueAtPercentile(percentile) / 1e3;
    }
  }

  @FunctionalInterface
  private interface Opening {
    AsyncSender open(SampleMessages messages, CallCount calls);
  }

  void run() throws InterruptedException {
    SqsClients clients = server.clients();
    add(OURS_NETTY, (m, calls) -> AsyncSender.ours(new JoinedSqsClient(clients.netty(calls)), m));
    add(
        OURS,
        (m, calls) -> AsyncSender.ours(clients.blocking(Apache5HttpClient.builder(), calls), m));
    add(MANAGER, (m, calls) -> AsyncSender.batchManager(clients.netty(calls), m));
    add(SPRING, (m, calls) -> AsyncSender.spring(clients.netty(calls), m));
    try {
      round(0, Math.max(2, 3 * seconds)); // Warms up and connects.
      contestants.values().forEach(SqsAsyncPart::forget);
      for (int round = 0; round < ROUNDS; round++) {
        round(round, seconds);
      }
      print();
    } finally {
      contestants.values().forEach(each -> each.sender.close());
    }
  }

  private void add(String name, Opening opening) {
    contestants.put(name, new Contestant(server, opening));
  }

  private static void forget(Contestant contestant) {
    contestant.throughput.clear();
    contestant.cpuMicros.clear();
    contestant.nanos.reset();
    contestant.sent = 0;
    contestant.notTaken = 0;
    contestant.callsBefore = contestant.calls.sum();
  }

  private void round(int round, double time) throws InterruptedException {
    List<Contestant> order = new ArrayList<>(contestants.values());
    Collections.rotate(order, round);
    for (Contestant each : order) {
      AsyncLoad.Result result = AsyncLoad.run(each.sender, time);
      each.throughput.add(result.throughput());
      each.cpuMicros.add(result.cpuNanos() / 1e3 / result.sent());
      each.nanos.add(result.nanos());
      each.sent += result.sent();
      each.notTaken += result.notTaken();
      server.empty(each.messages.queueUrl());
    }
  }

  private void print() {
    Table table =
        Table.titled(
            "sendAsync, 400 in flight from 4 threads",
            "contestant",
            "best messages/s",
            "median messages/s",
            "rounds apart",
            "CPU µs a message",
            "HTTP calls a message",
            "p50 µs",
            "p99 µs",
            "not taken, of");
    contestants.forEach(
        (name, each) ->
            table.row(
                name,
                each.throughput.best(),
                each.throughput.median(),
                each.throughput.spread(),
                each.cpuMicros.median(),
                each.callsAMessage(),
                each.micros(50),
                each.micros(99),
                each.notTaken + " of " + each.sent));
    System.out.println(
        "\nNoise: the rounds of each lie as far apart as the table says, as a share of their median."
            + " CPU is this JVM's, without the server's.");
    Bars bars = new Bars("sendAsync");
    Contestant ours = contestant(OURS_NETTY);
    for (String peer : List.of(MANAGER, SPRING)) {
      bars.atLeast("of " + peer, OF_BETTER_PEER, ours.throughput, contestant(peer).throughput);
      bars.atLeast(
          "of " + peer + "; ours on Apache 5",
          OF_BETTER_PEER,
          contestant(OURS).throughput,
          contestant(peer).throughput);
    }
    bars.atMost("HTTP calls a message", CALLS_A_MESSAGE, ours.callsAMessage());
    bars.atMost(
        "HTTP calls a message; ours on Apache 5",
        CALLS_A_MESSAGE,
        contestant(OURS).callsAMessage());
  }

  private Contestant contestant(String name) {
    return requireNonNull(contestants.get(name));
  }
}
