package com.huntaze.ratelimiter.examples;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.queue.Priority;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** The messages of the quickstart. */
final class SampleMessages {
  private static final List<String> CREATORS = List.of("alice", "bella", "chloe");
  private static final List<Priority> PRIORITIES =
      List.of(Priority.HIGH, Priority.MEDIUM, Priority.LOW);

  private SampleMessages() {}

  /** So many good messages of three creators and three priorities. */
  static List<OnlyFansMessage> good(int from, int to) {
    return IntStream.range(from, to).mapToObj(SampleMessages::good).toList();
  }

  private static OnlyFansMessage good(int i) {
    return OnlyFansMessage.builder()
        .messageId(String.format(Locale.ROOT, "message-%02d", i))
        .userId("agency_1")
        .creatorId(CREATORS.get(i % CREATORS.size()))
        .recipientId("fan_" + i)
        .content("Thanks for subscribing, fan " + i + "!")
        .priority(PRIORITIES.get(i / CREATORS.size() % PRIORITIES.size()))
        .build();
  }

  /** Three messages that break rules. */
  static List<OnlyFansMessage> bad() {
    return List.of(
        OnlyFansMessage.builder().userId("agency_1").recipientId("fan_1").content(" ").build(),
        OnlyFansMessage.builder()
            .userId("agency_1")
            .recipientId("fan_1")
            .content("Eleven pictures")
            .mediaUrls(Collections.nCopies(11, "https://cdn.example.com/picture.jpg"))
            .build(),
        OnlyFansMessage.builder()
            .recipientId("fan_1")
            .content("From nobody")
            .mediaUrls(List.of("ftp://cdn.example.com/picture.jpg"))
            .build());
  }
}
