package com.huntaze.ratelimiter;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Ticker;
import java.nio.file.Path;
import java.util.function.IntSupplier;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says for which users messages go through the queue, and for which directly: off, on, or a
 * percentage of the users for a gradual roll-out.
 *
 * <p>Thread-safe; changes while the client runs, by {@link #set} or by what it follows. A user
 * stays on one side as long as the percentage does, and one who is on stays on when it grows. The
 * first percentage and every change are logged.
 */
public final class RateLimiterSwitch {
  private static final Logger log = LoggerFactory.getLogger(RateLimiterSwitch.class);

  private final @Nullable IntSupplier followed;
  private volatile int percent;
  private volatile boolean failing;

  private RateLimiterSwitch(@Nullable IntSupplier followed, int percent) {
    this.followed = followed;
    this.percent = checked(percent);
    log.info("Rate limiting is on for {} % of users", percent);
  }

  /** {@return a switch that is on for everybody} */
  public static RateLimiterSwitch on() {
    return percent(100);
  }

  /** {@return a switch that is off} */
  public static RateLimiterSwitch off() {
    return percent(0);
  }

  /**
   * A switch that is on for a share of the users, until it is {@link #set} otherwise.
   *
   * @param percent 0 to 100
   * @return the switch
   * @throws IllegalArgumentException if the percentage is out of its range
   */
  public static RateLimiterSwitch percent(int percent) {
    return new RateLimiterSwitch(null, percent);
  }

  /**
   * A switch that follows a supplier, such as a feature-flag service's local copy.
   *
   * @param percent gives 0 to 100; asked for every message, so it must answer from memory. While it
   *     throws or answers out of range, the last good percentage holds, and that is logged once
   * @return the switch
   * @throws IllegalArgumentException if its first answer is out of range
   */
  public static RateLimiterSwitch following(IntSupplier percent) {
    return new RateLimiterSwitch(percent, requireNonNull(percent, "percent").getAsInt());
  }

  /**
   * A switch that follows a properties file with {@code RATE_LIMITER_ENABLED} and {@code
   * RATE_LIMITER_ROLLOUT_PERCENT}. The file is looked at once a second at most, when a message is
   * sent; while it is missing or wrong, its last good content holds, and that is logged once.
   * Replace it in one step: a number that is half written is a number.
   *
   * @param properties the file
   * @return the switch
   * @throws IllegalArgumentException if the file cannot be read or a setting in it is wrong; the
   *     message names the file, the setting, the value and what is allowed
   */
  public static RateLimiterSwitch watching(Path properties) {
    return watching(properties, Ticker.system());
  }

  static RateLimiterSwitch watching(Path properties, Ticker ticker) {
    return following(new WatchedSwitchFile(properties, ticker));
  }

  /**
   * Changes the share of users it is on for.
   *
   * @param newPercent 0 to 100; 0 is off, 100 on
   * @throws IllegalArgumentException if the percentage is out of its range
   * @throws IllegalStateException if the switch follows a supplier or a file
   */
  public void set(int newPercent) {
    if (followed != null) {
      throw new IllegalStateException(
          "this switch follows its source: change the percentage there");
    }
    change(checked(newPercent));
  }

  /** {@return the share of users it is on for, 0 to 100} */
  public int percent() {
    if (followed != null) {
      follow(followed);
    }
    return percent;
  }

  /**
   * Whether a user's messages go through the queue.
   *
   * @param userId the user
   * @return whether it is on for this user
   */
  public boolean isOnFor(String userId) {
    int share = percent();
    if (share == 0 || share == 100) {
      return share == 100;
    }
    CRC32 hash = new CRC32();
    hash.update(userId.getBytes(UTF_8));
    return hash.getValue() % 100 < share;
  }

  private void follow(IntSupplier source) {
    try {
      int now = checked(source.getAsInt());
      failing = false;
      if (now != percent) {
        synchronized (this) { // and asked once more: a slow asker must not bring an old one back
          change(checked(source.getAsInt()));
        }
      }
    } catch (RuntimeException e) {
      if (!failing) {
        failing = true;
        log.warn("Rate limiting stays on for {} % of users: {}", percent, e.getMessage());
      }
    }
  }

  private synchronized void change(int newPercent) {
    int before = percent;
    percent = newPercent;
    if (before != newPercent) {
      log.info("Rate limiting is now on for {} % of users, was {} %", newPercent, before);
    }
  }

  private static int checked(int percent) {
    if (percent < 0 || percent > 100) {
      throw new IllegalArgumentException("percent must be 0 to 100, was " + percent);
    }
    return percent;
  }
}
