package com.huntaze.ratelimiter.examples.fallback;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Deletes what the queue has had for long enough. */
@Command(
    name = "purge",
    description =
        "Delete messages that were replayed or delivered long ago; waiting and dead ones stay.")
final class PurgeCommand extends StoreCommand {
  private static final int STEP = 1_000;

  @Option(
      names = "--older-than",
      required = true,
      converter = Converters.Age.class,
      paramLabel = "AGE",
      description = "How long ago: 14d, 12h, 30m, 45s or P14D.")
  private Duration age = Duration.ZERO;

  @Option(names = "--yes", description = "Do not ask.")
  private boolean yes;

  PurgeCommand(FallbackCommand root) {
    super(root);
  }

  @Override
  void prepare() {
    confirm(
        yes,
        "All messages that were replayed or delivered more than "
            + Texts.shortly(age)
            + " ago will be deleted.");
  }

  @Override
  int run(OpenStore opened, Output out) {
    long purged = 0;
    try {
      for (int step = STEP; step == STEP; purged += step) {
        step = opened.store().purge(age, STEP);
      }
      return DONE;
    } finally { // what was purged before a failure stays purged
      Map<String, @Nullable Object> document = new LinkedHashMap<>();
      document.put("purged", purged);
      document.put("olderThanSeconds", age.toSeconds());
      out.document(document);
      out.line(Texts.messages(purged) + " purged");
    }
  }
}
