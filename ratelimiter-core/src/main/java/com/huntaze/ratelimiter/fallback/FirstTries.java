package com.huntaze.ratelimiter.fallback;

/**
 * How the sink does of late: what became of messages at their first try. Later tries are left out,
 * since messages that fail for ever are tried more often than all others, and those the sink takes
 * in the end say nothing of how often it failed. Confined to who holds the replayer's turn.
 */
final class FirstTries {
  private static final int CALLS = 20;

  private final boolean[] worked = new boolean[CALLS];
  private int calls;
  private int works;

  /**
   * A call with messages that were not tried before.
   *
   * @param messages how many of those it had
   * @param taken how many of those were taken
   */
  void call(int messages, int taken) {
    if (messages == 0) {
      return;
    }
    int place = calls % CALLS;
    works -= worked[place] ? 1 : 0;
    worked[place] = taken * 2 > messages;
    works += worked[place] ? 1 : 0;
    calls++;
  }

  /** Whether most of the last 20 calls were taken for the most part. */
  boolean mostlyWork() {
    return works * 2 > Math.min(calls, CALLS);
  }
}
