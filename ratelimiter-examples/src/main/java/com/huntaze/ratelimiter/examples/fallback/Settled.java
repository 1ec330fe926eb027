package com.huntaze.ratelimiter.examples.fallback;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What became of dead messages, id by id: a line each at once, or a document in the end. */
final class Settled {
  private final Output out;
  private final String done;
  private final List<Map<String, Object>> messages = new ArrayList<>();
  private int count;

  Settled(Output out, String done) {
    this.out = out;
    this.done = done;
  }

  void add(String messageId, boolean isDone) {
    messages.add(Map.of("messageId", messageId, done, isDone));
    count += isDone ? 1 : 0;
    out.line(isDone ? messageId + " " + done : messageId + " not " + done + ": no dead message");
  }

  boolean all() {
    return count == messages.size();
  }

  /** Says how many; called in the end, even if that comes early. */
  void tell() {
    Map<String, @Nullable Object> document = new LinkedHashMap<>();
    document.put(done, count);
    document.put("messages", messages);
    out.document(document);
    out.line(Texts.messages(count) + " " + done);
  }
}
