package com.huntaze.ratelimiter.fallback;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A store of one process: for tests, and as the reference for all others. Thread-safe. What it
 * holds is gone with the process, so it is no protection against a crash.
 */
public final class InMemoryFallbackStore implements FallbackStore, FallbackAdmin {
  private static final class Row {
    final long position;
    final OutboundMessage message;
    final Instant storedAt;
    StoredStatus status;
    int attempts;
    int revivals;
    String lastError;
    Instant due;
    Instant settledAt;
    @Nullable String lease;

    Row(long position, OutboundMessage message, StoredStatus status, String error, Instant now) {
      this.position = position;
      this.message = message;
      this.storedAt = now;
      this.status = status;
      this.revivals = message.revival();
      this.lastError = error;
      this.due = now;
      this.settledAt = now;
    }

    OutboundMessage revived() {
      return message.withRevival(revivals);
    }

    StoredEntry entry(Instant now) {
      Duration dueIn = Duration.between(now, due);
      return new StoredEntry(
          position,
          message.messageId(),
          message.userId(),
          message.creator(),
          message.recipientId(),
          message.priority(),
          status,
          attempts,
          revivals,
          Optional.of(lastError),
          storedAt,
          dueIn.isNegative() ? Duration.ZERO : dueIn,
          lease != null && due.isAfter(now));
    }
  }

  private final InstantSource clock;
  private final Map<String, Row> rows = new HashMap<>();

  /** The same rows by where they stand, each kind in the order of storing. */
  private final Map<StoredStatus, NavigableMap<Long, Row>> byStatus =
      new EnumMap<>(StoredStatus.class);

  /** How many rows of a creator wait; creators without any are not in it. */
  private final Map<String, Integer> waitingOf = new HashMap<>();

  private long positions;
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
    for (StoredStatus status : StoredStatus.values()) {
      byStatus.put(status, new TreeMap<>());
    }
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
      Row fresh = new Row(++positions, message, status, error, clock.instant());
      rows.put(message.messageId(), fresh);
      enter(fresh);
    } else if (row.message.isSameAs(message)) {
      reopen(row, error, status);
      if (status == StoredStatus.DEAD && message.revival() >= row.revivals) {
        bury(row, error);
      }
    } else {
      throw new FallbackException(
          "another message is stored under the id " + message.messageId(), null);
    }
  }

  /** What was replayed and comes again was not delivered after all; what waits or is dead stays. */
  private void reopen(Row row, String error, StoredStatus status) {
    if (row.status == StoredStatus.QUEUED) {
      move(row, status);
      row.lastError = error;
      row.attempts = 0;
      row.due = clock.instant();
    }
  }

  private void bury(Row row, String reason) {
    if (row.status == StoredStatus.FAILED) {
      row.lease = null;
      row.lastError = reason;
      move(row, StoredStatus.DEAD);
    }
  }

  @Override
  public synchronized List<StoredMessage> claim(int max, Duration lease) {
    atLeastOne(max);
    Instant now = clock.instant();
    String token = Long.toString(++claims);
    List<StoredMessage> claimed = new ArrayList<>();
    Set<String> held = new HashSet<>();
    for (Row row : in(StoredStatus.FAILED).values()) {
      if (claimed.size() == max) {
        break;
      }
      if (row.due.isAfter(now)) {
        held.add(row.message.creator()); // nothing of this creator goes before this one
      } else if (!held.contains(row.message.creator())) {
        row.lease = token;
        row.due = now.plus(lease); // a claim that is not settled is due again when it lapses
        claimed.add(
            new StoredMessage(
                row.revived(),
                row.attempts,
                Optional.of(row.lastError),
                row.storedAt,
                Duration.between(row.storedAt, now),
                token));
      }
    }
    return claimed;
  }

  @Override
  public synchronized Set<String> waiting(Set<String> creators) {
    Set<String> waiting = new HashSet<>(creators);
    waiting.retainAll(waitingOf.keySet());
    return waiting;
  }

  @Override
  public synchronized int replayed(List<StoredMessage> claimed) {
    int settled = 0;
    for (StoredMessage message : claimed) {
      Row row = held(message);
      if (row != null) {
        row.lease = null;
        row.settledAt = clock.instant();
        move(row, StoredStatus.QUEUED);
        settled++;
      }
    }
    return settled;
  }

  @Override
  public synchronized int release(List<StoredMessage> claimed, Duration retryIn) {
    int released = 0;
    for (StoredMessage message : claimed) {
      Row row = held(message);
      if (row != null) {
        row.lease = null;
        row.due = clock.instant().plus(retryIn);
        released++;
      }
    }
    return released;
  }

  @Override
  public synchronized boolean failed(StoredMessage claimed, String error, Duration retryIn) {
    Row row = held(claimed);
    if (row == null) {
      return false;
    }
    row.lease = null;
    row.attempts++;
    row.lastError = error;
    row.due = clock.instant().plus(retryIn);
    return true;
  }

  @Override
  public synchronized boolean dead(StoredMessage claimed, String error) {
    Row row = held(claimed);
    if (row == null) {
      return false;
    }
    row.lease = null;
    row.attempts++;
    row.lastError = error;
    move(row, StoredStatus.DEAD);
    return true;
  }

  @Override
  public synchronized int purge(Duration age, int max) {
    atLeastOne(max);
    Instant latest = clock.instant().minus(age);
    List<Row> old =
        in(StoredStatus.QUEUED).values().stream()
            .filter(row -> !row.settledAt.isAfter(latest))
            .limit(max)
            .toList();
    old.forEach(this::remove);
    return old.size();
  }

  @Override
  public synchronized FallbackBacklog backlog() {
    Map<StoredStatus, Long> counts = new EnumMap<>(StoredStatus.class);
    byStatus.forEach((status, of) -> counts.put(status, (long) of.size()));
    counts.values().removeIf(count -> count == 0);
    Map.Entry<Long, Row> oldest = in(StoredStatus.FAILED).firstEntry();
    return new FallbackBacklog(
        counts,
        oldest == null
            ? Optional.empty()
            : Optional.of(Duration.between(oldest.getValue().storedAt, clock.instant())));
  }

  @Override
  public synchronized List<StoredEntry> list(StoredStatus status, int max, long after) {
    atLeastOne(max);
    Instant now = clock.instant();
    return in(status).tailMap(after, false).values().stream()
        .limit(max)
        .map(row -> row.entry(now))
        .toList();
  }

  @Override
  public synchronized Optional<StoredEntry> find(String messageId) {
    return Optional.ofNullable(rows.get(messageId)).map(row -> row.entry(clock.instant()));
  }

  @Override
  public synchronized Optional<OutboundMessage> read(String messageId) {
    return Optional.ofNullable(rows.get(messageId)).map(Row::revived);
  }

  @Override
  public synchronized boolean revive(String messageId) {
    Row row = rows.get(messageId);
    if (row == null || row.status != StoredStatus.DEAD) {
      return false;
    }
    row.attempts = 0;
    row.revivals++;
    row.due = clock.instant();
    move(row, StoredStatus.FAILED);
    return true;
  }

  @Override
  public synchronized boolean delete(String messageId) {
    Row row = rows.get(messageId);
    if (row == null || row.status != StoredStatus.DEAD) {
      return false;
    }
    remove(row);
    return true;
  }

  @Override
  public synchronized long eraseUser(String userId) {
    return erase(row -> row.message.userId().equals(userId));
  }

  @Override
  public synchronized long eraseRecipient(String recipientId) {
    return erase(row -> row.message.recipientId().filter(recipientId::equals).isPresent());
  }

  private long erase(Predicate<Row> which) {
    Collection<Row> erased = rows.values().stream().filter(which).toList();
    erased.forEach(this::remove);
    return erased.size();
  }

  private NavigableMap<Long, Row> in(StoredStatus status) {
    return requireNonNull(byStatus.get(status));
  }

  private void move(Row row, StoredStatus status) {
    leave(row);
    row.status = status;
    enter(row);
  }

  private void enter(Row row) {
    in(row.status).put(row.position, row);
    if (row.status == StoredStatus.FAILED) {
      waitingOf.merge(row.message.creator(), 1, Integer::sum);
    }
  }

  private void leave(Row row) {
    in(row.status).remove(row.position);
    if (row.status == StoredStatus.FAILED) {
      waitingOf.computeIfPresent(row.message.creator(), (of, count) -> count == 1 ? null : --count);
    }
  }

  private void remove(Row row) {
    leave(row);
    rows.remove(row.message.messageId());
  }

  private @Nullable Row held(StoredMessage claimed) {
    Row row = rows.get(claimed.message().messageId());
    return row != null && claimed.lease().equals(row.lease) ? row : null;
  }

  private static void atLeastOne(int max) {
    if (max < 1) {
      throw new IllegalArgumentException("max must be 1 or more, was " + max);
    }
  }
}
