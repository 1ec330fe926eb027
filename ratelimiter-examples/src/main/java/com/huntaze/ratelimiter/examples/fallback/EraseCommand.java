package com.huntaze.ratelimiter.examples.fallback;

import static java.util.Objects.requireNonNull;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Deletes all that is stored of a person. */
@Command(
    name = "erase",
    description =
        "Delete everything stored on behalf of a user or for a recipient, waiting messages too.")
final class EraseCommand extends StoreCommand {
  /** Whose messages: one of the two. */
  static final class Who {
    @Option(names = "--user", required = true, paramLabel = "ID", description = "The user's id.")
    private @Nullable String user;

    @Option(
        names = "--recipient",
        required = true,
        paramLabel = "ID",
        description = "The recipient's id.")
    private @Nullable String recipient;
  }

  @ArgGroup(multiplicity = "1")
  private Who who = new Who();

  @Option(names = "--yes", description = "Do not ask.")
  private boolean yes;

  EraseCommand(FallbackCommand root) {
    super(root);
  }

  @Override
  void prepare() {
    String whose =
        who.user != null ? "on behalf of user " + who.user : "for recipient " + who.recipient;
    confirm(
        yes,
        "Everything stored "
            + Texts.safe(whose)
            + " will be deleted for good, in whatever status; what still waits is not sent.");
  }

  @Override
  int run(OpenStore opened, Output out) {
    long erased =
        who.user != null
            ? opened.store().eraseUser(who.user)
            : opened.store().eraseRecipient(requireNonNull(who.recipient));
    Map<String, @Nullable Object> document = new LinkedHashMap<>();
    document.put("erased", erased);
    out.document(document);
    out.line(Texts.messages(erased) + " erased");
    return DONE;
  }
}
