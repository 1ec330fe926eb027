package com.huntaze.ratelimiter.examples.fallback;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Deletes dead messages by id. */
@Command(name = "delete", description = "Delete dead messages for good; others are left alone.")
final class DeleteCommand extends StoreCommand {
  @Parameters(arity = "1..*", paramLabel = "ID", description = "Ids of dead messages.")
  private List<String> ids = new ArrayList<>();

  DeleteCommand(FallbackCommand root) {
    super(root);
  }

  @Override
  int run(OpenStore opened, Output out) {
    Settled settled = new Settled(out, "deleted");
    try {
      ids.forEach(id -> settled.add(id, opened.store().delete(id)));
      return settled.all() ? DONE : NOT_FOUND;
    } finally {
      settled.tell();
    }
  }
}
