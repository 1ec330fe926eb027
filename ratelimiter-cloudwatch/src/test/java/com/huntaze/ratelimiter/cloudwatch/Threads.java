package com.huntaze.ratelimiter.cloudwatch;

import java.util.List;

/** The threads of this JVM. */
final class Threads {
  private Threads() {}

  static List<Thread> named(String name) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals(name))
        .toList();
  }
}
