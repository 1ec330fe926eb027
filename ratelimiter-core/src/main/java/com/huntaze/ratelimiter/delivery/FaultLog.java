package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SourceException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says each kind of fault once until work succeeds again, so that an outage is not a flood. */
final class FaultLog {
  private static final Logger log = LoggerFactory.getLogger(Dispatcher.class);

  private final Set<String> said = ConcurrentHashMap.newKeySet();

  void warn(String what, Throwable fault) {
    if (said.add(what)) {
      log.warn("{}: {}", what, describe(fault));
    }
  }

  /** The words of our own exceptions; of any other only the class, since it may quote a message. */
  static String describe(Throwable fault) {
    return fault instanceof SourceException
            || fault instanceof TokenBucketException
            || fault instanceof SentLogException
            || fault instanceof GatewayException
            || fault instanceof ResultStoreException
            || fault instanceof SinkException
        ? fault.toString()
        : fault.getClass().getName();
  }

  void clear() {
    if (!said.isEmpty()) {
      said.clear();
    }
  }
}
