package com.huntaze.ratelimiter.fallback;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A store of one process: for tests, and as the reference for all others. Thread-safe. What it
 * holds is gone with the process, so it is no protection against a crash.
 */
public final class InMemoryFallbackStore implements FallbackStore {
  private static final class Row {
    final OutboundMessage message;
    final Instant storedAt;
    StoredStatus status = StoredStatus.FAILED;
    int attempts;
    String lastError;
    Instant due;
    @Nullable String lease;

    Row(OutboundMessage message, String error, Instant now) {
      this.message = message;
      this.storedAt = now;
      this.lastError = error;
      this.due = now;
    }

    boolean isWaiting() {
      return status == StoredStatus.FAILED || status == StoredStatus.RATE_LIMITED;
    }
  }

  private final InstantSource clock;
  private final Map<String, Row> rows = new LinkedHashMap<>();
  private long claims;

  /** A store on the system's clock. */
  public InMemoryFallbackStore() {
    this(InstantSource.system());
  }

  /**
   * A store on a given clock.
   *
   * @param clock what waiting times and leases are measured by
   */
  public InMemoryFallbackStore(InstantSource clock) {
    this.clock = requireNonNull(clock, "clock");
  }

  @Override
  public synchronized void store(OutboundMessage message, String error) {
    put(message, error, StoredStatus.FAILED);
  }

  @Override
  public synchronized void hold(OutboundMessage message, String reason) {
    put(message, reason, StoredStatus.DEAD);
  }

  private void put(OutboundMessage message, String error, StoredStatus status) {
    Row row = rows.get(message.messageId());
    if (row == null) {
      Row fresh = new Row(message, error, clock.instant());
      fresh.status = status;
      rows.put(message.messageId(), fresh);
    } else if (row.message.isSameAs(message)) {
      reopen(row, error, status);
    } else {
      throw new FallbackException(
          "another message is stored under the id " + message.messageId(), null);
    }
  }

  /** What was replayed and comes again was not delivered after all; what waits or is dead stays. */
  private void reopen(Row row, String error, StoredStatus status) {
    if (row.status == StoredStatus.QUEUED) {
      row.status = status;
      row.lastError = error;
      row.attempts = 0;
      row.due = clock.instant();
    }
  }

  @Override
  public synchronized List<StoredMessage> claim(int max, Duration lease) {
    Instant now = clock.instant();
    String token = Long.toString(++claims);
    List<StoredMessage> claimed = new ArrayList<>();
    for (Row row : rows.values()) {
      if (claimed.size() == max) {
        break;
      }
      if (row.isWaiting() && !row.due.isAfter(now)) {
        row.lease = token;
        row.due = now.plus(lease); // a claim that is not settled is due again when it lapses
        claimed.add(
            new StoredMessage(
                row.message, row.attempts, Optional.of(row.lastError), row.storedAt, token));
      }
    }
    return claimed;
  }

  @Override
  public synchronized int replayed(List<StoredMessage> claimed) {
    int settled = 0;
    for (StoredMessage message : claimed) {
      Row row = held(message);
      if (row != null) {
        settle(row, StoredStatus.QUEUED);
        settled++;
      }
    }
    return settled;
  }

  @Override
  public synchronized boolean failed(StoredMessage claimed, String error, Duration retryIn) {
    Row row = held(claimed);
    if (row == null) {
      return false;
    }
    row.attempts++;
    row.lastError = error;
    row.due = clock.instant().plus(retryIn);
    row.lease = null;
    return true;
  }

  @Override
  public synchronized boolean dead(StoredMessage claimed, String error) {
    Row row = held(claimed);
    if (row == null) {
      return false;
    }
    row.attempts++;
    row.lastError = error;
    settle(row, StoredStatus.DEAD);
    return true;
  }

  @Override
  public synchronized boolean revive(String messageId) {
    Row row = rows.get(messageId);
    if (row == null || row.status != StoredStatus.DEAD) {
      return false;
    }
    row.status = StoredStatus.FAILED;
    row.attempts = 0;
    row.due = clock.instant();
    return true;
  }

  @Override
  public synchronized FallbackBacklog backlog() {
    Map<StoredStatus, Long> byStatus = new EnumMap<>(StoredStatus.class);
    rows.values().forEach(row -> byStatus.merge(row.status, 1L, Long::sum));
    Optional<Duration> oldest =
        rows.values().stream()
            .filter(Row::isWaiting)
            .map(row -> Duration.between(row.storedAt, clock.instant()))
            .findFirst();
    return new FallbackBacklog(byStatus, oldest);
  }

  private static void settle(Row row, StoredStatus status) {
    row.status = status;
    row.lease = null;
  }

  private @Nullable Row held(StoredMessage claimed) {
    Row row = rows.get(claimed.message().messageId());
    return row != null && claimed.lease().equals(row.lease) ? row : null;
  }
}
