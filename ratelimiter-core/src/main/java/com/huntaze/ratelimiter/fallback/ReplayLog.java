package com.huntaze.ratelimiter.fallback;

import com.huntaze.ratelimiter.queue.SinkException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a replayer says: once for an outage and once for a drain, however many messages they have.
 * Confined to who holds the replayer's turn.
 */
final class ReplayLog {
  private static final Logger log = LoggerFactory.getLogger(Replayer.class);

  private boolean sinkFailing;
  private boolean workedSince;
  private boolean storeFailing;
  private boolean lateSaid;
  private long replayed;
  private long late;

  /** The sink took this one. */
  void taken(StoredMessage message) {
    workedSince = true;
    replayed++;
    if (!message.isPastDeduplication()) {
      return;
    }
    late++;
    if (!lateSaid) {
      lateSaid = true; // until the next outage begins
      log.warn(
          "Replaying messages that were stored more than 5 minutes ago: a FIFO queue no longer"
              + " recognises one that it took back then after all; only the sent-log keeps such a"
              + " one from being sent twice");
    }
  }

  /** There is nothing more to send for now. */
  void drained() {
    if (replayed > 0) {
      log.info(
          "Replayed {} stored messages, {} of them stored more than 5 minutes ago", replayed, late);
      replayed = 0;
      late = 0;
    }
    if (workedSince) {
      sinkFailing = false;
    }
  }

  void sinkFails(SinkException reason) {
    workedSince = false;
    if (!sinkFailing) {
      sinkFailing = true;
      lateSaid = false;
      log.warn("Replay fails and goes on trying: {}", describe(reason));
    }
  }

  void storeWorks() {
    storeFailing = false;
  }

  void storeFails(Throwable fault) {
    if (!storeFailing) {
      storeFailing = true;
      log.warn("Replay fails at the fallback store and goes on trying: {}", describe(fault));
    }
  }

  void dead(StoredMessage message, int attempts, SinkException reason) {
    log.error(
        "Stored message {} is dead after {} attempts: {}",
        message.message().messageId(),
        attempts,
        reason.kind());
  }

  /** The words of our own exceptions; of any other only the class, since it may quote a message. */
  static String describe(Throwable fault) {
    return fault instanceof FallbackException || fault instanceof SinkException
        ? fault.toString()
        : fault.getClass().getName();
  }
}
