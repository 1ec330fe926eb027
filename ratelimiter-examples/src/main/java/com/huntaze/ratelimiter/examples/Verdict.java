package com.huntaze.ratelimiter.examples;

import com.huntaze.ratelimiter.SendResult;
import com.huntaze.ratelimiter.SendStatus;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What the API saw, held against what was promised. */
final class Verdict {
  /** What the default guard of a bucket adds to each window. */
  private static final Duration GUARD = Duration.ofMillis(250);

  private static final Duration ALLOWANCE = Duration.ofSeconds(3);

  private final List<String> lines = new ArrayList<>();
  private final List<String> broken = new ArrayList<>();

  Verdict(FakeOnlyFansApi api, RateLimit limit, List<SendResult> results, int good, int bad) {
    long accepted = results.stream().filter(SendResult::accepted).count();
    long invalid = count(results, SendStatus.INVALID);
    long stored = count(results, SendStatus.STORED);
    lines.add(
        String.format(
            Locale.ROOT,
            "accepted %d (queued %d, stored and replayed %d), invalid %d",
            accepted,
            count(results, SendStatus.QUEUED),
            stored,
            invalid));
    check(accepted == good, "accepted " + accepted + " of " + good + " good messages");
    check(invalid == bad, "found " + invalid + " of " + bad + " bad messages invalid");

    int delivered = api.deliveries().size();
    lines.add("delivered " + delivered + ", duplicates " + api.duplicates().size());
    check(delivered == good, "delivered " + delivered + " of " + good);
    check(api.duplicates().isEmpty(), "delivered twice: " + api.duplicates());

    int most = api.maxCallsInAnyWindow();
    lines.add(
        "most calls in any " + limit.window().toMillis() + " ms: " + most + ", limit " + limit);
    check(most <= limit.permits(), most + " calls in one window");

    Duration span = api.span();
    Duration ideal =
        limit
            .idealSpan(good)
            .plus(GUARD.multipliedBy((good + limit.permits() - 1) / limit.permits() - 1));
    lines.add(
        String.format(
            Locale.ROOT,
            "first to last call %.2f s, ideal %.2f s",
            span.toMillis() / 1e3,
            ideal.toMillis() / 1e3));
    check(span.compareTo(ideal.plus(ALLOWANCE)) <= 0, "took " + span + ", ideal " + ideal);
  }

  /** Adds a promise to the verdict. */
  void check(boolean kept, String otherwise) {
    if (!kept) {
      broken.add(otherwise);
    }
  }

  void line(String line) {
    lines.add(line);
  }

  List<String> lines() {
    return lines;
  }

  List<String> broken() {
    return broken;
  }

  boolean isOk() {
    return broken.isEmpty();
  }

  private static long count(List<SendResult> results, SendStatus status) {
    return results.stream().filter(result -> result.status() == status).count();
  }
}
