package com.huntaze.ratelimiter.examples.browser;

import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/**
 * Sends 15 messages through a limit and a browser to an API that judges what arrives. {@code
 * BROWSER_EXECUTABLE} is the browser, {@code -Dlimit=10/6s} the limit. Ends with the line {@code
 * browser: OK} and exit code 0, with 1 if something was broken, or with 2 if the setting is.
 */
public final class BrowserExample {
  private static final int MESSAGES = 15;

  private BrowserExample() {}

  /**
   * Runs it.
   *
   * @param args not used
   */
  public static void main(String[] args) {
    RateLimit limit = RateLimit.parse(System.getProperty("limit", "10/6s"));
    Path executable;
    try {
      executable = PlaywrightBrowser.executable(System::getenv);
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      System.exit(2);
      return;
    }
    System.exit(isDelivered(executable, limit) ? 0 : 1);
  }

  private static boolean isDelivered(Path executable, RateLimit limit) {
    InMemoryQueue queue = new InMemoryQueue(MESSAGES);
    for (int i = 0; i < MESSAGES; i++) {
      queue.send(message(i));
    }
    try (FakeOnlyFansApi api =
            FakeOnlyFansApi.builder().limit(limit.permits(), limit.window()).start();
        PageServer pages = PageServer.start(api.baseUri());
        BrowserGateway gateway =
            BrowserGateway.builder(() -> new PlaywrightBrowser(executable, pages.page())).build();
        Dispatcher dispatcher =
            Dispatcher.builder(queue, InMemoryTokenBucket.of(limit), gateway)
                .concurrency(1) // one browser takes one call at a time
                .build()) {
      dispatcher.start();
      Duration patience = limit.idealSpan(MESSAGES).plusSeconds(60);
      boolean delivered = api.awaitDeliveries(MESSAGES, patience);
      int most = api.maxCallsInAnyWindow();
      boolean kept = delivered && api.duplicates().isEmpty() && most <= limit.permits();
      System.out.println(
          String.join(
              ", ",
              "browser: " + (kept ? "OK" : "BROKEN"),
              "delivered " + api.deliveries().size() + " of " + MESSAGES,
              "duplicates " + api.duplicates().size(),
              "most calls in any window " + most,
              "limit " + limit));
      return kept;
    }
  }

  private static OutboundMessage message(int i) {
    return OutboundMessage.builder("browser-" + i, "agency_1", Instant.now())
        .creatorId("alice")
        .recipientId("fan_" + i)
        .content("Thanks for subscribing, fan " + i + "!")
        .build();
  }
}
