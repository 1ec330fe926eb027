package com.huntaze.ratelimiter.sqs;

/** Looks into a source. */
public final class InHand {
  private InHand() {}

  /** How many bodies a source keeps. */
  public static int of(SqsMessageSource source) {
    return source.inHand();
  }
}
