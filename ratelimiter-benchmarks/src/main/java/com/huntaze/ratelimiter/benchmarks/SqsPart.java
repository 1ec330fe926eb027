package com.huntaze.ratelimiter.benchmarks;

import java.util.List;
import org.slf4j.LoggerFactory;

/**
 * What sending to SQS costs, beside the bare call and the peers that batch by themselves, on an
 * ElasticMQ on the same machine in a JVM of its own.
 *
 * <p>{@code -Dbenchmarks.sqs=send,async,lone,burst} chooses among its measurements.
 */
final class SqsPart {
  private static final String ALL = "send,async,lone,burst";

  private final double seconds;

  SqsPart(double seconds) {
    this.seconds = seconds;
  }

  void run() throws Exception {
    String chosen = System.getProperty("benchmarks.sqs", ALL);
    System.out.printf(
        "%nElasticMQ in a JVM of its own; logging goes to %s: a line that a host logs at INFO for"
            + " each send is made by no contestant.%n",
        LoggerFactory.getILoggerFactory().getClass().getSimpleName());
    for (String name : List.of(chosen.split(","))) {
      try (MeasuredSqs server = MeasuredSqs.start()) {
        switch (name.strip()) {
          case "send" -> new SqsSendPart(server, seconds).run();
          case "async" -> new SqsAsyncPart(server, seconds).run();
          case "lone" -> new SqsLonePart(server, seconds).run();
          case "burst" -> new SqsBurstPart(server).run();
          default -> throw new IllegalArgumentException("sqs has no measurement '" + name + "'");
        }
      }
    }
  }
}
