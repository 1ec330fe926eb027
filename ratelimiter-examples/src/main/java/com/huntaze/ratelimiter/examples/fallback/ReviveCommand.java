package com.huntaze.ratelimiter.examples.fallback;

import com.huntaze.ratelimiter.fallback.StoredEntry;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.jdbc.JdbcFallbackStore;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes dead messages wait for replay again. */
@Command(
    name = "revive",
    description =
        "Make dead messages wait for replay again, due now, with their attempts forgotten.")
final class ReviveCommand extends StoreCommand {
  private static final int PAGE = 500;

  /** Which messages: some by id, or all. */
  static final class Which {
    @Parameters(arity = "1..*", paramLabel = "ID", description = "Ids of dead messages.")
    private List<String> ids = new ArrayList<>();

    @Option(names = "--all-dead", required = true, description = "All that are dead, oldest first.")
    private boolean allDead;
  }

  @ArgGroup(multiplicity = "1")
  private Which which = new Which();

  @Option(
      names = "--max",
      converter = Converters.Count.class,
      paramLabel = "N",
      description = "With --all-dead: the most to revive. Default: no bound.")
  private @Nullable Integer max;

  ReviveCommand(FallbackCommand root) {
    super(root);
  }

  @Override
  void prepare() {
    if (max != null && !which.allDead) {
      throw usage("--max goes with --all-dead only");
    }
  }

  @Override
  int run(OpenStore opened, Output out) {
    JdbcFallbackStore store = opened.store();
    Settled settled = new Settled(out, "revived");
    try {
      if (which.allDead) {
        reviveAll(store, max == null ? Integer.MAX_VALUE : max, settled);
        return DONE;
      }
      which.ids.forEach(id -> settled.add(id, store.revive(id)));
      return settled.all() ? DONE : NOT_FOUND;
    } finally {
      settled.tell();
    }
  }

  /** By position, so that one that dies again meanwhile is not revived twice. */
  private static void reviveAll(JdbcFallbackStore store, int max, Settled settled) {
    long after = 0;
    int left = max;
    while (left > 0) {
      List<StoredEntry> page = store.list(StoredStatus.DEAD, Math.min(PAGE, left), after);
      if (page.isEmpty()) {
        break;
      }
      for (StoredEntry entry : page) {
        settled.add(entry.messageId(), store.revive(entry.messageId()));
        after = entry.position();
      }
      left -= page.size();
    }
  }
}
