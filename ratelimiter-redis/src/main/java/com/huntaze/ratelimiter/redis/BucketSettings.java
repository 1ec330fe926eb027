package com.huntaze.ratelimiter.redis;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import redis.clients.jedis.util.SafeEncoder;

/** What every run of the script is told, made once. Immutable. */
final class BucketSettings {
  /** Windows up to this length are simply waited out when Redis has lost its state. */
  private static final Duration WAITED_OUT = Duration.ofMinutes(1);

  /** Longer is as good as for ever; and twice as long still is a whole number to the script. */
  private static final Duration FOREVER = Duration.ofDays(36_500);

  /** A longer window with more permits than this is waited out as well. */
  private static final int MOST_UNKNOWN = 10_000;

  private static final Map<Scope.Kind, byte[]> NAMES = new EnumMap<>(Scope.Kind.class);

  static {
    for (Scope.Kind kind : Scope.Kind.values()) {
      NAMES.put(kind, SafeEncoder.encode(name(kind)));
    }
  }

  private static final List<byte[]> UNLIMITED =
      List.of(SafeEncoder.encode("0"), SafeEncoder.encode("0"));

  /** What stands before the operation's own arguments: limits, grace, fresh, closing. */
  final List<byte[]> common;

  /** How long back a grant may be asked for after a loss; zero if all windows are waited out. */
  final long longestInDoubt;

  /** The keys of every call, then those of the global scope. */
  final List<byte[]> globalKeys;

  private final String prefix;
  final boolean withoutRunId;
  private final boolean shortWay;
  private final Map<Scope.Kind, List<byte[]>> limits = new EnumMap<>(Scope.Kind.class);

  BucketSettings(
      String prefix,
      Map<Scope.Kind, List<RateLimit>> limits,
      Duration guard,
      Duration grace,
      Duration fresh,
      boolean withoutRunId) {
    this.prefix = prefix;
    this.withoutRunId = withoutRunId;
    StringBuilder text = new StringBuilder("limits=");
    long closed = 0;
    long inDoubt = 0;
    boolean rolling = true;
    for (Map.Entry<Scope.Kind, List<RateLimit>> each : limits.entrySet()) {
      List<String> numbers = new ArrayList<>();
      long kept = micros(fresh);
      for (RateLimit limit : each.getValue()) {
        long length = micros(limit.window()) + micros(guard);
        long spacing = 0;
        if (limit.isTokenBucket()) {
          spacing = (length + limit.refill() - 1) / limit.refill();
          length = spacing * limit.permits();
          rolling = false;
        } else if (limit.window().compareTo(WAITED_OUT) <= 0 || limit.permits() > MOST_UNKNOWN) {
          closed = Math.max(closed, length);
        } else {
          inDoubt = Math.max(inDoubt, length);
        }
        kept = Math.max(kept, length);
        numbers.add(Integer.toString(limit.permits()));
        numbers.add(Long.toString(length));
        numbers.add(Long.toString(spacing));
        text.append(name(each.getKey())).append(' ').append(limit.permits());
        text.append(' ').append(length).append(' ').append(spacing).append(';');
      }
      numbers.add(0, Long.toString(kept));
      numbers.add(1, Integer.toString(each.getValue().size()));
      this.limits.put(each.getKey(), numbers.stream().map(SafeEncoder::encode).toList());
    }
    this.common =
        Stream.of(
                text.toString(),
                Long.toString(micros(grace)),
                Long.toString(micros(fresh)),
                Long.toString(closed))
            .map(SafeEncoder::encode)
            .toList();
    this.globalKeys =
        Stream.of("meta", "limits", "scopes", "global:record", "global:plan", "global:state")
            .map(name -> SafeEncoder.encode(key(name)))
            .toList();
    this.longestInDoubt = inDoubt;
    this.shortWay = rolling;
  }

  boolean isLimited(Scope.Kind kind) {
    return limits.containsKey(kind);
  }

  /** How long the record is kept, the number of limits; permits, window and spacing of each. */
  List<byte[]> limits(Scope.Kind kind) {
    return limits.getOrDefault(kind, UNLIMITED);
  }

  String key(String name) {
    return prefix + name;
  }

  byte[] options(boolean firstStart, boolean shortWayOpen, boolean partial) {
    String options =
        (firstStart ? "e" : "")
            + (withoutRunId ? "n" : "")
            + (partial ? "p" : "")
            + (shortWay && shortWayOpen ? "" : "s");
    return SafeEncoder.encode(options);
  }

  private static String name(Scope.Kind kind) {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  static byte[] encodedName(Scope.Kind kind) {
    return requireNonNull(NAMES.get(kind));
  }

  static long micros(Duration duration) {
    // Rounded up: a window a microsecond short would let one call too many in.
    Duration bounded = duration.compareTo(FOREVER) > 0 ? FOREVER : duration;
    return (bounded.getNano() + 999) / 1_000 + bounded.getSeconds() * 1_000_000;
  }
}
