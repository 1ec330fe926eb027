package com.huntaze.ratelimiter;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Ticker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The percentage that a properties file states, read anew when the file has changed, which is
 * looked at once a second at most. Thread-safe; whoever asks first reads, others get the last.
 */
final class WatchedSwitchFile implements IntSupplier {
  private static final long LOOK_EVERY_NANOS = Duration.ofSeconds(1).toNanos();

  private record Seen(int percent, @Nullable IllegalArgumentException fault) {}

  /** What tells one version of a file from the next. */
  private record Version(FileTime time, long size, @Nullable Object key) {}

  private final Path file;
  private final Ticker ticker;
  private final AtomicLong lookedAt;
  private @Nullable Version version;
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
      BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
      Version now = new Version(found.lastModifiedTime(), found.size(), found.fileKey());
      if (!now.equals(version)) {
        RateLimiterConfig config = RateLimiterConfig.from(PropertiesFile.read(file));
        seen = new Seen(config.switchPercent(), null);
        version = now;
      }
    } catch (IOException e) {
      fault(new IllegalArgumentException("the file " + file + " cannot be read: " + e));
    } catch (IllegalArgumentException e) {
      fault(new IllegalArgumentException("the file " + file + " is wrong: " + e.getMessage()));
    }
  }

  private void fault(IllegalArgumentException fault) {
    version = null;
    seen = new Seen(seen.percent, fault);
  }
}
