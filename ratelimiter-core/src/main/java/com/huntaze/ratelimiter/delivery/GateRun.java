package com.huntaze.ratelimiter.delivery;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.delivery.GateBatch.Item;
import com.huntaze.ratelimiter.delivery.RateLimitGate.Outcome;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.queue.LogFields;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.MessageSource.NotDone;
import com.huntaze.ratelimiter.queue.MessageSource.VisibilityChange;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gate's work on one batch, step by step, each of which leaves it to the next if it fails:
 * permits, what cannot be read, the workflow queue, visibility. Confined to one thread.
 */
final class GateRun {
  private static final Logger log = LoggerFactory.getLogger(RateLimitGate.class);

  /** As far ahead as visibility reaches, with a margin for what the batch has waited before. */
  private static final Duration HORIZON = Duration.ofHours(11);

  /** What is beyond the horizon comes back within this before it, each a little apart. */
  private static final Duration SPREAD = Duration.ofMinutes(5);

  private static final Duration LEAST_BACK_OFF = Duration.ofSeconds(30);
  private static final Duration MOST_BACK_OFF = Duration.ofMinutes(5);

  /** After this many failed puts into the dead letters in a row, the others are not tried. */
  private static final int FAILED_PUTS = 3;

  /** A sink gives up after as many calls in vain. */
  private static final int SEND_CALLS = 3;

  /** What a sink that refuses a message may say for the operator, instead of a text. */
  private static final Pattern CODE = Pattern.compile("[a-z][a-z0-9_]{0,39}");

  private final RateLimitGate.Builder settings;
  private final Supplier<Duration> remaining;
  private final GateBatch batch;

  /** What is still to be put aside: the reason, by record. */
  private final Map<Integer, String> poison = new TreeMap<>();

  private final Map<Item, Permit> permits = new HashMap<>();
  private long answeredAt;
  private int failedPuts;

  GateRun(
      RateLimitGate.Builder settings,
      List<ReceivedMessage> received,
      Supplier<Duration> remaining) {
    this.settings = settings;
    this.remaining = remaining;
    this.batch = new GateBatch(received);
  }

  List<Outcome> run() {
    for (int record : batch.unreadable()) {
      poison.put(record, batch.reason(record));
    }
    decide();
    putAside(true);
    forward();
    putAside(false);
    changeVisibility();
    return batch.outcomes();
  }

  private boolean isTimeFor(int calls) {
    return remaining.get().compareTo(settings.longestCall.multipliedBy(calls)) >= 0;
  }

  /** Asks the bucket, once for all, where what it grants can still be forwarded. */
  private void decide() {
    List<Item> asked = new ArrayList<>();
    List<PermitRequest> requests = new ArrayList<>();
    for (Item item : batch.items()) {
      try {
        requests.add(request(item));
        asked.add(item);
      } catch (IllegalArgumentException e) {
        item.records().forEach(record -> poison.put(record, "ILLEGAL_ID"));
      }
    }
    if (asked.isEmpty()) {
      return;
    }
    if (!isTimeFor(1 + SEND_CALLS)) {
      log.warn("No time is left to ask for permits: {} messages go back", asked.size());
      return;
    }
    try {
      List<Permit> answers = settings.bucket.tryAcquireAll(requests);
      answeredAt = settings.ticker.nanos();
      for (int k = 0; k < asked.size(); k++) {
        permits.put(asked.get(k), answers.get(k));
      }
    } catch (RuntimeException e) {
      permits.clear();
      settings.faults.warn("The gate's bucket cannot be asked; whole batches go back", e);
      return;
    }
    asked.forEach(item -> tell(item, requireNonNull(permits.get(item))));
  }

  private PermitRequest request(Item item) {
    PermitRequest request =
        PermitRequest.of(item.permitId(), DeliveryScopes.of(item.message())).bookingUpTo(HORIZON);
    return batch.received(item.first()).group().isPresent() ? request.ordered() : request;
  }

  /** A line for each record, which the operators' saved queries read. */
  private static void tell(Item item, Permit permit) {
    Permit.@Nullable Granted granted = permit instanceof Permit.Granted g ? g : null;
    for (int i = 0; i < item.records().size(); i++) {
      LogFields.of(log.atInfo(), item.message())
          .log(
              "Token bucket result allowed: {}, retryAfter: {}, remainingTokens: {}",
              granted != null,
              granted != null ? 0 : wait(permit).plusNanos(999_999_999).toSeconds(),
              granted != null ? granted.remaining() : 0);
    }
  }

  private static Duration wait(Permit permit) {
    return permit instanceof Permit.Booked booked
        ? booked.delay()
        : ((Permit.Refused) permit).retryAfter();
  }

  /** Sends what was granted, once for all; the rest goes back. */
  private void forward() {
    List<Item> granted = new ArrayList<>();
    for (Item item : batch.items()) {
      if (poison.containsKey(item.first()) || !batch.isOpen(item.first())) {
        continue;
      }
      Permit permit = permits.get(item);
      if (permit instanceof Permit.Granted && !batch.isHeld(item.first())) {
        granted.add(item);
      } else if (permit == null || permit instanceof Permit.Granted) {
        retry(item);
      } else {
        batch.goBack(item, Outcome.BOOKED, comesBackIn(permit));
      }
    }
    if (granted.isEmpty()) {
      return;
    }
    List<SinkResult> results = send(granted);
    for (int k = 0; k < granted.size(); k++) {
      Item item = granted.get(k);
      if (k >= results.size()) {
        retry(item);
      } else if (results.get(k) instanceof SinkResult.NotTaken notTaken) {
        notTaken(item, notTaken.reason());
      } else {
        item.records().forEach(record -> batch.end(record, Outcome.FORWARDED));
        settings.faults.clear();
      }
    }
  }

  private List<SinkResult> send(List<Item> granted) {
    if (!isTimeFor(SEND_CALLS)) {
      log.warn("No time is left to forward: {} messages go back", granted.size());
      return List.of();
    }
    List<MessageSink.Granted> forwarded = new ArrayList<>();
    for (Item item : granted) {
      Permit.Granted grant = (Permit.Granted) requireNonNull(permits.get(item));
      forwarded.add(
          new MessageSink.Granted(item.message(), grant.at(), Math.max(0, grant.remaining())));
    }
    try {
      return settings.workflow.forwardAll(forwarded);
    } catch (RuntimeException e) {
      settings.faults.warn("The workflow queue's sink failed; messages go back", e);
      return List.of();
    }
  }

  /** What is refused for good is poison; anything else comes back, and its grant stays its own. */
  private void notTaken(Item item, SinkException reason) {
    Kind kind = reason.kind();
    if (kind == Kind.MESSAGE_REFUSED) {
      String text = reason.getMessage();
      String code = text != null && CODE.matcher(text).matches() ? text : kind.name();
      item.records().forEach(record -> poison.put(record, code));
    } else {
      LogFields.of(log.atInfo(), item.message())
          .log("Message {} was not forwarded: {}", item.message().messageId(), kind);
      settings.faults.warn("The workflow queue did not take messages; they go back", reason);
      retry(item);
    }
  }

  private void retry(Item item) {
    batch.goBack(item, Outcome.RETRY, backOff(batch.received(item.first())));
  }

  /** Puts poison aside: what holds up those of its group behind it, or all of it. */
  private void putAside(boolean ofGroups) {
    for (int record : List.copyOf(poison.keySet())) {
      if (!ofGroups || batch.received(record).group().isPresent()) {
        putAside(record, requireNonNull(poison.remove(record)));
      }
    }
  }

  private void putAside(int record, String reason) {
    ReceivedMessage received = batch.received(record);
    if (failedPuts >= FAILED_PUTS || !isTimeFor(2)) {
      log.warn("{} goes back and is not put aside now: {}", received, reason);
      batch.goBack(record, Outcome.RETRY, backOff(received));
      return;
    }
    try {
      settings.entry.deadLetter(received, reason);
      failedPuts = 0;
      batch.end(record, Outcome.DEAD_LETTERED);
      log.error("{} was put aside: {}", received, reason);
    } catch (RuntimeException e) {
      failedPuts++;
      log.error("{} could not be put aside: {}: {}", received, reason, FaultLog.describe(e));
      batch.goBack(record, Outcome.RETRY, backOff(received));
    }
  }

  /** Says when each comes back, once for all, and once more for those that did not hear it. */
  private void changeVisibility() {
    List<VisibilityChange> changes = visibilityChanges();
    for (int attempt = 1; attempt <= 2 && !changes.isEmpty() && isTimeFor(1); attempt++) {
      Set<ReceivedMessage> again = change(changes);
      changes =
          visibilityChanges().stream().filter(change -> again.contains(change.received())).toList();
    }
    if (!changes.isEmpty()) {
      log.warn(
          "The visibility of {} messages is unchanged: they come back by themselves",
          changes.size());
    }
  }

  /** As of now: what came between took its part of each wait. */
  private List<VisibilityChange> visibilityChanges() {
    return batch.visibilityChanges(Duration.ofNanos(settings.ticker.nanos() - answeredAt));
  }

  /** Asks once for all; returns those to ask for again. */
  private Set<ReceivedMessage> change(List<VisibilityChange> changes) {
    Set<ReceivedMessage> again = new HashSet<>();
    try {
      for (NotDone notDone : settings.entry.changeVisibilityAll(changes)) {
        if (!notDone.isLost()) {
          again.add(notDone.received());
        }
      }
    } catch (RuntimeException e) {
      log.warn("Visibility could not be changed: {}", FaultLog.describe(e));
      changes.forEach(change -> again.add(change.received()));
    }
    return again;
  }

  /** The source rounds it up to whole seconds, so that no message is early. */
  private Duration comesBackIn(Permit permit) {
    Duration wait = wait(permit);
    return wait.compareTo(HORIZON) <= 0
        ? wait
        : HORIZON.minusMillis(settings.random.nextLong(SPREAD.toMillis()));
  }

  /** Longer the more often it was received, and different for each, so that no herd comes back. */
  private Duration backOff(ReceivedMessage received) {
    int doublings = Math.min(received.receiveCount(), 4);
    long most = Math.min(MOST_BACK_OFF.toMillis(), LEAST_BACK_OFF.toMillis() << doublings);
    return Duration.ofMillis(settings.random.nextLong(LEAST_BACK_OFF.toMillis(), most + 1));
  }
}
