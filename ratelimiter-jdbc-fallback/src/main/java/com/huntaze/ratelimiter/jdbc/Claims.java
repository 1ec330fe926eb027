package com.huntaze.ratelimiter.jdbc;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toList;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hands stored messages out, and settles what was handed out. Thread-safe. */
final class Claims {
  private static final Logger log = LoggerFactory.getLogger(JdbcFallbackStore.class);

  /** How often a claim looks again when nothing of what it looked at could be handed out. */
  private static final int LOOKS = 10;

  /** The most rows a later look takes in; each looks at twice as many as the one before. */
  private static final int WIDEST_LOOK = 5_000;

  /** How long a row is left alone whose key is not at hand, in microseconds. */
  private static final long KEY_MISSING = Duration.ofMinutes(5).toNanos() / 1_000;

  /** How often it is left alone before it is dead, and holds up its creator no more. */
  private static final int KEY_MISSED = 20;

  private static final String SETTLED =
      "lease_owner = NULL, lease_until = NULL, updated_at = {now}";

  private static final String REPLAYED =
      "UPDATE onlyfans_messages{byId} SET status = 'queued', queued_at = {now}, "
          + SETTLED
          + " WHERE lease_owner = ? AND id IN (%s)";

  private static final String RELEASED =
      "UPDATE onlyfans_messages{byId} SET next_attempt_at = {later}, "
          + SETTLED
          + " WHERE lease_owner = ? AND id IN (%s)";

  private static final String FAILED =
      "UPDATE onlyfans_messages{byId} SET attempts = LEAST(attempts, 1000000) + 1, last_error = ?,"
          + " next_attempt_at = {later}, "
          + SETTLED
          + " WHERE id = ? AND lease_owner = ?";

  private static final String DEAD =
      "UPDATE onlyfans_messages{byId} SET status = 'dead', attempts = LEAST(attempts, 1000000) + 1, last_error = ?, "
          + SETTLED
          + " WHERE id = ? AND lease_owner = ?";

  private final Database database;
  private final Payloads payloads;

  Claims(Database database, Payloads payloads) {
    this.database = database;
    this.payloads = payloads;
  }

  List<StoredMessage> claim(int max, Duration lease) {
    if (max < 1) {
      throw new IllegalArgumentException("max must be 1 or more, was " + max);
    }
    List<StoredMessage> readable = new ArrayList<>();
    Set<String> passedOver = new HashSet<>();
    int window = max;
    for (int look = 0; look < LOOKS; look++) {
      String token = UUID.randomUUID().toString();
      int looksAt = window;
      Claim claim =
          database.run(
              "claim stored messages",
              session ->
                  Claim.look(session, looksAt, max, passedOver, token, Dialect.micros(lease)));
      Set<String> waiting = new HashSet<>();
      List<StoredMessage> behind = new ArrayList<>();
      for (ClaimedRow row : claim.leased()) {
        read(row, token, waiting)
            .ifPresent(each -> (waiting.contains(row.creator()) ? behind : readable).add(each));
      }
      giveBack(behind);
      passedOver.addAll(waiting);
      if (!readable.isEmpty() || (claim.leased().isEmpty() && claim.heldUp().isEmpty())) {
        break;
      }
      passedOver.addAll(claim.heldUp());
      window = Math.max(max, Math.min(2 * window, WIDEST_LOOK));
    }
    return readable;
  }

  /**
   * Reads a row, or settles it if it cannot be read.
   *
   * @param waiting gets the row's creator if the row waits on, and the creator's later ones with it
   */
  private Optional<StoredMessage> read(ClaimedRow row, String token, Set<String> waiting) {
    try {
      OutboundMessage message =
          payloads.read(row.id(), new Payloads.Payload(row.payload(), row.keyId()), row.revivals());
      Duration age = Duration.between(row.createdAt(), row.now());
      return Optional.of(
          new StoredMessage(
              message,
              row.attempts(),
              Optional.ofNullable(row.lastError()),
              row.createdAt(),
              age.isNegative() ? Duration.ZERO : age,
              token));
    } catch (Payloads.UnreadableException e) {
      log.error("Stored message {} is dead: {}", row.id(), e.getMessage());
      if (!settleUnread(row, () -> dead(row.id(), token, String.valueOf(e.getMessage())))) {
        waiting.add(row.creator());
      }
    } catch (Payloads.KeysDownException e) {
      log.error("Stored message {} waits: {}", row.id(), e.getMessage());
      String released = RELEASED.formatted("?");
      settleUnread(
          row,
          () ->
              database.run(
                  "give message " + row.id() + " back",
                  session -> session.update(released, KEY_MISSING, token, row.id())));
      waiting.add(row.creator());
    } catch (FallbackException e) {
      log.error("Stored message {} waits: {}", row.id(), e.getMessage());
      String error = String.valueOf(e.getMessage());
      boolean isDead = row.attempts() + 1 >= KEY_MISSED;
      boolean settled =
          settleUnread(
              row,
              () -> {
                if (isDead) {
                  dead(row.id(), token, error);
                } else {
                  failed(row.id(), token, error, KEY_MISSING);
                }
              });
      if (!isDead || !settled) {
        waiting.add(row.creator());
      }
    }
    return Optional.empty();
  }

  private static boolean settleUnread(ClaimedRow row, Runnable settle) {
    try {
      settle.run();
      return true;
    } catch (FallbackException e) {
      log.warn("Stored message {} comes back as its lease ends: {}", row.id(), e.getMessage());
      return false;
    }
  }

  private void giveBack(List<StoredMessage> behind) {
    try {
      release(behind, Duration.ZERO);
    } catch (FallbackException e) {
      log.warn("{} messages come back as their lease ends: {}", behind.size(), e.getMessage());
    }
  }

  int replayed(List<StoredMessage> claimed) {
    return settle("record " + claimed.size() + " replayed messages", claimed, REPLAYED, List.of());
  }

  int release(List<StoredMessage> claimed, Duration retryIn) {
    return settle(
        "give " + claimed.size() + " messages back",
        claimed,
        RELEASED,
        List.of(Dialect.micros(retryIn)));
  }

  private int settle(String doing, List<StoredMessage> claimed, String sql, List<?> values) {
    Map<String, List<StoredMessage>> byLease =
        claimed.stream().collect(groupingBy(StoredMessage::lease, LinkedHashMap::new, toList()));
    if (claimed.isEmpty()) {
      return 0;
    }
    return database.run(
        doing,
        session -> {
          int settled = 0;
          if (byLease.size() > 1 || claimed.size() > Session.MAX_VALUES) {
            session.begin(); // one statement is a transaction by itself
          }
          for (Map.Entry<String, List<StoredMessage>> each : byLease.entrySet()) {
            for (List<StoredMessage> some : Claim.chunks(each.getValue(), Session.MAX_VALUES)) {
              Object[] parameters =
                  Stream.of(
                          values.stream(),
                          Stream.of(each.getKey()),
                          some.stream().map(one -> one.message().messageId()).sorted())
                      .flatMap(part -> part)
                      .toArray();
              settled += session.update(sql.formatted(Dialect.marks(some.size())), parameters);
            }
          }
          return settled;
        });
  }

  boolean failed(String id, String lease, String error, long wait) {
    String column = NewRow.errorColumn(error);
    return database.run(
        "record the failure of message " + id,
        session -> session.update(FAILED, column, wait, id, lease) == 1);
  }

  boolean dead(String id, String lease, String error) {
    return database.run(
        "record the death of message " + id,
        session -> session.update(DEAD, NewRow.errorColumn(error), id, lease) == 1);
  }
}
