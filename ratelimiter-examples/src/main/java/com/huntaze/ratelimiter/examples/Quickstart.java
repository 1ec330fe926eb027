package com.huntaze.ratelimiter.examples;

import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;

/**
 * Sends 25 good messages and 3 bad ones through a limit to an API that judges what arrives.
 *
 * <p>{@code -Dlimit=10/6s} is the limit, {@code -Dtopology=embedded} (or {@code fleet}) the way.
 * Ends with the line {@code quickstart: OK} and exit code 0, or says what was broken and ends with
 * 1.
 */
public final class Quickstart {
  private Quickstart() {}

  /**
   * Runs it.
   *
   * @param args not used
   * @throws Exception if the local services cannot be started
   */
  public static void main(String[] args) throws Exception {
    String topology = System.getProperty("topology", "embedded");
    RateLimit limit = RateLimit.parse(System.getProperty("limit", "10/6s"));
    Screen screen = new Screen();
    screen.say("The external API takes at most 10 messages a minute. This run uses %s", limit);
    screen.say("(a scaled limit ends in seconds; -Dlimit=10/60s is the real one).");
    Verdict verdict;
    try (FakeOnlyFansApi api =
        FakeOnlyFansApi.builder().limit(limit.permits(), limit.window()).start()) {
      verdict =
          switch (topology) {
            case "embedded" -> new EmbeddedQuickstart(screen, api, limit).run();
            case "fleet" -> new FleetQuickstart(screen, api, limit).run();
            default ->
                throw new IllegalArgumentException(
                    "topology must be embedded or fleet, was '" + topology + "'");
          };
    }
    screen.say("");
    verdict.lines().forEach(line -> screen.say("%s", line));
    screen.say("%s", verdict.isOk() ? "quickstart: OK" : "quickstart: BROKEN " + verdict.broken());
    System.exit(verdict.isOk() ? 0 : 1);
  }
}
