package com.huntaze.ratelimiter.examples.fallback;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.StoredEntry;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** One message in full; what it says only if that is asked for. */
@Command(
    name = "show",
    description = "Show a message; of content, media URLs and metadata only how long they are.")
final class ShowCommand extends StoreCommand {
  @Parameters(paramLabel = "ID", description = "The message's id.")
  private String messageId = "";

  @Option(
      names = "--content",
      description = "Show content, media URLs and metadata too. Mind who sees your screen.")
  private boolean content;

  ShowCommand(FallbackCommand root) {
    super(root);
  }

  @Override
  int run(OpenStore opened, Output out) {
    StoredEntry entry =
        opened
            .store()
            .find(messageId)
            .orElseThrow(
                () ->
                    new StoppedException(NOT_FOUND, "nothing is stored under the id " + messageId));
    Optional<OutboundMessage> message = Optional.empty();
    Optional<String> unreadable = Optional.empty();
    try {
      message = opened.store().read(messageId);
    } catch (FallbackException e) {
      unreadable = Optional.of(String.valueOf(e.getMessage()));
    }
    Masked shown = new Masked(content);
    Map<String, @Nullable Object> document = Entries.fields(entry);
    document.put("message", message.map(m -> fields(m, shown)).orElse(null));
    document.put("unreadable", unreadable.orElse(null));
    out.document(document);
    out.table(rows(entry, message, unreadable, shown));
    if (content && unreadable.isPresent()) {
      throw new StoppedException(UNUSABLE, unreadable.get());
    }
    return DONE;
  }

  private static Map<String, @Nullable Object> fields(OutboundMessage message, Masked shown) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("action", message.action());
    fields.put("acceptedAt", message.timestampText());
    fields.put("workflowId", message.workflowId().orElse(null));
    fields.put("traceId", message.traceId().orElse(null));
    fields.put("content", message.content().map(shown::field).orElse(null));
    fields.put("mediaUrls", message.mediaUrls().stream().map(shown::field).toList());
    fields.put("profileUrl", message.profileUrl().map(shown::field).orElse(null));
    fields.put("metadata", shown.fields(message.metadata()));
    fields.put("otherFields", shown.fields(message.unknownFields()));
    return fields;
  }

  private static List<List<String>> rows(
      StoredEntry entry,
      Optional<OutboundMessage> message,
      Optional<String> unreadable,
      Masked shown) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("id", entry.messageId()));
    rows.add(List.of("position", String.valueOf(entry.position())));
    rows.add(List.of("user", entry.userId()));
    rows.add(List.of("creator", entry.creator()));
    rows.add(List.of("recipient", entry.recipientId().orElse("-")));
    rows.add(List.of("priority", entry.priority().wireName()));
    rows.add(List.of("status", entry.status().wireName()));
    rows.add(List.of("attempts", String.valueOf(entry.attempts())));
    rows.add(List.of("revivals", String.valueOf(entry.revivals())));
    rows.add(
        List.of("stored at", entry.storedAt() + ", " + Texts.shortly(Entries.age(entry)) + " ago"));
    rows.add(List.of("due", Entries.dueInText(entry)));
    rows.add(List.of("claimed", entry.claimed() ? "yes, a replayer has it" : "no"));
    rows.add(List.of("last error", entry.lastError().orElse("-")));
    message.ifPresent(m -> addTo(rows, m, shown));
    unreadable.ifPresent(why -> rows.add(List.of("unreadable", why)));
    return rows;
  }

  private static void addTo(List<List<String>> rows, OutboundMessage message, Masked shown) {
    rows.add(List.of("action", message.action()));
    rows.add(List.of("accepted at", message.timestampText()));
    rows.add(List.of("workflow", message.workflowId().orElse("-")));
    rows.add(List.of("trace", message.traceId().orElse("-")));
    rows.add(List.of("content", message.content().map(shown::text).orElse("-")));
    message.mediaUrls().forEach(url -> rows.add(List.of("media URL", shown.text(url))));
    message.profileUrl().ifPresent(url -> rows.add(List.of("profile URL", shown.text(url))));
    message
        .metadata()
        .forEach((name, value) -> rows.add(List.of("metadata " + name, shown.text(value))));
    message
        .unknownFields()
        .forEach((name, value) -> rows.add(List.of("field " + name, shown.text(value))));
  }
}
