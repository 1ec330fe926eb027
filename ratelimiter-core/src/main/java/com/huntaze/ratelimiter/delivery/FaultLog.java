package com.huntaze.ratelimiter.delivery;

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
      log.warn("{}: {}", what, fault.toString());
    }
  }

  void clear() {
    if (!said.isEmpty()) {
      said.clear();
    }
  }
}
