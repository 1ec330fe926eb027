package com.huntaze.ratelimiter.examples.browser;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.Dispatcher;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.ApiCall;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A dispatcher whose browser is killed again and again. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
@Tag("slow")
class BrowserDeliveryTest {
  private static final RateLimit LIMIT = RateLimit.rolling(10, Duration.ofSeconds(1));
  private static final int MESSAGES = 30;
  private static final int IN_DOUBT = 2;

  @Test
  void a_browser_killed_at_work_is_started_again_and_no_message_is_lost_or_doubled() {
    long seed = System.nanoTime();
    System.out.println("browser kills, seed " + seed);
    Random random = new Random(seed);
    try (FakeOnlyFansApi api =
            FakeOnlyFansApi.builder().limit(LIMIT.permits(), LIMIT.window()).start();
        PageServer pages = PageServer.start(api.baseUri())) {
      StandInBrowser.Made browsers = new StandInBrowser.Made(pages.page());
      Killer killer =
          new Killer(
              browsers,
              Set.of(3 + random.nextInt(4), 10 + random.nextInt(4), 17 + random.nextInt(4)),
              Set.of(8 + random.nextInt(4), 15 + random.nextInt(4)));
      browsers.before = killer::before;
      InMemoryQueue queue = new InMemoryQueue(MESSAGES);
      List<String> ids = IntStream.range(0, MESSAGES).mapToObj(i -> "kill-" + i).toList();
      ids.forEach(id -> queue.send(message(id)));
      try (BrowserGateway gateway = BrowserGateway.builder(browsers).build();
          Dispatcher dispatcher =
              Dispatcher.builder(queue, InMemoryTokenBucket.of(LIMIT), gateway)
                  .concurrency(1)
                  .firstRetry(Duration.ofMillis(10))
                  .build()) {
        dispatcher.start();
        assertThat(api.awaitDeliveries(MESSAGES - IN_DOUBT, Duration.ofSeconds(30)))
            .as("%s", api.deliveries())
            .isTrue();
      }
      InMemoryQueue.Drained left = queue.drain();
      List<String> kept =
          left.handedOut().stream()
              .map(OutboundMessage::messageId)
              .collect(Collectors.toCollection(ArrayList::new));
      assertThat(left.waiting()).isEmpty();
      assertThat(kept).as("held for an operator").hasSize(IN_DOUBT);
      kept.addAll(api.deliveries().stream().map(ApiCall::messageId).toList());
      assertThat(kept).containsExactlyInAnyOrderElementsOf(ids);
      assertThat(killer.kills).hasSize(5);
      assertThat(browsers.count()).isGreaterThan(killer.kills.size());
      api.checkLimit();
    }
  }

  private static OutboundMessage message(String id) {
    return OutboundMessage.builder(id, "user", Instant.now())
        .recipientId("fan")
        .content("Good evening!")
        .build();
  }

  /**
   * Kills the browser before some steps, told by their number. Confined to the browser's thread.
   */
  private static final class Killer {
    private final StandInBrowser.Made browsers;
    private final Set<Integer> fills;
    private final Set<Integer> sends;
    private final Set<String> kills = new TreeSet<>();
    private int filled;
    private int sent;

    Killer(StandInBrowser.Made browsers, Set<Integer> fills, Set<Integer> sends) {
      this.browsers = browsers;
      this.fills = fills;
      this.sends = sends;
    }

    void before(String step) {
      boolean kill =
          switch (step) {
            case "fill" -> fills.contains(++filled);
            case "send" -> sends.contains(++sent);
            default -> false;
          };
      if (kill) {
        browsers.last().crash();
        kills.add(step + " " + (step.equals("fill") ? filled : sent));
      }
    }
  }
}
