package com.huntaze.ratelimiter.examples.fallback;

import com.huntaze.ratelimiter.fallback.StoredEntry;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** One page of the messages of a status. */
@Command(
    name = "list",
    description = "List messages of a status, oldest first, without what they say.")
final class ListCommand extends StoreCommand {
  private static final int MOST = 10_000;
  private static final int ERROR_WIDTH = 60;

  @Option(
      names = "--status",
      converter = Converters.Status.class,
      paramLabel = "STATUS",
      description = "failed, rate_limited, queued, sent or dead. Default: dead.")
  private StoredStatus status = StoredStatus.DEAD;

  @Option(
      names = "--max",
      converter = Converters.Count.class,
      paramLabel = "N",
      description = "The most to list, up to " + MOST + ". Default: 50.")
  private int max = 50;

  @Option(
      names = "--after",
      converter = Converters.Position.class,
      paramLabel = "POSITION",
      description = "Begin behind this position, to get the next page.")
  private long after;

  ListCommand(FallbackCommand root) {
    super(root);
  }

  @Override
  void prepare() {
    if (max > MOST) {
      throw usage("--max must be at most " + MOST + ", was " + max);
    }
  }

  @Override
  int run(OpenStore opened, Output out) {
    List<StoredEntry> found = opened.store().list(status, max + 1, after);
    boolean more = found.size() > max;
    List<StoredEntry> page = more ? found.subList(0, max) : found;
    Long next = more ? Long.valueOf(page.get(max - 1).position()) : null;

    Map<String, @Nullable Object> document = new LinkedHashMap<>();
    document.put("status", status.wireName());
    document.put("entries", page.stream().map(Entries::fields).toList());
    document.put("next", next);
    out.document(document);

    if (page.isEmpty()) {
      out.line("no messages are " + status.wireName() + (after > 0 ? " after " + after : ""));
    } else {
      out.table(rows(page));
    }
    if (next != null) {
      out.line("There are more: the next page is the same with --after " + next);
    }
    return DONE;
  }

  private static List<List<String>> rows(List<StoredEntry> page) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "ID",
            "CREATOR",
            "RECIPIENT",
            "PRIORITY",
            "STATUS",
            "ATTEMPTS",
            "REVIVALS",
            "AGE",
            "DUE",
            "LAST ERROR"));
    for (StoredEntry entry : page) {
      rows.add(
          List.of(
              entry.messageId(),
              entry.creator(),
              entry.recipientId().orElse("-"),
              entry.priority().wireName(),
              entry.status().wireName(),
              String.valueOf(entry.attempts()),
              String.valueOf(entry.revivals()),
              Texts.shortly(Entries.age(entry)),
              Entries.dueInText(entry),
              Texts.cut(entry.lastError().orElse("-"), ERROR_WIDTH)));
    }
    return rows;
  }
}
