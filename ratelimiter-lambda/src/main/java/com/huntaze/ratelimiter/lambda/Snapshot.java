package com.huntaze.ratelimiter.lambda;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.delivery.RateLimitGate.Outcome;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.util.List;
import org.crac.Context;
import org.crac.Core;
import org.crac.Resource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happens before a snapshot of the process is taken: what is slow the first time is done once,
 * without any call, and everything that is open is closed, to be opened again when it is needed.
 */
final class Snapshot implements Resource {
  private static final Logger log = LoggerFactory.getLogger(Snapshot.class);

  private final LazyParts parts;
  private final RateLimiterConfig config;

  private Snapshot(LazyParts parts, RateLimiterConfig config) {
    this.parts = parts;
    this.config = config;
  }

  /** Takes part in snapshots. The context holds it weakly: who calls keeps what is returned. */
  static Snapshot register(LazyParts parts, RateLimiterConfig config) {
    Snapshot snapshot = new Snapshot(parts, config);
    Core.getGlobalContext().register(snapshot);
    return snapshot;
  }

  @Override
  public void beforeCheckpoint(Context<? extends Resource> context) {
    try {
      prime();
    } catch (IOException | EventReader.EventException | RuntimeException e) {
      log.warn("The function could not be primed; its first event may be slow: {}", e.toString());
    }
    parts.close();
  }

  /** Nothing: what was closed is opened when it is needed. */
  @Override
  public void afterRestore(Context<? extends Resource> context) {}

  /** Reads a canned event and its message, writes answer and metrics, and builds the parts. */
  void prime() throws IOException, EventReader.EventException {
    OutboundMessage message =
        OutboundMessage.builder("prime", "prime", Instant.EPOCH)
            .recipientId("prime")
            .content("prime")
            .build();
    String body = PayloadCodec.standard().encode(message);
    String event =
        "{\"Records\":[{\"messageId\":\"prime\",\"receiptHandle\":\"prime\",\"body\":\""
            + body.replace("\"", "\\\"")
            + "\",\"attributes\":{\"ApproximateReceiveCount\":\"1\"}}]}";
    Failures failures = new Failures();
    for (EventRecord record : EventReader.read(new ByteArrayInputStream(event.getBytes(UTF_8)))) {
      PayloadCodec.workflow().encode(PayloadCodec.decodeEither(record.message().body()));
      failures.add("prime");
    }
    failures.writeTo(OutputStream.nullOutputStream());
    OutputStream.nullOutputStream()
        .write(EmfLine.of(config.environment(), Instant.EPOCH, List.of(Outcome.FORWARDED)));
    parts.get().entryQueues().of(null);
  }
}
