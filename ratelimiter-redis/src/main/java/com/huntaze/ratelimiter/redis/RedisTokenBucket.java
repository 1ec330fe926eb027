package com.huntaze.ratelimiter.redis;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;

/**
 * The limit that any number of processes share: one script on Redis decides, by Redis's own clock.
 *
 * <p>Thread-safe, as far as the Jedis client is, which stays the caller's to close. Every call is
 * one round trip, bounded by the client's time-outs. All keys carry one hash tag ({@code
 * rate_limit:{onlyfans}:edge:…}), so that a cluster keeps them together, and expire by themselves.
 *
 * <p><b>Failure:</b> {@link TokenBucketException} when Redis cannot be asked or answers with an
 * error; callers send nothing then. A call that timed out may have been granted all the same:
 * asking again with the same id tells.
 */
public final class RedisTokenBucket implements TokenBucket {
  private static final LuaScript ACQUIRE = LuaScript.named("acquire.lua");
  private static final LuaScript RELEASE = LuaScript.named("release.lua");
  private static final LuaScript BLOCK = LuaScript.named("block.lua");
  private static final Pattern NAMESPACE = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  private final UnifiedJedis jedis;
  private final Map<Scope.Kind, RateLimit> limits;
  private final String prefix;
  private final long guard;
  private final String grace;
  private final String freshness;

  private RedisTokenBucket(Builder builder) {
    this.jedis = builder.jedis;
    this.limits = new EnumMap<>(builder.limits);
    this.prefix = "rate_limit:{" + builder.namespace + "}:edge:";
    this.guard = micros(builder.guard);
    this.grace = Long.toString(micros(builder.grace));
    this.freshness = Long.toString(guard > 0 ? guard : micros(builder.grace));
  }

  /**
   * Starts a bucket.
   *
   * @param jedis a client of Redis 6.2 or newer: single, Sentinel or Cluster; not closed by the
   *     bucket
   * @return a builder; a limit is required
   */
  public static Builder builder(UnifiedJedis jedis) {
    return new Builder(jedis);
  }

  @Override
  public List<Permit> tryAcquireAll(List<PermitRequest> requests) {
    if (requests.isEmpty()) {
      return List.of();
    }
    List<String> keys = new ArrayList<>();
    List<String> args =
        new ArrayList<>(List.of(grace, freshness, Integer.toString(requests.size())));
    for (PermitRequest request : requests) {
      keys.add(grantKey(request.id()));
      keys.add(bookingKey(request.id()));
      List<Scope> counted =
          request.scopes().stream().filter(scope -> limits.containsKey(scope.kind())).toList();
      args.add(request.id());
      args.add(Long.toString(micros(request.bookingHorizon())));
      args.add(Integer.toString(counted.size()));
      counted.forEach(scope -> addScope(scope, keys, args));
    }
    List<?> replies = (List<?>) run(ACQUIRE, keys, args);
    List<Permit> permits = new ArrayList<>(requests.size());
    for (int i = 0; i < requests.size(); i++) {
      permits.add(permit(requests.get(i).id(), (List<?>) replies.get(i)));
    }
    return permits;
  }

  @Override
  public boolean release(String id) {
    return number(run(RELEASE, List.of(bookingKey(id)), List.of(id))) == 1;
  }

  @Override
  public void blockFor(Scope scope, Duration duration) {
    if (limits.containsKey(scope.kind())) {
      run(BLOCK, List.of(key(scope) + ":block"), List.of(Long.toString(micros(duration))));
    }
  }

  @Override
  public BucketState state(Scope scope) {
    RateLimit limit = limits.get(scope.kind());
    if (limit == null) {
      throw new IllegalArgumentException("this bucket has no limit for scope " + scope.key());
    }
    List<String> keys = new ArrayList<>();
    List<String> args = new ArrayList<>(List.of(grace, freshness, "0"));
    addScope(scope, keys, args);
    List<?> reply = (List<?>) run(ACQUIRE, keys, args);
    return new BucketState(
        key(scope),
        number(reply.get(1)),
        limit.permits(),
        limit.permits() * 1e6 / (micros(limit.window()) + guard),
        instant(reply.get(0)),
        number(reply.get(2)),
        duration(reply.get(3)));
  }

  private void addScope(Scope scope, List<String> keys, List<String> args) {
    RateLimit limit = requireNonNull(limits.get(scope.kind()));
    keys.add(key(scope) + ":record");
    keys.add(key(scope) + ":plan");
    keys.add(key(scope) + ":block");
    args.add(Integer.toString(limit.permits()));
    args.add(Long.toString(micros(limit.window()) + guard));
  }

  private Object run(LuaScript script, List<String> keys, List<String> args) {
    try {
      return script.run(jedis, keys, args);
    } catch (JedisException e) {
      throw new TokenBucketException("Redis could not decide on " + prefix + "*", e);
    }
  }

  private static Permit permit(String id, List<?> reply) {
    return switch ((String) reply.get(0)) {
      case "granted" ->
          new Permit.Granted(
              id, instant(reply.get(1)), duration(reply.get(2)), number(reply.get(3)));
      case "booked" -> new Permit.Booked(id, instant(reply.get(1)), duration(reply.get(2)));
      default -> new Permit.Refused(id, duration(reply.get(1)));
    };
  }

  private String key(Scope scope) {
    return prefix + scope.key();
  }

  private String grantKey(String id) {
    return prefix + "grant:" + id;
  }

  private String bookingKey(String id) {
    return prefix + "booking:" + id;
  }

  private static long number(Object reply) {
    return (Long) reply;
  }

  private static Instant instant(Object micros) {
    return Instant.EPOCH.plus(number(micros), ChronoUnit.MICROS);
  }

  private static Duration duration(Object micros) {
    return Duration.of(number(micros), ChronoUnit.MICROS);
  }

  private static long micros(Duration duration) {
    // Rounded up: a window a microsecond short would let one call too many in.
    return Math.addExact(duration.toNanos(), 999) / 1_000;
  }

  /** Sets up a {@link RedisTokenBucket}. Not thread-safe. */
  public static final class Builder {
    private final UnifiedJedis jedis;
    private final Map<Scope.Kind, RateLimit> limits = new EnumMap<>(Scope.Kind.class);
    private String namespace = "onlyfans";
    private Duration guard = Duration.ofMillis(250);
    private Duration grace = Duration.ofSeconds(5);

    private Builder(UnifiedJedis jedis) {
      this.jedis = requireNonNull(jedis, "jedis");
    }

    /**
     * Limits all calls together. Required.
     *
     * @param limit what all processes together may do
     * @return this builder
     */
    public Builder limit(RateLimit limit) {
      return limit(Scope.Kind.GLOBAL, limit);
    }

    /**
     * Limits each scope of a kind. Default: only the global scope is limited.
     *
     * @param kind which scopes
     * @param limit what each of them may grant
     * @return this builder
     */
    public Builder limit(Scope.Kind kind, RateLimit limit) {
      limits.put(requireNonNull(kind, "kind"), requireNonNull(limit, "limit"));
      return this;
    }

    /**
     * Names the external API, and so the keys: buckets of one namespace share one limit. Default
     * {@code onlyfans}.
     *
     * @param namespace 1 to 64 letters, digits, - and _
     * @return this builder
     * @throws IllegalArgumentException if it is none
     */
    public Builder namespace(String namespace) {
      if (!NAMESPACE.matcher(requireNonNull(namespace, "namespace")).matches()) {
        throw new IllegalArgumentException(
            "namespace must be 1 to 64 letters, digits, - and _, was '" + namespace + "'");
      }
      this.namespace = namespace;
      return this;
    }

    /**
     * What is added to every window, because calls travel: the API sees them a little later than
     * they were granted, some later than others. Default 250 ms.
     *
     * @param guard the addition, zero or more; also how long a grant stays fresh
     * @return this builder
     */
    public Builder guard(Duration guard) {
      this.guard = notNegative("guard", guard);
      return this;
    }

    /**
     * How late the holder of a booking may come and still be granted. Default 5 s.
     *
     * @param grace the lateness allowed, zero or more
     * @return this builder
     */
    public Builder grace(Duration grace) {
      this.grace = notNegative("grace", grace);
      return this;
    }

    /**
     * {@return the bucket; nothing is asked of Redis yet}
     *
     * @throws IllegalStateException if no limit over all calls was set
     */
    public RedisTokenBucket build() {
      if (!limits.containsKey(Scope.Kind.GLOBAL)) {
        throw new IllegalStateException("limit must be set: what all processes together may do");
      }
      return new RedisTokenBucket(this);
    }

    private static Duration notNegative(String name, Duration value) {
      if (requireNonNull(value, name).isNegative()) {
        throw new IllegalArgumentException(name + " must not be negative, was " + value);
      }
      return value;
    }
  }
}
