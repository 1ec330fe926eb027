package com.huntaze.ratelimiter;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.zip.CRC32;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says for which users messages go through the queue, and for which directly: off, on, or a
 * percentage of the users for a gradual roll-out.
 *
 * <p>Thread-safe; may be changed while the client runs. A user stays on one side as long as the
 * percentage does, and one who is on stays on when it grows. Every change is logged.
 */
public final class RateLimiterSwitch {
  private static final Logger log = LoggerFactory.getLogger(RateLimiterSwitch.class);

  private volatile int percent;

  private RateLimiterSwitch(int percent) {
    this.percent = checked(percent);
    log.info("Rate limiting is on for {} % of users", percent);
  }

  /** {@return a switch that is on for everybody} */
  public static RateLimiterSwitch on() {
    return new RateLimiterSwitch(100);
  }

  /** {@return a switch that is off} */
  public static RateLimiterSwitch off() {
    return new RateLimiterSwitch(0);
  }

  /**
   * A switch that is on for a share of the users.
   *
   * @param percent 0 to 100
   * @return the switch
   * @throws IllegalArgumentException if the percentage is out of its range
   */
  public static RateLimiterSwitch percent(int percent) {
    return new RateLimiterSwitch(percent);
  }

  /**
   * Changes the share of users it is on for.
   *
   * @param newPercent 0 to 100; 0 is off, 100 on
   * @throws IllegalArgumentException if the percentage is out of its range
   */
  public void set(int newPercent) {
    int before = percent;
    percent = checked(newPercent);
    if (before != newPercent) {
      log.info("Rate limiting is now on for {} % of users, was {} %", newPercent, before);
    }
  }

  /** {@return the share of users it is on for, 0 to 100} */
  public int percent() {
    return percent;
  }

  /**
   * Whether a user's messages go through the queue.
   *
   * @param userId the user
   * @return whether it is on for this user
   */
  public boolean isOnFor(String userId) {
    int share = percent;
    if (share == 0 || share == 100) {
      return share == 100;
    }
    CRC32 hash = new CRC32();
    hash.update(userId.getBytes(UTF_8));
    return hash.getValue() % 100 < share;
  }

  private static int checked(int percent) {
    if (percent < 0 || percent > 100) {
      throw new IllegalArgumentException("percent must be 0 to 100, was " + percent);
    }
    return percent;
  }
}
