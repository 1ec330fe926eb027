package com.huntaze.ratelimiter.examples;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.SendResult;
import com.huntaze.ratelimiter.delivery.HttpOnlyFansGateway;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Everything in one process: client, in-memory queue, dispatcher, limit, gateway. */
final class EmbeddedQuickstart {
  private static final int GOOD = 25;

  private final Screen screen;
  private final FakeOnlyFansApi api;
  private final RateLimit limit;

  EmbeddedQuickstart(Screen screen, FakeOnlyFansApi api, RateLimit limit) {
    this.screen = screen;
    this.api = api;
    this.limit = limit;
  }

  Verdict run() {
    screen.say("Topology embedded: queue, limit and dispatcher in this process.");
    screen.say("");
    List<OnlyFansMessage> messages = new ArrayList<>(SampleMessages.good(0, GOOD));
    messages.addAll(SampleMessages.bad());
    var gateway = HttpOnlyFansGateway.builder(api.baseUri()).build();
    List<SendResult> results;
    try (var client = RateLimitedOnlyFansClient.embedded(gateway, limit)) {
      results = client.sendBatch(messages);
      for (SendResult result : results) {
        if (!result.accepted()) {
          screen.event("%s: %s", result.status(), result.error().orElse(""));
        }
      }
      Duration patience = limit.idealSpan(GOOD).plusSeconds(30);
      screen.watch(client, api, GOOD, patience);
    }
    return new Verdict(api, limit, results, GOOD, SampleMessages.bad().size());
  }
}
