package com.huntaze.ratelimiter.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Messages to store: as ours takes them, and as JSON of the same size for the peers, who get it
 * ready-made but for the text, which no two share. Many creators take turns, since ours hands out
 * the messages of one creator in order. Thread-safe.
 */
final class StoredSamples {
  static final int CREATORS = 1_000;

  private static final String PADDING = "A text of some length. ".repeat(3);
  private static final String SLOT = "@";

  private final AtomicLong numbers = new AtomicLong(10_000_000);
  private final String head;
  private final String tail;

  StoredSamples() {
    String body = PayloadCodec.standard().encode(message(10_000_000, SLOT));
    int slot = body.indexOf(SLOT);
    this.head = body.substring(0, slot);
    this.tail = body.substring(slot + SLOT.length());
  }

  OutboundMessage ours() {
    long number = numbers.getAndIncrement();
    return message(number, PADDING + number);
  }

  String json() {
    return head + PADDING + numbers.getAndIncrement() + tail;
  }

  /** How long one is, as ours or a peer's. */
  int bytes() {
    return json().getBytes(UTF_8).length;
  }

  private static OutboundMessage message(long number, String content) {
    return OutboundMessage.builder(UUID.randomUUID().toString(), "user-4711", Instant.now())
        .creatorId("creator-" + (number % CREATORS))
        .recipientId("fan-0815")
        .content(content)
        .build();
  }
}
