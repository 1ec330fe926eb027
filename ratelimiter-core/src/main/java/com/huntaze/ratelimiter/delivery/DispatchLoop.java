package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SourceException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the threads of a dispatcher do: one takes what can go soon, the senders deliver it.
 * Thread-safe; each method but {@link #work} is called by one thread.
 */
final class DispatchLoop {
  private static final Logger log = LoggerFactory.getLogger(Dispatcher.class);
  private static final int MAX_RECEIVE = 10;
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);
  private static final Duration ABOUT_TO_ASK = Duration.ofMillis(5);
  private static final Duration PURGE_INTERVAL = Duration.ofHours(1);

  private final DispatcherSettings settings;
  private final StopSignal stop;
  private final Hands hands;
  private final Lanes lanes;
  private final Outlook outlook;
  private volatile long lookedAt;
  private volatile Optional<String> fault = Optional.empty();
  private long purgedAt;
  private boolean inGroups;

  DispatchLoop(DispatcherSettings settings, StopSignal stop, Hands hands) {
    this.settings = settings;
    this.stop = stop;
    this.hands = hands;
    this.lanes = new Lanes(settings.concurrency, settings.source.keepsOrder());
    this.outlook = new Outlook(settings.bucket);
    this.lookedAt = settings.ticker.nanos();
    this.purgedAt = lookedAt;
  }

  /** How long ago it last looked whether there is work. */
  Duration sinceLook() {
    return Duration.ofNanos(settings.ticker.nanos() - lookedAt);
  }

  /** What the last look failed with. */
  Optional<String> fault() {
    return fault;
  }

  /** Hands nothing more to a sender. */
  void close() {
    lanes.close();
  }

  /** Until the stop: what can go soon is taken and handed to the senders. */
  void poll() {
    try {
      warmUp();
      while (!stop.isStopped()) {
        try {
          takeWhatCanGo();
          fault = Optional.empty();
        } catch (SourceException e) {
          failed("The source cannot be asked", e);
        } catch (TokenBucketException e) {
          failed("The token bucket cannot be asked; nothing is taken", e);
        } catch (RuntimeException | Error e) {
          failed("A part failed in a way it should not", e);
        }
        lookedAt = settings.ticker.nanos();
        purge();
      }
    } catch (InterruptedException e) {
      log.debug("The dispatcher's poller was told to stop");
    }
  }

  private void failed(String what, Throwable reason) throws InterruptedException {
    settings.faults.warn(what, reason);
    fault = Optional.of(what);
    stop.await(LOOK_AGAIN);
  }

  private void purge() {
    if (settings.ticker.nanos() - purgedAt > PURGE_INTERVAL.toNanos()) {
      purgedAt = settings.ticker.nanos();
      try {
        settings.sentLog.purge();
      } catch (RuntimeException e) {
        settings.faults.warn("Old messages could not be purged from the sent-log", e);
      }
    }
  }

  /**
   * What is slow the first time is done before the first permit, which stays fresh for a moment.
   */
  private void warmUp() {
    try {
      settings.gateway.warmUp();
      settings.sentLog.notSent(new SentLog.Claim("warm-up", 0, "warm-up")); // forgets nothing
    } catch (RuntimeException e) {
      log.debug("The dispatcher could not warm up; its first calls may be slow", e);
    }
  }

  /** Receives as much as could go soon; waits a little if that is nothing. */
  private void takeWhatCanGo() throws InterruptedException {
    if (!hands.awaitFree(LOOK_AGAIN)) {
      return;
    }
    if (!lanes.hasRoom()) {
      lanes.awaitChange(LOOK_AGAIN);
      return;
    }
    int unasked = lanes.unasked(); // before the bucket: a permit must not be counted twice
    Outlook.Look look = outlook.look();
    if (look.permits() <= 0) {
      stop.await(look.until().compareTo(LOOK_AGAIN) < 0 ? look.until() : LOOK_AGAIN);
      return;
    }
    long room = Math.min(look.permits() - unasked, hands.free());
    if (room <= 0) {
      lanes.awaitChange(ABOUT_TO_ASK); // those at hand are about to take what is left
      return;
    }
    receive((int) Math.min(MAX_RECEIVE, room));
  }

  /**
   * A source that hands out several of a creator at once, and then none of theirs while one is in
   * hand, is asked for less at a time, so that other creators have their turn too.
   */
  private void receive(int room) throws InterruptedException {
    int max = inGroups ? (room + 2) / 3 : room;
    List<ReceivedMessage> received = settings.source.receive(max, settings.pollWait);
    inGroups |= settings.source.keepsOrder() && Lanes.creators(received) < received.size();
    lanes.add(hands.take(received));
  }

  /** What each sender does until the stop. */
  void work() {
    try {
      for (Lanes.Work next = lanes.next(); next != null; next = lanes.next()) {
        boolean ended = work(next.hand);
        List<Hand> behind =
            lanes.done(next, ended).stream().filter(Hand::take).toList(); // else the stop has them
        hands.leave(next.hand);
        if (!behind.isEmpty()) {
          hands.giveBack(behind);
        }
      }
    } catch (InterruptedException e) {
      log.debug("A sender was told to stop");
    }
  }

  private boolean work(Hand hand) {
    try {
      return hand.received().message().isPresent()
          ? new Delivery(settings, stop, hand).run()
          : putAside(hand);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error e) {
      settings.faults.warn("A delivery failed; its message comes back", e);
    }
    return false;
  }

  private boolean putAside(Hand unreadable) {
    if (!unreadable.begin()) {
      return false;
    }
    String reason =
        unreadable.received().fault().map(fault -> fault.reason().name()).orElse("UNREADABLE");
    try {
      unreadable.deadLetter(reason);
      log.error("A message that cannot be read was put aside: {}", reason);
      return true;
    } catch (SourceException e) {
      settings.faults.warn("A message that cannot be read could not be put aside", e);
      return false;
    }
  }
}
