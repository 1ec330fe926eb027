package com.huntaze.ratelimiter.examples.fallback;

import com.huntaze.ratelimiter.fallback.StoredEntry;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is told of a stored message without reading what it says. */
final class Entries {
  private Entries() {}

  /** How long ago it was stored, by this host's clock. */
  static Duration age(StoredEntry entry) {
    Duration age = Duration.between(entry.storedAt(), Instant.now());
    return age.isNegative() ? Duration.ZERO : age;
  }

  /** How long until it may be replayed; empty where it does not wait. */
  static Optional<Duration> dueIn(StoredEntry entry) {
    boolean waits =
        entry.status() == StoredStatus.FAILED || entry.status() == StoredStatus.RATE_LIMITED;
    return waits ? Optional.of(entry.dueIn()) : Optional.empty();
  }

  static String dueInText(StoredEntry entry) {
    return dueIn(entry).map(in -> in.isZero() ? "now" : Texts.shortly(in)).orElse("-");
  }

  static Map<String, @Nullable Object> fields(StoredEntry entry) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("position", entry.position());
    fields.put("messageId", entry.messageId());
    fields.put("userId", entry.userId());
    fields.put("creator", entry.creator());
    fields.put("recipientId", entry.recipientId().orElse(null));
    fields.put("priority", entry.priority().wireName());
    fields.put("status", entry.status().wireName());
    fields.put("attempts", entry.attempts());
    fields.put("revivals", entry.revivals());
    fields.put("lastError", entry.lastError().orElse(null));
    fields.put("storedAt", entry.storedAt().toString());
    fields.put("ageSeconds", age(entry).toSeconds());
    fields.put("dueInSeconds", dueIn(entry).map(Duration::toSeconds).orElse(null));
    fields.put("claimed", entry.claimed());
    return fields;
  }
}
