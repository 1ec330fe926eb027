package com.huntaze.ratelimiter.examples.fallback;

import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/** How many messages stand where, and whether any waits for too long. */
@Command(
    name = "stats",
    description = "Count messages by status, and tell how long the oldest waits.")
final class StatsCommand extends StoreCommand {
  /** What is older may be delivered twice, were it not for the sent-log: queues forget by then. */
  private static final Duration LATE = Duration.ofMinutes(5);

  StatsCommand(FallbackCommand root) {
    super(root);
  }

  @Override
  int run(OpenStore opened, Output out) {
    FallbackBacklog backlog = opened.store().backlog();
    boolean late = backlog.oldestWaiting().filter(age -> age.compareTo(LATE) > 0).isPresent();
    Map<String, Long> byStatus = new LinkedHashMap<>();
    List<List<String>> rows = new ArrayList<>();
    for (StoredStatus status : StoredStatus.values()) {
      byStatus.put(status.wireName(), backlog.count(status));
      rows.add(List.of(status.wireName(), String.valueOf(backlog.count(status))));
    }
    rows.add(List.of("oldest waiting", backlog.oldestWaiting().map(Texts::shortly).orElse("-")));

    Map<String, @Nullable Object> document = new LinkedHashMap<>();
    document.put("byStatus", byStatus);
    document.put("waiting", backlog.waiting());
    document.put(
        "oldestWaitingSeconds", backlog.oldestWaiting().map(Duration::toSeconds).orElse(null));
    document.put("oldestWaitsTooLong", late);
    out.document(document);

    out.table(rows);
    if (late) {
      out.line("LATE: the oldest has waited longer than five minutes");
    }
    return DONE;
  }
}
