package com.huntaze.ratelimiter.fallback;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Tells messages that make the sink fail from messages that met an outage. Of a call of which
 * nothing was taken, nobody knows which it was: whose second such call comes after the sink worked
 * in between is tried alone from then on, and if it fails alone while the sink works otherwise, it
 * is the message. Confined to who holds the replayer's turn.
 */
final class Suspects {
  private static final int REMEMBERED = 10_000;

  private record Mark(long taken, boolean alone) {}

  private final Map<String, Mark> marks =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Mark> eldest) {
          return size() > REMEMBERED;
        }
      };

  private long taken;

  /** The sink took these. */
  void cleared(StoredMessage message) {
    taken++;
    forget(message);
  }

  /** The store does not hand this one out any more. */
  void forget(StoredMessage message) {
    marks.remove(message.message().messageId());
  }

  /** Whether this message goes into a call of its own. */
  boolean isAlone(String messageId) {
    Mark mark = marks.get(messageId);
    return mark != null && mark.alone();
  }

  /**
   * A call failed of which nothing was taken.
   *
   * @param message a message of it
   * @param only whether it was the only one
   * @return whether that is the message's fault
   */
  boolean isGuilty(StoredMessage message, boolean only) {
    String id = message.message().messageId();
    @Nullable Mark earlier = marks.remove(id);
    boolean workedSince = earlier != null && taken > earlier.taken();
    boolean alone = workedSince || (earlier != null && earlier.alone());
    marks.put(id, new Mark(taken, alone));
    return workedSince && only;
  }
}
