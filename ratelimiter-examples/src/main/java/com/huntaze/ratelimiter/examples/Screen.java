package com.huntaze.ratelimiter.examples;

import com.huntaze.ratelimiter.QueueStatus;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import java.time.Duration;
import java.util.Locale;

/** What the quickstart shows: lines with the seconds since it began. */
final class Screen {
  private final long start = System.nanoTime();

  void say(String format, Object... args) {
    System.out.println(String.format(Locale.ROOT, format, args));
  }

  void event(String format, Object... args) {
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.println(
        String.format(Locale.ROOT, "%6.1f s  ", seconds)
            + String.format(Locale.ROOT, format, args));
  }

  /** Shows how things stand once a second, until so many messages are delivered or time is up. */
  boolean watch(
      RateLimitedOnlyFansClient client, FakeOnlyFansApi api, int messages, Duration timeout) {
    long end = System.nanoTime() + timeout.toNanos();
    boolean delivered = false;
    while (!delivered && System.nanoTime() < end) {
      delivered = api.awaitDeliveries(messages, Duration.ofSeconds(1));
      show(client.queueStatus(), api);
    }
    return delivered;
  }

  private void show(QueueStatus status, FakeOnlyFansApi api) {
    event(
        "sent %2d | waiting %2d | stored %2d | %s",
        api.deliveries().size(),
        status.queue().waiting(),
        status.fallback().map(FallbackBacklog::waiting).orElse(0L),
        status.bucket().map(Screen::tokens).orElse("limit not known"));
  }

  private static String tokens(BucketState state) {
    return String.format(
        Locale.ROOT,
        "tokens %2d | next permit in %.1f s",
        state.tokens(),
        state.nextPermitIn().toMillis() / 1e3);
  }
}
