package com.huntaze.ratelimiter;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Ticker;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The percentage that a properties file states, read anew once a second at most, when it is asked
 * for. Thread-safe; whoever asks first reads, others get the last.
 */
final class WatchedSwitchFile implements IntSupplier {
  private static final long LOOK_EVERY_NANOS = Duration.ofSeconds(1).toNanos();

  private record Seen(int percent, @Nullable IllegalArgumentException fault) {}

  private final Path file;
  private final Ticker ticker;
  private final AtomicLong lookedAt;
  private volatile Seen seen;

  WatchedSwitchFile(Path file, Ticker ticker) {
    this.file = requireNonNull(file, "properties");
    this.ticker = ticker;
    this.lookedAt = new AtomicLong(ticker.nanos());
    this.seen = new Seen(0, null);
    look();
  }

  @Override
  public int getAsInt() {
    long last = lookedAt.get();
    long now = ticker.nanos();
    if (now - last >= LOOK_EVERY_NANOS && lookedAt.compareAndSet(last, now)) {
      look();
    }
    Seen state = seen;
    if (state.fault != null) {
      throw state.fault;
    }
    return state.percent;
  }

  private synchronized void look() {
    try {
      Map<String, String> settings = PropertiesFile.read(file);
      String enabled = settings.getOrDefault(RateLimiterConfig.ENABLED, "");
      if (enabled.isBlank()) { // cut off, or just being written
        throw new IllegalArgumentException(RateLimiterConfig.ENABLED + " is missing");
      }
      seen = new Seen(RateLimiterConfig.from(settings).switchPercent(), null);
    } catch (IOException e) {
      fault(new IllegalArgumentException("the file " + file + " cannot be read: " + e));
    } catch (IllegalArgumentException e) {
      fault(new IllegalArgumentException("the file " + file + " is wrong: " + e.getMessage()));
    }
  }

  private void fault(IllegalArgumentException fault) {
    seen = new Seen(seen.percent, fault);
  }
}
