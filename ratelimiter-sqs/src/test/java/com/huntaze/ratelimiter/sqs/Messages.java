package com.huntaze.ratelimiter.sqs;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;

/** Messages for tests, all with a content that must not be seen anywhere. */
final class Messages {
  /** What no log, exception or toString may show. */
  static final String SECRET = "content-of-the-message";

  private Messages() {}

  static OutboundMessage.Builder message(String id) {
    return OutboundMessage.builder(id, "user-1", Instant.parse("2026-03-01T12:30:00Z"))
        .recipientId("fan-1")
        .content(SECRET)
        .mediaUrls(List.of("https://cdn.example/" + SECRET + ".jpg"));
  }

  static List<OutboundMessage> messages(int count) {
    return IntStream.range(0, count).mapToObj(i -> message("m" + i).build()).toList();
  }

  /** Messages of several creators, in turns. */
  static List<OutboundMessage> ofCreators(int count, int creators) {
    return IntStream.range(0, count)
        .mapToObj(i -> message("m" + i).creatorId("creator-" + i % creators).build())
        .toList();
  }
}
