package com.huntaze.ratelimiter.fallback;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Remembers which messages failed in this process, and tells those that make the sink fail from
 * those that met an outage. Of a call of which nothing was taken, nobody knows which it was: whose
 * second such call comes after the sink worked in between is tried alone from then on, and if it
 * fails alone while the sink works otherwise, it is the message. Confined to who holds the
 * replayer's turn.
 */
final class Suspects {
  private static final int REMEMBERED = 10_000;

  private record Mark(long taken, int times, boolean alone) {}

  /**
   * What one more failure says.
   *
   * @param sinkWorks whether the sink took something in the same call, or since the message failed
   *     before
   * @param isIts whether nothing but this message was in what failed, while the sink works
   * @param times how often it failed while the sink worked, the first time included
   */
  record Failure(boolean sinkWorks, boolean isIts, int times) {}

  private final Map<String, Mark> marks =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Mark> eldest) {
          return size() > REMEMBERED;
        }
      };

  private long taken;

  /** The sink took this one. */
  void cleared(StoredMessage message) {
    taken++;
    forget(message);
  }

  /** The store does not hand this one out any more. */
  void forget(StoredMessage message) {
    marks.remove(message.message().messageId());
  }

  /** Whether this message failed before, as far as is remembered. */
  boolean isSuspect(String messageId) {
    return marks.containsKey(messageId);
  }

  /** Whether this message goes into a call of its own. */
  boolean isAlone(String messageId) {
    Mark mark = marks.get(messageId);
    return mark != null && mark.alone();
  }

  /**
   * A message was not taken. What the sink took of the same call is told beforehand.
   *
   * @param mayBreakCalls whether it may be why others of its call fail
   * @param othersTaken whether the sink took others of the same call
   * @param only whether the call had no other
   */
  Failure failed(StoredMessage message, boolean mayBreakCalls, boolean othersTaken, boolean only) {
    String id = message.message().messageId();
    @Nullable Mark earlier = marks.remove(id);
    boolean workedSince = earlier != null && taken > earlier.taken();
    boolean sinkWorks = othersTaken || workedSince;
    int before = earlier == null ? 0 : earlier.times();
    int times = sinkWorks ? before + 1 : Math.max(1, before);
    boolean alone =
        mayBreakCalls && !othersTaken && (workedSince || (earlier != null && earlier.alone()));
    marks.put(id, new Mark(taken, times, alone));
    return new Failure(sinkWorks, othersTaken || (workedSince && only), times);
  }
}
