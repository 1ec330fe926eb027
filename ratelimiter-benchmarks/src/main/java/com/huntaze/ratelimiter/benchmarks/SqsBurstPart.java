package com.huntaze.ratelimiter.benchmarks;

import java.io.IOException;
import java.util.List;

/**
 * What becomes of 200,000 messages that four threads send without ever waiting for an answer, each
 * contestant in a JVM of its own with a heap of 1 GiB.
 *
 * <p>Ours says that there is no room when its buffer is full; the caller then comes again a
 * millisecond later. A peer's caller has no other retries than the SDK's own.
 */
final class SqsBurstPart {
  private static final int MESSAGES = 200_000;
  private static final List<String> OPTIONS = List.of("-Xmx1g");

  private final MeasuredSqs server;

  SqsBurstPart(MeasuredSqs server) {
    this.server = server;
  }

  void run() throws IOException {
    Table table =
        Table.titled(
            MESSAGES + " sends without waiting",
            "contestant",
            "failed",
            "unfinished after 3 min",
            "told that there is no room",
            "peak heap MB",
            "most alive after a collection, MB",
            "HTTP calls a message",
            "seconds");
    double failed = 0;
    for (BurstProcess.Kind kind : BurstProcess.Kind.values()) {
      BurstProcess.Report report = run(kind);
      table.row(
          kind.title(),
          report.failed(),
          report.unfinished(),
          report.noRoom(),
          report.peakMegabytes(),
          report.aliveMegabytes(),
          report.calls() / (double) MESSAGES,
          report.seconds());
      if (kind == BurstProcess.Kind.OURS) {
        failed = report.failed() + report.unfinished();
      }
    }
    Bars bars = new Bars(MESSAGES + " sends without waiting");
    bars.atMost("ours that failed", 0, failed);
  }

  private BurstProcess.Report run(BurstProcess.Kind kind) throws IOException {
    String queueUrl = server.newQueue();
    try (ChildJvm child =
        ChildJvm.start(
            BurstProcess.class,
            OPTIONS,
            kind.name(),
            server.endpoint().toString(),
            queueUrl,
            Integer.toString(MESSAGES))) {
      return BurstProcess.Report.parse(child.line());
    } finally {
      server.empty(queueUrl);
    }
  }
}
