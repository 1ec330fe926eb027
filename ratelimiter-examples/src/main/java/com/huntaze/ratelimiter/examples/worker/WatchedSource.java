package com.huntaze.ratelimiter.examples.worker;

import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import java.time.Duration;
import java.util.List;

/** A source, and when it was last looked at: what the health check asks. Thread-safe. */
final class WatchedSource implements MessageSource {
  /**
   * How the looking goes.
   *
   * @param sinceLook how long ago the source last answered, or since the start
   * @param failures how often in a row it has failed since
   */
  record Looks(Duration sinceLook, int failures) {}

  private final MessageSource source;
  private final Ticker ticker;
  private long lastLook;
  private int failures;

  WatchedSource(MessageSource source, Ticker ticker) {
    this.source = source;
    this.ticker = ticker;
    this.lastLook = ticker.nanos();
  }

  synchronized Looks looks() {
    return new Looks(Duration.ofNanos(ticker.nanos() - lastLook), failures);
  }

  private synchronized void looked(boolean answered) {
    if (answered) {
      lastLook = ticker.nanos();
      failures = 0;
    } else {
      failures++;
    }
  }

  @Override
  public List<ReceivedMessage> receive(int max, Duration wait) {
    boolean answered = false;
    try {
      List<ReceivedMessage> received = source.receive(max, wait);
      answered = true;
      return received;
    } finally {
      looked(answered);
    }
  }

  @Override
  public Duration visibility() {
    return source.visibility();
  }

  @Override
  public void delete(ReceivedMessage received) {
    source.delete(received);
  }

  @Override
  public List<NotDone> deleteAll(List<ReceivedMessage> received) {
    return source.deleteAll(received);
  }

  @Override
  public void changeVisibility(ReceivedMessage received, Duration visibility) {
    source.changeVisibility(received, visibility);
  }

  @Override
  public List<NotDone> changeVisibilityAll(List<VisibilityChange> changes) {
    return source.changeVisibilityAll(changes);
  }

  @Override
  public void deadLetter(ReceivedMessage received, String reason) {
    source.deadLetter(received, reason);
  }
}
